"""Previews of the operator's messages in a receipt of one segment."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.model.vocabulary import Language, PromotionCategory
from receipts.rulebook.schema import Promotion
from receipts.staff.books.previews import preview
from receipts.wording.segments import segments, size_of
from tests.conftest import shipped_book

BOOK = shipped_book()


def ringtones(**more: object) -> Promotion:
    return msgspec.structs.replace(BOOK.messages[2], **more)


def test_longest_receipt_uses_the_whole_segment():
    chinese = preview(BOOK, ringtones(), Language.ZH)
    assert chinese.text.endswith("【广告】彩铃首月免费，详询10086。拒收回TDXX")
    assert chinese.size == ("UCS-2", 70, 70)
    assert chinese.never == ()
    english = preview(BOOK, ringtones(), Language.EN)
    assert english.text.endswith("Ask 10086. To stop ads, text TDXX.")
    assert english.size == ("GSM-7", 160, 160)
    assert english.never == ("barred", "rejected", "no_answer")


@given(st.text("短信回执a", min_size=1, max_size=30))
def test_message_within_the_room_rides_and_a_longer_one_does_not(text: str):
    shown = preview(BOOK, ringtones(zh=text), Language.ZH)
    assert (len(text) <= shown.room) == bool(shown.text)
    assert not shown.text or segments(shown.text) == 1


@pytest.mark.parametrize("kind", ["news", "public_interest", "advertising"])
def test_room_is_that_of_the_shortest_receipt(kind: str):
    message = ringtones(kind=PromotionCategory(kind))
    room = preview(BOOK, message, Language.ZH).room
    fits = preview(BOOK, msgspec.structs.replace(message, zh="字" * room), Language.ZH)
    assert fits.size.units == 70
    assert not preview(
        BOOK, msgspec.structs.replace(message, zh="字" * (room + 1)), Language.ZH
    ).text


def test_size_counts_septets_and_units():
    assert size_of("a€") == ("GSM-7", 3, 160)
    assert size_of("a😀") == ("UCS-2", 3, 70)
