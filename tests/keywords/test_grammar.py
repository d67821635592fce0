"""What texters write, and what is understood, suggested or left alone."""

import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keywords.parser import KeywordParser, ParsedMessage, normalise
from receipts.model.vocabulary import Intent, Language
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.validation import CARRIER_KEYWORDS

BOOK = load_rule_book(None)
GRAMMAR = KeywordParser(BOOK)
GUANGDONG, JILIN, SHAANXI = "CN-GD", "CN-JL", "CN-SN"


def read(text: str, province: str | None = GUANGDONG) -> ParsedMessage:
    return GRAMMAR.read(text, province)


@pytest.mark.parametrize(
    "text",
    [
        "KTDXHZ",
        "ktdxhz",
        "KtDxHz",
        "ＫＴＤＸＨＺ",
        " KT DX HZ ",
        "KT-DXHZ.",
        "ktdxhz。",
        "【KTDXHZ】！",
        "\ufeffKTDXHZ",
        "KT\u200bDX\u200dHZ\u2060",
        "KTDXHZ\ufe0f",
        "KTDXHZ\r\n\x00",
        "开通短信回执",
        "开通短信回执。",
        "“开通短信回执”～",
        "開通短信回執",
        "開通短信迴執！",
        "Subscribe!",
        "open",
        "START",
    ],
)
def test_opening_is_understood_however_it_is_typed(text: str):
    assert read(text).wish is Intent.OPEN


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("QXDXHZ", Intent.CANCEL),
        ("取消短信回执", Intent.CANCEL),
        ("退订短信回执", Intent.CANCEL),
        ("退訂", Intent.CANCEL),
        ("TD", Intent.CANCEL),
        ("Stop", Intent.CANCEL),
        ("CANCEL", Intent.CANCEL),
        ("unsubscribe.", Intent.CANCEL),
        ("END", Intent.CANCEL),
        ("QUIT", Intent.CANCEL),
        ("STOPALL", Intent.CANCEL),
        ("CXDXHZ", Intent.ASK),
        ("查詢短信回執", Intent.ASK),
        ("status?", Intent.ASK),
        ("PT", Intent.ORDINARY),
        ("普通短信", Intent.ORDINARY),
        ("SX", Intent.FLASH),
        ("閃信", Intent.FLASH),
        ("最近回執", Intent.RECEIPTS),
        ("ZJHZ", Intent.RECEIPTS),
        ("receipts", Intent.RECEIPTS),
        ("扣費記錄", Intent.CHARGES),
        ("charges", Intent.CHARGES),
        ("0000", Intent.LIST_ALL),
        ("０００００", Intent.LIST_ALL),
        ("HELP", Intent.HELP),
        ("BZ", Intent.HELP),
        ("幫助", Intent.HELP),
        ("?", Intent.HELP),
        (" ？ ", Intent.HELP),
        ("??", Intent.HELP),
        ("EN", Intent.ENGLISH),
        ("English", Intent.ENGLISH),
        ("英文", Intent.ENGLISH),
        ("ZH", Intent.CHINESE),
        ("中文", Intent.CHINESE),
        ("是", Intent.YES),
        ("是。", Intent.YES),
        ("y", Intent.YES),
        ("1", Intent.YES),
        ("１", Intent.YES),
        ("①", Intent.YES),
        ("YES!", Intent.YES),
        ("否", Intent.NO),
        ("N", Intent.NO),
        ("0", Intent.NO),
        ("no", Intent.NO),
    ],
)
def test_words_of_every_province_are_understood_everywhere(text: str, wish: Intent):
    for province in (JILIN, SHAANXI, None, "CN-BJ"):
        if text not in {"QXDXHZ", "CXDXHZ"}:
            assert read(text, province).wish is wish
    assert read(text).wish is wish


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("开通短信回执", Language.ZH),
        ("是", Language.ZH),
        ("SUBSCRIBE", Language.EN),
        ("STOP", Language.EN),
        ("KTDXHZ", None),
        ("TD", None),
        ("0000", None),
        ("1", None),
        ("你好", Language.ZH),
        ("how does this work", Language.EN),
        ("please unsubscribe", Language.EN),
        ("asdf", None),
        ("", None),
    ],
)
def test_the_language_of_the_words_is_noticed(text: str, language: Language | None):
    assert read(text).language is language


@pytest.mark.parametrize(
    ("text", "near"),
    [
        # Cyrillic К, Т, Х, Н and Greek Κ, Τ, Χ, Η, Ζ look like ours and are not.
        ("КТDXHZ", "KTDXHZ"),
        ("KTDХНZ", "KTDXHZ"),
        ("ΚΤDΧΗΖ", "KTDXHZ"),
        ("РТ", "PT"),
        ("ТD", "TD"),
        ("OOOO", "0000"),
        ("ОООО", "0000"),
        ("l", "1"),
        ("KTDXH", "KTDXHZ"),
        ("KTDXHZZ", "KTDXHZ"),
        ("KTDXZH", "KTDXHZ"),
        ("KTDXHX", "KTDXHZ"),
        ("KTDX", "KTDXHZ"),
        ("SUBCRIBE", "SUBSCRIBE"),
        ("开通", "开通短信回执"),
        ("取消", "取消短信回执"),
        ("开通短信回值", "开通短信回执"),
        ("我要退订，谢谢", "退订"),
        ("please unsubscribe me", "QXDXHZ"),
        ("CANCEL 1", "QXDXHZ"),
        ("yes please", "Y"),
    ],
)
def test_a_near_miss_is_suggested_and_never_accepted(text: str, near: str):
    reading = read(text)
    assert reading.wish is None
    assert reading.elsewhere is None
    assert reading.near[0] == near


def test_a_near_miss_is_spelled_as_the_own_province_spells_it():
    assert read("КТDXHZ", JILIN).near == ("KTHZ",)
    assert read("KTHX", JILIN).near == ("KTHZ",)


def test_a_piece_that_many_words_share_suggests_one_word_a_wish():
    assert read("短信回执").near == ("开通短信回执", "取消短信回执", "查询短信回执")


@pytest.mark.parametrize(
    ("text", "province", "right"),
    [
        ("KTHZ", GUANGDONG, "KTDXHZ"),
        ("QXHZ", GUANGDONG, "QXDXHZ"),
        ("hzcx", GUANGDONG, "CXDXHZ"),
        ("KTDXHZ", JILIN, "KTHZ"),
        ("HZQX", JILIN, "QXHZ"),
        ("KTHZ", SHAANXI, "HZKT"),
    ],
)
def test_a_word_of_another_province_is_answered_with_the_right_one(
    text: str, province: str, right: str
):
    assert read(text, province) == ParsedMessage(None, near=(right,), elsewhere=right)


@pytest.mark.parametrize("province", [None, "CN-BJ", ""])
def test_without_a_covered_province_the_words_of_all_count(province: str | None):
    assert read("KTHZ", province).wish is Intent.OPEN
    assert read("KTDXHZ", province).wish is Intent.OPEN
    assert read("KTDXHX", province).near


@pytest.mark.parametrize(
    "text", ["", " ", "。", "！？…", "\u200b\ufeff", "hi", "weekend", "👍", "好的"]
)
def test_what_means_nothing_is_left_alone(text: str):
    assert read(text).wish is None
    assert read(text).near == ()


def test_o_is_not_zero_and_a_sign_is_not_a_word():
    assert read("O").wish is None
    assert read("OOOO").wish is None
    assert read("+1").wish is None
    assert read("$1").wish is None
    assert read("1元").wish is None


def test_each_own_word_of_each_province_is_understood_there():
    for code, province in BOOK.provinces.items():
        for wish, words in province.words.items():
            assert [read(word, code).wish for word in words] == [wish] * len(words)


def test_the_word_that_is_taught_is_always_understood_and_never_the_providers_own():
    for code in (*BOOK.provinces, None, "CN-BJ"):
        for language in (None, *Language):
            words = GRAMMAR.help_words(code, language)
            assert words.keys() == {wish.value for wish in Intent}
            for wish, word in words.items():
                assert read(word, code).wish is Intent(wish)
                assert word.upper() not in CARRIER_KEYWORDS


def test_yes_is_taught_in_the_readers_language():
    assert GRAMMAR.words_for(GUANGDONG, Intent.YES, Language.ZH) == "是"
    assert GRAMMAR.words_for(GUANGDONG, Intent.YES, Language.EN) == "Y"
    assert GRAMMAR.words_for(GUANGDONG, Intent.NO, Language.EN) == "N"
    assert GRAMMAR.words_for(GUANGDONG, Intent.ORDINARY, Language.ZH) == "PT"
    assert GRAMMAR.words_for(JILIN, Intent.OPEN) == "KTHZ"
    assert GRAMMAR.words_for(None, Intent.OPEN, Language.EN) == "SUBSCRIBE"


@settings(deadline=None)
@given(st.text(st.characters(), max_size=300))
@example("e,\u0301")
@example("\u0345\u0313")
@example("\ud800")
@example("ŉ\u200bＫ")
def test_folding_twice_is_folding_once(text: str):
    assert normalise(normalise(text)) == normalise(text)


@settings(deadline=None)
@given(st.text(st.characters(), max_size=300), st.sampled_from([None, GUANGDONG, "nonsense"]))
def test_any_text_is_read_without_harm(text: str, province: str | None):
    reading = read(text, province)
    assert len(reading.near) <= 3
    assert reading.wish is None or not reading.near


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
def test_a_letter_of_another_script_never_becomes_a_wish(
    word: str, foreign: str, data: st.DataObject
):
    at = data.draw(st.integers(0, len(word) - 1))
    assert read(word[:at] + foreign + word[at + 1 :]).wish is None


@pytest.mark.parametrize(
    "text",
    ["开" * 1600, "x y" * 533, "́\u200b" * 800, "，" * 1600, "KTDXHZ" * 266, "1" * 1_000_000],
    ids=["chinese", "words", "marks", "punctuation", "repeated", "endless"],
)
def test_garbage_of_any_length_takes_little_time(text: str):
    start = time.process_time()
    assert read(text).wish is None
    assert time.process_time() - start < 0.1


def test_a_known_word_takes_microseconds():
    start = time.process_time()
    for _ in range(1000):
        read("KTDXHZ")
    assert time.process_time() - start < 0.1
