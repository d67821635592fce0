"""Every field of a rule book has a label and a value in both languages."""

import msgspec
import pytest

from receipts.model.staff import StaffArea
from receipts.model.vocabulary import Language
from receipts.rulebook.changes import book_changes
from receipts.rulebook.schema import KeywordLists, Limits, LocalizedName, PhraseRole, RuleBook
from tests.conftest import shipped_book
from web.console.books.province_page import province_page, shared_sections
from web.console.books.terms import BookTerms
from web.staff.rendering import area_catalogue


def full_book() -> RuleBook:
    """The shipped book, with limits, phrases and causes where it has none."""
    book = shipped_book()
    phrases = {role: (f"phrase of {role}",) for role in PhraseRole}
    own = msgspec.structs.replace(book.provinces["CN-GD"], limits=Limits(), phrases=phrases)
    payment = LocalizedName(zh="充值", en="Top up")
    provinces = {**book.provinces, "CN-GD": own}
    return msgspec.structs.replace(book, provinces=provinces, payment=payment)


@pytest.mark.parametrize("language", Language)
def test_each_field_has_words(language: Language):
    book = full_book()
    terms = BookTerms(area_catalogue(StaffArea.CONSOLE), language, book)
    empty = RuleBook(version="", words=KeywordLists(), provinces={}, names={})
    changes = book_changes(empty, book)
    assert len(changes) > 300
    for change in changes:
        label = terms.label(change.path)
        assert label
        assert "_" not in label, change.path
        assert terms.value(change.path, change.new)
    for province in book.provinces.values():
        assert province_page(province, terms, province.tariffs[0].since).words
    assert len(shared_sections(book, terms)) == 7
