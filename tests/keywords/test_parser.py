"""Keyword parser: intents, suggestions, keywords of other provinces."""

import time
import unicodedata
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keywords.parser import KeywordParser, ParsedMessage
from receipts.model.vocabulary import Intent, Language
from receipts.rulebook.normalise import normalise
from receipts.rulebook.validation import CARRIER_KEYWORDS
from receipts.rulebook.wishes import Wish
from tests.conftest import shipped_book

BOOK = shipped_book()
PARSER = KeywordParser(BOOK)
GUANGDONG, JILIN, SHAANXI = "CN-GD", "CN-JL", "CN-SN"


def parse(text: str, province: str | None = GUANGDONG) -> ParsedMessage:
    return PARSER.parse(text, province)


SPELLINGS = {
    Intent.OPEN: (
        *("KTDXHZ", "ktdxhz", "KtDxHz", "ＫＴＤＸＨＺ", " KT DX HZ ", "KT-DXHZ.", "ktdxhz。"),
        *("【KTDXHZ】！", "\ufeffKTDXHZ", "KT\u200bDX\u200dHZ\u2060", "KTDXHZ\ufe0f"),
        *("KTDXHZ\r\n\x00", "开通短信回执", "开通短信回执。", "“开通短信回执”～", "開通短信回執"),
        *("開通短信迴執！", "Subscribe!", "open", "START"),
    ),
    Intent.CANCEL: (
        *("QXDXHZ", "取消短信回执", "退订短信回执", "退訂", "TD", "Stop", "CANCEL", "unsubscribe."),
        *("END", "QUIT", "STOPALL"),
    ),
    Intent.ASK: ("CXDXHZ", "查詢短信回執", "status?"),
    Intent.ORDINARY: ("PT", "普通短信"),
    Intent.FLASH: ("SX", "閃信"),
    Intent.RECEIPTS: ("最近回執", "ZJHZ", "receipts"),
    Intent.CHARGES: ("扣費記錄", "charges"),
    Intent.LIST_ALL: ("0000", "０００００"),
    Intent.HELP: ("HELP", "BZ", "幫助", "?", " ？ ", "??"),
    Intent.ENGLISH: ("EN", "English", "英文"),
    Intent.CHINESE: ("ZH", "中文"),
    Intent.YES: ("是", "是。", "y", "1", "１", "①", "YES!"),
    Intent.NO: ("否", "N", "0", "no"),
}
CASES = [(text, intent) for intent, texts in SPELLINGS.items() for text in texts]


@pytest.mark.parametrize(("text", "intent"), CASES)
def test_spelling_does_not_matter(text: str, intent: Intent):
    assert parse(text).intent is intent


@pytest.mark.parametrize(("text", "intent"), [
    (text, intent) for text, intent in CASES
    if intent is not Intent.OPEN and text not in {"QXDXHZ", "CXDXHZ"}
])  # fmt: skip
def test_shared_keywords_work_in_every_province(text: str, intent: Intent):
    for province in (JILIN, SHAANXI, None, "CN-BJ"):
        assert parse(text, province).intent is intent


@pytest.mark.parametrize(("text", "language"), [
    ("开通短信回执", Language.ZH), ("是", Language.ZH), ("SUBSCRIBE", Language.EN),
    ("STOP", Language.EN), ("KTDXHZ", None), ("TD", None), ("0000", None), ("1", None),
    ("你好", Language.ZH), ("how does this work", Language.EN), ("please unsubscribe", Language.EN),
    ("asdf", None), ("", None),
])  # fmt: skip
def test_language_of_a_text(text: str, language: Language | None):
    assert parse(text).language is language


@pytest.mark.parametrize(("text", "near"), [
    # Cyrillic К, Т, Х, Н and Greek Κ, Τ, Χ, Η, Ζ look like Latin letters.
    ("КТDXHZ", "KTDXHZ"), ("KTDХНZ", "KTDXHZ"), ("ΚΤDΧΗΖ", "KTDXHZ"), ("РТ", "PT"), ("ТD", "TD"),
    ("OOOO", "0000"), ("ОООО", "0000"), ("l", "1"),
    ("KTDXH", "KTDXHZ"), ("KTDXHZZ", "KTDXHZ"), ("KTDXZH", "KTDXHZ"), ("KTDXHX", "KTDXHZ"),
    ("KTDX", "KTDXHZ"), ("SUBCRIBE", "SUBSCRIBE"), ("开通", "开通短信回执"),
    ("开通短信回值", "开通短信回执"), ("想开通短信回执行不行", "开通短信回执"),
])  # fmt: skip
def test_similar_text_is_suggested_not_accepted(text: str, near: str):
    parsed = parse(text)
    assert (parsed.intent, parsed.elsewhere, parsed.near[0]) == (None, None, near)


@pytest.mark.parametrize(("text", "intent"), [
    *((f"QXDXHZ{beside}", Intent.CANCEL) for beside in ("🙏", "👍🏽", "❗", " ✅", "™", "♥️")),
    *((f"是{b}", Intent.YES) for b in ("👍", "【小王】", "[小王]")),
    *((f"是{b}", Intent.YES) for b in ( "\n小王", "\n--\n王小明", "  李雷")),
    *((f"PT{beside}", Intent.ORDINARY) for beside in ("❗", " - John", "\nSent from my iPhone")),
    ("【小王】是", Intent.YES), ("1️⃣", Intent.YES), ("0️⃣0️⃣0️⃣0️⃣", Intent.LIST_ALL),
    ("?🙏", Intent.HELP),
    ("TD（来自我的手机）", Intent.CANCEL), ("KTDXHZ谢谢", Intent.OPEN),
    ("我要开通短信回执", Intent.OPEN),
    ("取消", Intent.CANCEL), ("我要退订，谢谢", Intent.CANCEL),
    ("please unsubscribe me", Intent.CANCEL),
    ("PT please", Intent.ORDINARY), ("不同意", Intent.NO), ("不要广告", Intent.NO_MESSAGES),
    ("为什么扣我钱", Intent.CHARGES),
])  # fmt: skip
def test_word_counts_with_a_thing_beside_it(text: str, intent: Intent):
    assert parse(text).intent is intent


@pytest.mark.parametrize(("text", "wish"), [
    ("是（如果免费）", Wish.MAYBE_AGREE), ("是\n多少钱", Wish.MAYBE_AGREE),
    ("是？", Wish.MAYBE_AGREE),
    ("是\n考虑中", Wish.MAYBE_AGREE), ("是（骗人）", Wish.MAYBE_CANCEL),
    ("取消 彩虹卡", Wish.MAYBE_CANCEL), ("取消 李医生", Wish.MAYBE_CANCEL),
    ("退订\n彩虹卡", Wish.MAYBE_CANCEL),
    ("是\n不要", Wish.MAYBE_CANCEL), ("Y\nbut not now", None), ("是-不", None),
    ("yes please", Wish.AGREE),
    ("取消短信回执？", Wish.MAYBE_CANCEL), ("QXDXHZ?", Wish.MAYBE_CANCEL),
    ("CANCEL 1", Wish.MAYBE_CANCEL),
    ("QXDXHZ\n如果要钱", Wish.MAYBE_CANCEL),
])  # fmt: skip
def test_word_is_unsure_with_a_doubt_beside_it(text: str, wish: Wish | None):
    assert (parse(text).intent, parse(text).wish) == (None, wish)


def test_suggestion_is_a_keyword_of_the_province():
    assert parse("КТDXHZ", JILIN).near == ("KTHZ",)
    assert parse("KTHX", JILIN).near == ("KTHZ",)


def test_common_part_suggests_one_keyword_per_intent():
    assert parse("短信回执").near == ("开通短信回执", "取消短信回执", "查询短信回执")


@pytest.mark.parametrize(("text", "province", "right"), [
    ("KTHZ", GUANGDONG, "KTDXHZ"), ("QXHZ", GUANGDONG, "QXDXHZ"), ("hzcx", GUANGDONG, "CXDXHZ"),
    ("KTDXHZ", JILIN, "KTHZ"), ("HZQX", JILIN, "QXHZ"), ("KTHZ", SHAANXI, "HZKT"),
])  # fmt: skip
def test_keyword_of_another_province_has_the_own_one(text: str, province: str, right: str):
    assert parse(text, province) == ParsedMessage(None, near=(right,), elsewhere=right)


@pytest.mark.parametrize("province", [None, "CN-BJ", ""])
def test_uncovered_province_has_the_keywords_of_all(province: str | None):
    assert parse("KTHZ", province).intent is Intent.OPEN
    assert parse("KTDXHZ", province).intent is Intent.OPEN
    assert parse("KTDXHX", province).near


@pytest.mark.parametrize(
    "text", ["", " ", "。", "！？…", "\u200b\ufeff", "hi", "weekend", "🙏", "在吗"]
)
def test_meaningless_text_has_no_intent_or_suggestion(text: str):
    assert parse(text).intent is None
    assert parse(text).near == ()


def test_similar_signs_are_no_digits():
    for text in ("O", "OOOO", "+1", "$1", "1元"):
        assert parse(text).intent is None


def test_every_keyword_of_a_province_has_its_intent():
    for code, province in BOOK.provinces.items():
        for intent, words in province.words.items():
            assert [parse(word, code).intent for word in words] == [intent] * len(words)


def test_taught_keywords_have_their_intent_and_bypass_the_carrier():
    provinces = (*BOOK.provinces, None, "CN-BJ")
    for province, language, intent in product(provinces, (None, *Language), Intent):
        keyword = PARSER.keyword_for(province, intent, language)
        assert parse(keyword, province).intent is intent
        assert keyword.upper() not in CARRIER_KEYWORDS


def test_taught_keyword_by_language():
    assert PARSER.keyword_for(GUANGDONG, Intent.YES, Language.ZH) == "是"
    assert PARSER.keyword_for(GUANGDONG, Intent.YES, Language.EN) == "Y"
    assert PARSER.keyword_for(GUANGDONG, Intent.NO, Language.EN) == "N"
    assert PARSER.keyword_for(GUANGDONG, Intent.ORDINARY, Language.ZH) == "PT"
    assert PARSER.keyword_for(JILIN, Intent.OPEN) == "KTHZ"
    assert PARSER.keyword_for(None, Intent.OPEN, Language.EN) == "SUBSCRIBE"


@settings(deadline=None)
@given(st.text(st.characters(), max_size=300))
@example("e,\u0301")
@example("\u0345\u0313")
@example("\ud800")
@example("ŉ\u200bＫ")
def test_normalisation_is_idempotent(text: str):
    assert normalise(normalise(text)) == normalise(text)


@settings(deadline=None)
@given(st.text(st.characters(), max_size=300), st.sampled_from([None, GUANGDONG, "nonsense"]))
def test_any_text_is_parsed(text: str, province: str | None):
    parsed = parse(text, province)
    assert len(parsed.near) <= 3
    assert parsed.intent is None or not parsed.near


_FOREIGN = [
    each
    for each in map(chr, range(0x0300, 0x1000))
    if unicodedata.category(each) in {"Lu", "Ll", "Mn"} and normalise(each)
]


@settings(deadline=None)
@given(
    st.sampled_from(["KTDXHZ", "PT", "TD", "Y", "N", "SX", "STOP", "OPEN", "0000"]),
    st.sampled_from(_FOREIGN),
    st.data(),
)
def test_letter_of_another_script_makes_no_keyword(word: str, foreign: str, data: st.DataObject):
    at = data.draw(st.integers(0, len(word) - 1))
    assert parse(word[:at] + foreign + word[at + 1 :]).intent is None


@pytest.mark.parametrize("text", [
    "开" * 1600, "x y" * 533, "́\u200b" * 800, "，" * 1600, "KTDXHZ" * 266, "1" * 1_000_000,
], ids=["chinese", "words", "marks", "punctuation", "repeated", "endless"])  # fmt: skip
def test_long_text_is_parsed_quickly(text: str):
    start = time.process_time()
    assert parse(text).intent is None
    assert time.process_time() - start < 0.1


def test_a_known_word_takes_microseconds():
    start = time.process_time()
    for _ in range(1000):
        parse("KTDXHZ")
    assert time.process_time() - start < 0.1
