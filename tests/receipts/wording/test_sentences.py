"""What receipts say, that they fit one segment, and how segments are counted."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.model.calendar import SHANGHAI
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.catalogue import Catalogue, CatalogueError
from receipts.wording.receipt_text import receipt_text
from receipts.wording.segments import is_gsm7, segments

FRIEND = Msisdn("+8613844012345")
AT = dt.datetime(2026, 11, 22, 1, 30, 12, tzinfo=dt.UTC)
FATES = [*MessageStatus, *ReceiptOutcome]


def test_a_delivered_text_is_told_with_number_and_time_in_china():
    assert (
        receipt_text(ReceiptOutcome.DELIVERED, FRIEND, AT, Language.ZH)
        == "您发送给13844012345的短信已于09:30:12成功送达。"
    )
    assert (
        receipt_text(MessageStatus.DELIVERED, FRIEND, AT, Language.EN)
        == "Your message to 13844012345 was delivered at 09:30:12."
    )


def test_each_way_of_not_arriving_is_told_apart():
    fates = (
        MessageStatus.EXPIRED,
        MessageStatus.FAILED,
        MessageStatus.REJECTED,
        ReceiptOutcome.NO_ANSWER,
    )
    for language in Language:
        texts = {receipt_text(fate, FRIEND, AT, language) for fate in fates}
        assert len(texts) == len(fates)
    assert "关机" in receipt_text(MessageStatus.EXPIRED, FRIEND, AT, Language.ZH)
    assert "空号" in receipt_text(ReceiptOutcome.FAILED, FRIEND, AT, Language.ZH)
    assert "refused" in receipt_text(ReceiptOutcome.REJECTED, FRIEND, AT, Language.EN)


@pytest.mark.parametrize(
    "fate", [MessageStatus.UNDERWAY, MessageStatus.UNKNOWN, ReceiptOutcome.NO_ANSWER]
)
def test_what_is_not_final_reads_as_no_answer_yet(fate: MessageStatus | ReceiptOutcome):
    assert "尚未收到" in receipt_text(fate, FRIEND, AT, Language.ZH)


@pytest.mark.parametrize("fate", FATES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    number=st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True),
    at=st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(SHANGHAI)),  # noqa: DTZ001
)
def test_a_receipt_fits_one_segment_whatever_the_number(
    fate: MessageStatus | ReceiptOutcome, number: str, at: dt.datetime
):
    for language in Language:
        text = receipt_text(fate, Msisdn(number), at, language)
        assert segments(text) == 1
        assert is_gsm7(text) is (language is Language.EN)
        assert Msisdn(number).national in text
        assert at.strftime("%H:%M:%S") in text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 159 + "[", 2),
        ("短" * 70, 1),
        ("短" * 71, 2),
        ("短" * 134, 2),
        ("短" * 135, 3),
        ("a" * 69 + "短", 1),
        ("a" * 70 + "短", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # A pair never straddles two parts: 33 fit into 67 units.
        ("😀" * 66, 2),
        ("😀" * 67, 3),
        # Nor does an escaped character: 152 septets and a two-septet one make a new part.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ÇΔΩ@£$¥èéùìòØøÅå", 1),
        ("ç" * 71, 2),
        ("`" * 71, 2),
    ],
)
def test_segments_are_counted_as_the_network_does(text: str, parts: int):
    assert segments(text) == parts


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=400))
def test_any_text_has_a_number_of_segments_and_more_text_never_has_fewer(text: str):
    assert 1 <= segments(text) <= segments(text + "短")


def catalogue(tmp_path: Path, text: str) -> Catalogue:
    file = tmp_path / "sentences.toml"
    file.write_text(text, encoding="utf-8")
    return Catalogue(file)


def test_a_sentence_is_said_with_its_facts(tmp_path: Path):
    sentences = catalogue(
        tmp_path,
        '[offer]\nzh = "{price}，回复{yes}"\nen = "{price}, reply {yes}"\n'
        '[menu.first]\nzh = "你好"\nen = """\nHello\n"""\nyue = "你好呀"\n',
    )
    assert sentences.render("offer", Language.EN, price="1 yuan", yes="Y") == "1 yuan, reply Y"
    assert sentences.render("offer", "zh", price="{yes}", yes="是", other="x") == "{yes}，回复是"
    assert sentences.render("menu.first", "en") == "Hello"
    assert sentences.render("menu.first", "yue") == "你好呀"
    assert sentences.keys() == {"offer", "menu.first"}
    assert sentences.params("offer") == {"price", "yes"}
    assert sentences.languages("menu.first") == {"zh", "en", "yue"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nzh = "好"', r"\[a\] lacks en"),
        ('[a]\nzh = "好"\nen = "ok {x}"', r"\[a\] tells other facts in en than in zh: x"),
        ('[a]\nzh = "好"\nen = "ok"\nyue = "{x}"', r"\[a\] tells other facts in yue"),
        ('[a]\nzh = "好"\nen = "ok"\nfr = "bon"', r"\[a\] has fr, which is no language"),
        ('[a]\nzh = "好"\nen = " "', r"\[a\] has a sentence that is empty"),
        ('[a]\nzh = "好"\nen = 1', r"\[a\] has a sentence that is empty or no text"),
        ('[a]\nzh = "{x.y}"\nen = "{x.y}"', r"\[a\] has {x.y}, which is no plain fact"),
        ('[a]\nzh = "{x:>9}"\nen = "{x:>9}"', r"\[a\] has {x}, which is no plain fact"),
        ('[a]\nzh = "{"\nen = "ok"', r"\[a\]"),
        ("[a", r"sentences\.toml"),
    ],
)
def test_a_catalogue_with_a_hole_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(CatalogueError, match=said):
        catalogue(tmp_path, text)


def test_a_missing_catalogue_is_refused(tmp_path: Path):
    with pytest.raises(CatalogueError, match=r"none\.toml"):
        Catalogue(tmp_path / "none.toml")
