"""Text of a digest: one segment, failures first, every receipt named or counted."""

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.model.calendar import SHANGHAI
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.digest_text import digest_text
from receipts.wording.segments import is_gsm7, segments

D, F = ReceiptOutcome.DELIVERED, ReceiptOutcome.FAILED
SENT = ReportedTime(dt.datetime(2026, 11, 22, 12, 0, tzinfo=SHANGHAI))
ANNA, CARL = Msisdn("+8613957112345"), Msisdn("+8613802880001")

NUMBERS = st.one_of(
    st.from_regex(r"\+861[35-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"\+86138028800[0-9]{2}", fullmatch=True),
    st.from_regex(r"\+861380288[0-9]0000", fullmatch=True),  # all with one ending
    st.from_regex(r"\+[1-9][0-9]{14}", fullmatch=True),
).map(Msisdn)
MEMBERS = st.lists(st.tuples(st.sampled_from(ReceiptOutcome), NUMBERS), min_size=2, max_size=120)


def told(members: list[tuple[ReceiptOutcome, Msisdn]], language: Language) -> str:
    """Digest of texts whose times are not known."""
    return digest_text([(*each, None) for each in members], language, SENT.at)


def test_failures_come_first_and_texts_to_one_number_are_counted():
    members = [(D, CARL), (F, ANNA), (D, ANNA), (F, ANNA)]
    assert told(members, Language.ZH) == (
        "您发出的4条短信：13957112345（2条）未送达，13802880001、13957112345已送达。"
    )
    assert told(members, Language.EN) == (
        "Your 4 texts: 13957112345 (2) not delivered; 13802880001, 13957112345 delivered."
    )


def test_long_lists_are_cut_to_endings_or_counted_if_endings_are_equal():
    members = [(D, Msisdn(f"+8613957112{index}")) for index in range(345, 353)]
    text = "您发出的8条短信：尾号2345、2346、2347、2348、2349、2350、2351、2352已送达。"
    assert told(members, Language.ZH) == text
    members = [(D, Msisdn(f"+86139{index}2345")) for index in range(1000, 1008)]
    text = "您发出的8条短信：13910002345、13910012345、13910022345、13910032345已送达，另有4条。"
    assert told(members, Language.ZH) == text


def test_failures_are_the_last_to_be_left_out():
    members = [(D, Msisdn(f"+86139571{index:05}")) for index in range(40)]
    text = told([*members, (F, Msisdn("+8613800138000"))], Language.ZH)
    assert re.match("您发出的41条短信：尾号8000未送达，尾号.*另有[0-9]+条。$", text)


def test_texts_to_one_number_are_told_apart_by_the_time_they_were_sent():
    yesterday = ReportedTime(SENT.at - dt.timedelta(hours=13))
    members = [(D, ANNA, SENT), (D, ANNA, yesterday), (F, CARL, SENT)]
    assert digest_text(members, Language.ZH, SENT.at) == (
        "您发出的3条短信：13802880001（12:00）未送达，13957112345（12:00、11月21日23:00）已送达。"
    )
    assert digest_text(members, Language.EN, SENT.at) == (
        "Your 3 texts: 13802880001 (12:00) not delivered; "
        "13957112345 (12:00, 21 Nov 23:00) delivered."
    )
    assert "（2条）" in digest_text([*members[:1], (D, ANNA, None)], Language.ZH, SENT.at)


@pytest.mark.parametrize("language", Language)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=MEMBERS)
def test_digest_is_one_segment_and_names_or_counts_every_receipt(
    language: Language, members: list[tuple[ReceiptOutcome, Msisdn]]
):
    text = told(members, language)
    assert segments(text) == 1
    assert is_gsm7(text) is (language is Language.EN)
    total, listed = re.split("条短信：| texts: ", text)
    listed, *more = re.split("，另有|; (?=[0-9]+ more)", listed)
    left_out = int(re.match("[0-9]+", more[0])[0]) if more else 0
    named = re.findall(r"\+?[0-9]{4,}(?:（([0-9]+)条）| \(([0-9]+)\))?", listed)
    assert int(re.sub("您发出的|Your ", "", total)) == len(members)
    assert sum(int(zh or en or 1) for zh, en in named) + left_out == len(members)
    national = {recipient.national for _, recipient in members}
    assert set(re.findall(r"\+?[0-9]{5,}", listed)) <= national
    if "尾号" in text or "ending" in text:
        assert len({number[-4:] for number in national}) == len(national)
