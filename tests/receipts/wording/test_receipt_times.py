"""Times in receipts: they name the text, and no time is told without its day."""

import datetime as dt
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receipts.model.calendar import SHANGHAI
from receipts.model.message import FailureCause, MessageStatus
from receipts.model.reported_time import ReportedTime, TimePrecision
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.receipt_text import ReceiptTimes, receipt_text
from receipts.wording.segments import is_gsm7, segments
from receipts.wording.times import time_phrase

FRIEND = Msisdn("+8613957112345")
NOW = dt.datetime(2026, 11, 28, 21, 30, 12, tzinfo=SHANGHAI)
DELIVERED = MessageStatus.DELIVERED
STATUSES = [*MessageStatus, ReceiptOutcome.NO_ANSWER]


def at(text: str) -> ReportedTime:
    time = dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    return ReportedTime(time, TimePrecision.SECOND if ":" in text else TimePrecision.DAY)


def text(status: MessageStatus, sent: str, done: str, language: str = "zh") -> str:
    times = ReceiptTimes(NOW, at(sent) if sent else None, at(done) if done else None)
    return receipt_text(status, FRIEND, times, Language(language))


@pytest.mark.parametrize(("sent", "done", "zh", "en"), [
    ("2026-11-26 20:30:01", "2026-11-27 20:02:23",
     "您11月26日20:30发给13957112345的短信已于11月27日20:02送达。",
     "Your text to 13957112345 (26 Nov 20:30) was delivered on 27 Nov at 20:02."),
    ("2026-11-28 20:30:01", "2026-11-28 21:02:23",
     "您20:30发给13957112345的短信已于21:02送达。",
     "Your text to 13957112345 (20:30) was delivered at 21:02."),
    ("2026-11-28 21:29:01", "2026-11-28 21:29:50",
     "您21:29发给13957112345的短信已送达。",
     "Your text to 13957112345 (21:29) was delivered."),
    ("", "2026-11-25 21:02:23",
     "您发给13957112345的短信已于11月25日21:02送达。",
     "Your text to 13957112345 was delivered on 25 Nov at 21:02."),
    ("", "2026-11-28",
     "您发给13957112345的短信已于今天送达。", "Your text to 13957112345 was delivered today."),
    ("2026-11-27 20:30:01", "2026-11-27",
     "您11月27日20:30发给13957112345的短信已送达。",
     "Your text to 13957112345 (27 Nov 20:30) was delivered."),
    ("2025-12-31 23:59:59", "2026-01-01 00:00:00",
     "您2025年12月31日23:59发给13957112345的短信已于1月1日00:00送达。",
     "Your text to 13957112345 (31 Dec 2025 23:59) was delivered on 1 Jan at 00:00."),
    ("2026-11-28 20:30:01", "2026-11-28 20:02:23",
     "您20:30发给13957112345的短信已送达。", "Your text to 13957112345 (20:30) was delivered."),
    ("", "", "您发给13957112345的短信已送达。", "Your text to 13957112345 was delivered."),
])  # fmt: skip
def test_delivery_is_told_with_its_day_and_the_time_of_sending(
    sent: str, done: str, zh: str, en: str
):
    assert (text(DELIVERED, sent, done), text(DELIVERED, sent, done, "en")) == (zh, en)


def test_failure_is_named_by_its_sending_else_by_its_report():
    failed = MessageStatus.FAILED
    assert text(failed, "2026-11-26", "2026-11-28 20:00").startswith("您11月26日发给13957112345")
    assert "（11月27日20:00）" in text(failed, "", "2026-11-27 20:00")
    assert "(27 Nov 20:00)" in text(failed, "", "2026-11-27 20:00", "en")


def test_no_answer_has_the_moment_up_to_which_there_is_none():
    status = MessageStatus.UNDERWAY
    assert text(status, "2026-11-26 20:30", "") == (
        "您11月26日20:30发给13957112345的短信，截至21:30仍无送达结果，有结果会再通知您。"
    )
    assert "(as of 21:30)" in text(status, "2026-11-26 20:30", "", "en")


def test_time_is_spoken_as_people_say_it():
    for time, zh, en in [
        (at("2026-11-28 21:02:23"), "21点02分", "at 9:02 p.m."),
        (at("2026-11-27 00:00:00"), "11月27日0点整", "on 27 November at 12:00 a.m."),
        (at("2025-12-31"), "2025年12月31日", "on 31 December 2025"),
    ]:
        assert time_phrase(time, NOW, Language.ZH, spoken=True) == zh
        assert time_phrase(time, NOW, Language.EN, spoken=True) == en


MOMENTS = st.integers(0, 3 * 24 * 60 - 1).map(lambda n: NOW - dt.timedelta(minutes=n))
PRECISIONS = st.sampled_from(TimePrecision)
REPORTED = st.builds(ReportedTime, MOMENTS, PRECISIONS)


@pytest.mark.parametrize("language", Language)
@settings(deadline=None)
@given(status=st.sampled_from(STATUSES), cause=st.sampled_from(FailureCause),
       sent=st.none() | REPORTED, done=st.none() | REPORTED,
       wait=st.integers(0, 3 * 24 * 60),
       number=st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))  # fmt: skip
def test_clock_time_of_another_day_has_its_day_in_one_segment(
    language: Language,
    status: MessageStatus | ReceiptOutcome,
    cause: FailureCause,
    sent: ReportedTime | None,
    done: ReportedTime | None,
    wait: int,
    number: str,
):
    today = NOW + dt.timedelta(minutes=wait)
    times = ReceiptTimes(NOW, sent, done)
    told = receipt_text(status, Msisdn(number), times, language, cause, today=today)
    assert segments(told) == 1
    assert is_gsm7(told) is (language is Language.EN)
    assert Msisdn(number).national in told
    true = {(t.at.day, f"{t.at:%H:%M}") for t in (sent, done, ReportedTime(NOW)) if t}
    clocks = re.findall(r"(?:([0-9]+)(?: Nov(?: at)? |日))?([0-9]{2}:[0-9]{2})", told)
    for day, clock in clocks:
        assert (int(day) if day else today.day, clock) in true


@pytest.mark.parametrize("language", Language)
@settings(deadline=None)
@given(status=st.sampled_from(STATUSES), done=st.none() | REPORTED, one=MOMENTS, other=MOMENTS)
def test_receipts_of_texts_of_different_minutes_differ(
    language: Language,
    status: MessageStatus | ReceiptOutcome,
    done: ReportedTime | None,
    one: dt.datetime,
    other: dt.datetime,
):
    texts = {
        receipt_text(status, FRIEND, ReceiptTimes(NOW, ReportedTime(sent), done), language)
        for sent in (one, other)
    }
    assert len(texts) == len({one, other})


def test_texts_of_one_moment_name_each_its_recipient_and_minute():
    def told(friend: str, minute: int) -> str:
        times = ReceiptTimes(NOW.replace(minute=minute))
        return receipt_text(ReceiptOutcome.NO_ANSWER, Msisdn(friend), times, Language.EN)

    first, second = told("+8613957112345", 40), told("+8613957112346", 40)
    assert second == first.replace("13957112345", "13957112346") != first
    assert told("+8613957112345", 41) == first.replace(":40)", ":41)") != first
