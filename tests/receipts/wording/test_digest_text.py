"""Text of a digest: one segment, failures first, every receipt named or counted."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.digest_text import digest_text
from receipts.wording.segments import is_gsm7, segments

D, F = ReceiptOutcome.DELIVERED, ReceiptOutcome.FAILED
ANNA, CARL = Msisdn("+8613957112345"), Msisdn("+8613802880001")

NUMBERS = st.one_of(
    st.from_regex(r"\+861[35-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"\+86138028800[0-9]{2}", fullmatch=True),
    st.from_regex(r"\+861380288[0-9]0000", fullmatch=True),  # all with one ending
    st.from_regex(r"\+[1-9][0-9]{14}", fullmatch=True),
).map(Msisdn)
MEMBERS = st.lists(st.tuples(st.sampled_from(ReceiptOutcome), NUMBERS), min_size=2, max_size=120)


def test_failures_come_first_and_texts_to_one_number_are_counted():
    members = [(D, CARL), (F, ANNA), (D, ANNA), (F, ANNA)]
    assert digest_text(members, Language.ZH) == (
        "4条短信：13957112345（2条）未送达，13802880001、13957112345已送达。"
    )
    assert digest_text(members, Language.EN) == (
        "4 messages: 13957112345 (2) not delivered; 13802880001, 13957112345 delivered."
    )


def test_long_lists_are_cut_to_endings_or_counted_if_endings_are_equal():
    members = [(D, Msisdn(f"+8613957112{index}")) for index in range(345, 353)]
    text = "8条短信：尾号2345、2346、2347、2348、2349、2350、2351、2352已送达。"
    assert digest_text(members, Language.ZH) == text
    members = [(D, Msisdn(f"+86139{index}2345")) for index in range(1000, 1008)]
    text = "8条短信：13910002345、13910012345、13910022345、13910032345已送达，另有4条。"
    assert digest_text(members, Language.ZH) == text


def test_failures_are_the_last_to_be_left_out():
    members = [(D, Msisdn(f"+86139571{index:05}")) for index in range(40)]
    text = digest_text([*members, (F, Msisdn("+8613800138000"))], Language.ZH)
    assert re.match("41条短信：尾号8000未送达，尾号.*另有[0-9]+条。$", text)


@pytest.mark.parametrize("language", Language)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=MEMBERS)
def test_digest_is_one_segment_and_names_or_counts_every_receipt(
    language: Language, members: list[tuple[ReceiptOutcome, Msisdn]]
):
    text = digest_text(members, language)
    assert segments(text) == 1
    assert is_gsm7(text) is (language is Language.EN)
    total, listed = re.split("条短信：| messages: ", text)
    listed, *more = re.split("，另有|; and ", listed)
    left_out = int(re.match("[0-9]+", more[0])[0]) if more else 0
    named = re.findall(r"\+?[0-9]{4,}(?:（([0-9]+)条）| \(([0-9]+)\))?", listed)
    assert int(total) == len(members)
    assert sum(int(zh or en or 1) for zh, en in named) + left_out == len(members)
    national = {recipient.national for _, recipient in members}
    assert set(re.findall(r"\+?[0-9]{5,}", listed)) <= national
    if "尾号" in text or "ending" in text:
        assert len({number[-4:] for number in national}) == len(national)
