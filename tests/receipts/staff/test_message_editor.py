"""Edits of the operator's messages in the rule book's file."""

import datetime as dt
import difflib
import re

import pytest

from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED
from receipts.staff.books.promotion_editor import (
    PromotionDraft,
    with_message,
    without_days_after,
)

TEXT = SHIPPED.read_bytes()
DRAFT = PromotionDraft("new", "news", "2026-12-01", "2026-12-31", "你好", 'Hi "there"', ("CN-GD",))


def changed_lines(after: bytes) -> list[str]:
    lines = difflib.ndiff(TEXT.decode().splitlines(), after.decode().splitlines())
    return [line for line in lines if line[:2] in {"+ ", "- "}]


def test_changed_message_keeps_all_other_lines_and_comments():
    draft = PromotionDraft("ringtones", "advertising", "2020-01-01", "2026-12-31", "新", "New.")
    edited = with_message(TEXT, draft, 4)
    assert sorted(changed_lines(edited.text)) == sorted([
        '- version = "invented-1"', '+ version = "invented-1+4"',
        "- until = 2099-12-31", "+ until = 2026-12-31",
        '- zh = "彩铃首月免费，详询10086。"', '+ zh = "新"',
        '- en = "Ring-back tones, first month free. Ask 10086."', '+ en = "New."',
    ])  # fmt: skip
    again = with_message(edited.text, DRAFT, 5)
    assert again.book.version == "invented-1+5"


@pytest.mark.parametrize("kept", ["three messages", "none", "in one line"])
def test_added_message_is_in_the_book(kept: str):
    text = TEXT.decode()
    if kept != "three messages":
        text = re.sub(r"\[\[messages\]\].*?\n\n", "", text, flags=re.DOTALL)
    if kept == "in one line":
        one = '{name="a", kind="news", from=2026-01-01, until=2026-02-01, zh="啊", en="a"}'
        text = text.replace("invented = true", f"invented = true\nmessages = [{one}]")
    messages = with_message(text.encode(), DRAFT, 1).book.messages
    assert len(messages) == {"three messages": 4, "none": 1, "in one line": 2}[kept]
    assert (messages[-1].zh, messages[-1].en) == ("你好", 'Hi "there"')
    assert messages[-1].provinces == ("CN-GD",)


def test_message_for_all_provinces_loses_its_list():
    draft = PromotionDraft("fair", "news", "2026-12-01", "2026-12-31", "你好", "Hi")
    (fair,) = [each for each in with_message(TEXT, draft, 1).book.messages if each.name == "fair"]
    assert fair.provinces == ()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("since", "2026-02-30", r"messages\.from: is not a day"),
        ("until", "31.12.2026", r"messages\.until: is not a day"),
        ("until", "2026-11-30", "is before 2026-12-01, its first day"),
        ("name", "", "name is empty"),
        ("kind", "gossip", "“gossip” is not a known value"),
        ("zh", "字" * 31, "zh has 31 characters; the most is 30"),
        ("en", "no 中文", "en has characters that are not allowed"),
        ("zh", "a\x00b", r"the control character U\+0000"),
        ("provinces", ("CN-BJ",), "CN-BJ is not a province of this book"),
    ],
)
def test_message_that_is_not_valid_is_refused(field: str, value: object, problem: str):
    values = {each: getattr(DRAFT, each) for each in DRAFT.__slots__} | {field: value}
    with pytest.raises(RuleBookError, match=problem):
        with_message(TEXT, PromotionDraft(**values), 1)


def test_running_message_ends_and_a_future_one_goes():
    ended = without_days_after(TEXT, "fair", dt.date(2026, 11, 29), 1)
    assert changed_lines(ended.text)[2:] == ["- until = 2099-12-31", "+ until = 2026-11-29"]
    gone = without_days_after(TEXT, "fair", dt.date(2019, 12, 31), 1)
    assert [each.name for each in gone.book.messages] == ["lights", "ringtones"]
    with pytest.raises(RuleBookError, match="no message “fair” runs after 2026-11-29"):
        without_days_after(ended.text, "fair", dt.date(2026, 11, 29), 2)
