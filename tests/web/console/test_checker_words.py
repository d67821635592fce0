"""The rule book checker's sentences have words in Chinese."""

import re

import pytest

from receipts.model.staff import StaffArea
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import parse_rule_book
from receipts.rulebook.schema_errors import _FIXES, _SENTENCES  # the sentences themselves
from receipts.staff.books.promotion_editor import PromotionDraft, with_message
from tests.receipts.rulebook.test_validation import BROKEN, TEXT
from tests.web.console.conftest import Staff
from web.console.books.checker_words import CheckerWords
from web.staff.rendering import area_catalogue

WORDS = CheckerWords(area_catalogue(StaffArea.CONSOLE))
CHINESE = re.compile("[\u4e00-\u9fff]")


def is_worded(sentence: str) -> bool:
    return WORDS.chinese(sentence) != sentence and bool(CHINESE.search(WORDS.chinese(sentence)))


@pytest.mark.parametrize("row", BROKEN, ids=[row[1] for row in BROKEN])
def test_problem_and_fix_of_each_broken_book(row: tuple[str, str, str, str]):
    with pytest.raises(RuleBookError) as refused:
        parse_rule_book(TEXT.replace(row[0], row[1], 1).encode(), "x")
    for each in refused.value.violations:
        assert is_worded(each.problem), each.problem
        assert is_worded(each.fix), each.fix


@pytest.mark.parametrize("data", [b"nonsense", b"\xff\xfe", b"a = " + b"[" * 9000, b"a = 1"])
def test_files_that_are_no_rule_book(data: bytes):
    with pytest.raises(RuleBookError) as refused:
        parse_rule_book(data, "x")
    for each in refused.value.violations:
        assert is_worded(each.problem), each.problem
        assert is_worded(each.fix), each.fix


def test_sentences_of_the_schema():
    unworded = [fix for fix in _FIXES.values() if not is_worded(fix)]
    filled = (text.format_map(_Named()) for _, text in _SENTENCES)
    assert unworded + [text for text in filled if not is_worded(text)] == []


class _Named(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return {"unit": " fen", "kind": "a whole number"}.get(key, "x")


def test_longer_sentence_wins_over_a_general_one():
    fix = 'use one of open, cancel, each with a list such as ["KT"]'
    assert WORDS.chinese(fix) == '请用open, cancel，每个后面写一个列表，如["KT"]'
    problem = "monthly_fen is 900; the most is 300 fen (3 yuan)"
    assert WORDS.chinese(problem) == "monthly_fen为900，最大为300 fen (3 yuan)"
    assert WORDS.chinese("an unknown sentence") == "an unknown sentence"


def test_pages_tell_errors_in_the_language_of_the_reader(staff: Staff):
    browser = staff("an", language="zh")
    form = browser.goes("rulebook/upload").form_to("upload")
    text = TEXT.encode().replace(b"monthly_fen = 100", b"monthly_fen = 900")
    seen = browser.sends(form, file=text, reason="新资费")
    assert "monthly_fen为900，最大为300 fen" in seen.text
    assert "请写0到300的整数，单位：分" in seen.text


def test_errors_of_a_message():
    draft = PromotionDraft("x", "news", "soon", "2026-12-31", "啊", "a")
    with pytest.raises(RuleBookError) as refused:
        with_message(TEXT.encode(), draft, 1)
    (violation,) = refused.value.violations
    assert WORDS.chinese(violation.problem) == "不是日期"
    assert WORDS.chinese(violation.fix) == "请写日期，如2026-12-31"
