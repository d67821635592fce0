"""Receipt texts, segment counts and text catalogues."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.catalogue import Catalogue, CatalogueError
from receipts.wording.receipt_text import ReceiptTimes, receipt_text
from receipts.wording.segments import is_gsm7, segments

Status = MessageStatus | ReceiptOutcome

RECIPIENT = Msisdn("+8613844012345")
AT = dt.datetime(2026, 11, 22, 1, 30, 12, tzinfo=dt.UTC)
TIMES = ReceiptTimes(AT, done=ReportedTime(AT))
NO_ANSWER = ReceiptOutcome.NO_ANSWER
STATUSES = [*MessageStatus, *ReceiptOutcome]


def text_of(status: Status, language: Language = Language.ZH) -> str:
    return receipt_text(status, RECIPIENT, TIMES, language)


def test_receipt_names_the_recipient_and_the_time_in_china():
    text = "您发给13844012345的短信已于09:30送达。"
    assert text_of(ReceiptOutcome.DELIVERED) == text
    text = "Your text to 13844012345 was delivered at 09:30."
    assert text_of(MessageStatus.DELIVERED, Language.EN) == text


def test_each_failure_has_its_own_text():
    failures = [*map(MessageStatus, ("expired", "failed", "rejected")), NO_ANSWER]
    for language in Language:
        assert len({text_of(each, language) for each in failures}) == len(failures)
    assert "refused" not in text_of(ReceiptOutcome.REJECTED, Language.EN)


#: Words of causes that no sentence may use without a code that states the cause.
CAUSES = ("关机", "空号", "停机", "拒收", "暂时无法接通", "off", "in use", "suspended", "coverage")


@pytest.mark.parametrize("status", STATUSES)
def test_failure_of_unknown_cause_names_none(status: Status):
    for language in Language:
        assert [word for word in CAUSES if word in text_of(status, language)] == []


def test_each_known_cause_has_its_own_text_of_one_segment():
    longest = Msisdn("+" + "9" * 15)
    times = ReceiptTimes(AT, ReportedTime(AT - dt.timedelta(days=365)))
    for language in Language:
        texts = {
            receipt_text(MessageStatus.FAILED, longest, times, language, cause)
            for cause in FailureCause
        }
        assert len(texts) == len(FailureCause)
        assert [text for text in texts if segments(text) != 1] == []
        assert {is_gsm7(text) for text in texts} == {language is Language.EN}


def test_cause_is_told_of_failures_only():
    causes = [receipt_text(MessageStatus.DELIVERED, RECIPIENT, TIMES, Language.ZH, cause)
              for cause in FailureCause]  # fmt: skip
    assert set(causes) == {text_of(MessageStatus.DELIVERED)}


@pytest.mark.parametrize("status", [MessageStatus.UNDERWAY, MessageStatus.UNKNOWN, NO_ANSWER])
def test_status_that_is_not_final_reads_as_no_answer(status: Status):
    assert "仍无送达结果" in text_of(status)


#: Number of segments by character and how often it is repeated.
REPEATED = {
    "a": {0: 1, 160: 1, 161: 2, 306: 2, 307: 3},
    "€": {80: 1, 81: 2},
    "短": {70: 1, 71: 2, 134: 2, 135: 3},
    "😀": {35: 1, 36: 2, 66: 2, 67: 3},  # a surrogate pair is never split: 33 fit into 67 units
    "ç": {71: 2},
    "`": {71: 2},
}
MIXED = {
    "a" * 159 + "[": 2,
    "a" * 69 + "短": 1,
    "a" * 70 + "短": 2,
    # An escaped character is not split either: after 152 septets it starts a new part.
    "a" * 152 + "€" + "a" * 151: 2,
    "a" * 152 + "€" + "a" * 152: 3,
    "ÇΔΩ@£$¥èéùìòØøÅå": 1,
}
REPEATS = {each * n: parts for each, counts in REPEATED.items() for n, parts in counts.items()}


@pytest.mark.parametrize(("text", "parts"), [*REPEATS.items(), *MIXED.items()])
def test_segments_are_counted_by_3gpp_rules(text: str, parts: int):
    assert segments(text) == parts


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=400))
def test_longer_text_never_has_fewer_segments(text: str):
    assert 1 <= segments(text) <= segments(text + "短")


def catalogue(tmp_path: Path, text: str) -> Catalogue:
    file = tmp_path / "sentences.toml"
    file.write_text(text, encoding="utf-8")
    return Catalogue(file)


def test_text_is_rendered_with_its_parameters(tmp_path: Path):
    text = '[offer]\nzh = "{price}，回复{yes}"\nen = "{price}, reply {yes}"\n'
    text += '[menu.first]\nzh = "你好"\nen = """\nHello\n"""\n'
    texts = catalogue(tmp_path, text)
    assert texts.render("offer", Language.EN, price="1 yuan", yes="Y") == "1 yuan, reply Y"
    assert texts.render("offer", "zh", price="{yes}", yes="是", other="x") == "{yes}，回复是"
    assert texts.render("menu.first", "en") == "Hello"
    assert set(texts) == {"offer", "menu.first"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nzh = "好"', r"\[a\] lacks en"),
        ('[a]\nzh = "好"\nen = "ok {x}"', r"\[a\] differs from zh in the parameters of en: x"),
        ('[a]\nzh = "好"\nen = "ok"\nyue = "好"', r"\[a\] has yue, which is not a language"),
        ('[a]\nzh = "好"\nen = " "', r"\[a\] has a sentence that is empty"),
        ('[a]\nzh = "好"\nen = 1', r"\[a\] has a sentence that is empty or not a text"),
        ('[a]\nzh = "{x.y}"\nen = "{x.y}"', r"\[a\] has {x.y}, which is not a plain name"),
        ('[a]\nzh = "{x:>9}"\nen = "{x:>9}"', r"\[a\] has {x}, which is not a plain name"),
        ('[a]\nzh = "{"\nen = "ok"', r"\[a\]"),
        ("[a", r"sentences\.toml"),
    ],
)
def test_invalid_catalogue_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(CatalogueError, match=message):
        catalogue(tmp_path, text)


def test_missing_catalogue_is_refused(tmp_path: Path):
    with pytest.raises(CatalogueError, match=r"none\.toml"):
        Catalogue(tmp_path / "none.toml")


def test_clause_with_an_empty_parameter_is_left_out(tmp_path: Path):
    path = tmp_path / "texts.toml"
    path.write_text(
        '[end]\nzh = "完。[开通发{open}。]"\nen = "Done.[ Text {open}.]"\n', encoding="utf-8"
    )
    texts = Catalogue(path)
    assert texts.render("end", "en", open="KT[1]") == "Done. Text KT[1]."
    assert texts.render("end", "zh", open="") == "完。"
    with pytest.raises(KeyError):
        texts.render("end", "en")
