"""The difference of two rule books, and the issues of a proposed one."""

import datetime as dt

import pytest

from receipts.rulebook.changes import FieldChange, book_changes
from receipts.rulebook.diff import book_issues
from receipts.rulebook.loader import SHIPPED, parse_rule_book
from receipts.rulebook.schema import RuleBook
from tests.conftest import shipped_book

TODAY = dt.date(2026, 11, 29)
TEXT = SHIPPED.read_text()
GUANGDONG = TEXT[TEXT.index("[provinces.CN-GD]") : TEXT.index("[provinces.CN-JL]")]
LATER = """[[provinces.CN-GD.tariffs]]
version = "GD-2"
from = {day}
monthly_fen = {fen}
per_receipt_fen = 0

"""


def book(*edits: tuple[str, str]) -> RuleBook:
    text = TEXT
    for before, after in edits:
        assert before in text
        text = text.replace(before, after, 1)
    return parse_rule_book(text.encode(), "proposed.toml")


def with_tariff(day: str, fen: int = 90) -> RuleBook:
    return book((GUANGDONG, GUANGDONG + LATER.format(day=day, fen=fen)))


def issues(new: RuleBook) -> list[tuple[str, bool]]:
    found = book_issues(shipped_book(), new, TODAY)
    return [(each.key, each.refused) for each in found if each.key != "invented"]


def test_same_book_has_no_changes():
    assert book_changes(shipped_book(), book(("[limits]", "# note\n[limits]"))) == []


def test_changes_name_province_and_field():
    new = book(
        ('cancel = ["TD"]', 'cancel = ["TD", "TDHZ"]'),
        ("replies_a_day = 120", "replies_a_day = 99"),
        ("[provinces.CN-GD]", "[provinces.CN-GD]\nconfirmation_hours = 24"),
    )
    changes = book_changes(shipped_book(), new)
    assert changes == [
        FieldChange("", ("limits", "replies_a_day"), 120, 99),
        FieldChange("", ("words", "code", "cancel"), ("TD",), ("TD", "TDHZ")),
        FieldChange("CN-GD", ("confirmation_hours",), 48, 24),
    ]
    assert (changes[1].added, changes[1].removed) == (("TDHZ",), ())


def test_new_tariff_and_message_are_listed_under_their_names():
    changes = book_changes(shipped_book(), with_tariff("2027-01-01"))
    assert {each.path[:2] for each in changes} == {("tariffs", "GD-2")}
    found = {each.path[2]: each.new for each in changes}
    assert (found["from"], found["monthly_fen"]) == ("2027-01-01", 90)
    assert all(each.old is None for each in changes)


def test_removed_province_is_a_change_of_each_of_its_fields():
    new = book((GUANGDONG, ""), ('["CN-GD", "CN-FJ"]', '["CN-FJ"]'))
    gone = [each for each in book_changes(shipped_book(), new) if each.province == "CN-GD"]
    assert ("doors",) in {each.path for each in gone}
    assert all(each.new is None for each in gone)
    assert issues(new) == [("province_removed", False)]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (with_tariff("2026-11-29"), []),
        (with_tariff("2026-11-28"), [("tariff_backdated", True)]),
        (with_tariff("2027-01-01", 300), [("dearer", False)]),
        (book(("monthly_fen = 100", "monthly_fen = 90")), [("tariff_changed", True)]),
        (
            book(('version = "GD-1"', 'version = "GD-9"')),
            [("tariff_dropped", True), ("tariff_backdated", True)],
        ),
        (book(('"web", "counter"]', '"web"]')), [("doors_removed", False)]),
    ],
)
def test_issues_of_a_proposed_book(new: RuleBook, found: list[tuple[str, bool]]):
    assert issues(new) == found


def test_tariff_that_has_not_begun_may_still_change():
    before, after = with_tariff("2027-01-01"), with_tariff("2027-01-01", 80)
    assert [each.key for each in book_issues(before, after, TODAY)] == ["invented"]
