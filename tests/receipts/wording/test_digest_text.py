"""What several receipts on one flash say: one segment, bad news first, nobody left uncounted."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.digest_text import digest_text
from receipts.wording.segments import is_gsm7, segments

D, F = ReceiptOutcome.DELIVERED, ReceiptOutcome.FAILED
ANNA, BERT, CARL = map(Msisdn, ("+8613957112345", "+8613802880000", "+8613802880001"))

NUMBERS = st.one_of(
    st.from_regex(r"\+861[35-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"\+86138028800[0-9]{2}", fullmatch=True),
    st.from_regex(r"\+861380288[0-9]0000", fullmatch=True),  # all of one ending
    st.from_regex(r"\+[1-9][0-9]{14}", fullmatch=True),
).map(Msisdn)
TOLD = st.lists(st.tuples(st.sampled_from(ReceiptOutcome), NUMBERS), min_size=2, max_size=120)


def test_the_bad_news_comes_first_and_numbers_are_whole_while_there_is_room():
    told = [(D, CARL), (F, ANNA), (D, BERT)]
    assert digest_text(told, Language.ZH) == (
        "3条短信：13957112345未送达，13802880001、13802880000已送达。"
    )
    assert digest_text(told, Language.EN) == (
        "3 messages: 13957112345 not delivered; 13802880001, 13802880000 delivered."
    )


def test_several_texts_to_one_friend_are_counted_beside_the_number():
    assert digest_text([(D, ANNA)] * 3, Language.ZH) == "3条短信：13957112345（3条）已送达。"
    assert digest_text([(D, ANNA)] * 2 + [(F, ANNA)], Language.EN) == (
        "3 messages: 13957112345 not delivered; 13957112345 (2) delivered."
    )


def test_numbers_are_cut_to_their_endings_before_anybody_is_left_out():
    friends = [Msisdn(f"+8613957112{345 + place}") for place in range(8)]
    assert digest_text([(D, friend) for friend in friends], Language.ZH) == (
        "8条短信：尾号2345、2346、2347、2348、2349、2350、2351、2352已送达。"
    )


def test_friends_of_one_ending_are_not_cut_but_counted():
    friends = [Msisdn(f"+86139{place}2345") for place in range(1000, 1008)]
    assert digest_text([(D, friend) for friend in friends], Language.ZH) == (
        "8条短信：13910002345、13910012345、13910022345、13910032345已送达，另有4条。"
    )


def test_where_not_all_fit_the_failed_are_the_last_to_be_left_out():
    told = [(D, Msisdn(f"+86139571{place:05}")) for place in range(40)]
    told += [(F, Msisdn("+8613800138000"))]
    text = digest_text(told, Language.ZH)
    assert text.startswith("41条短信：尾号8000未送达，尾号")
    assert re.search("另有[0-9]+条。$", text)


@pytest.mark.parametrize("language", Language)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=TOLD)
def test_a_digest_is_one_segment_and_names_or_counts_every_receipt(
    language: Language, told: list[tuple[ReceiptOutcome, Msisdn]]
):
    text = digest_text(told, language)
    assert segments(text) == 1
    assert is_gsm7(text) is (language is Language.EN)
    assert re.match("[0-9]+", text)[0] == str(len(told))
    assert _named(text) + _more(text) == len(told)
    national = {friend.national for _, friend in told}
    for shown in re.findall(r"\+?[0-9]{5,}", text):
        assert shown in national
    if "尾号" in text or "ending" in text:
        assert len({number[-4:] for number in national}) == len(national)


def _more(text: str) -> int:
    found = re.search(r"另有([0-9]+)条|and ([0-9]+) more", text)
    return int(found[1] or found[2]) if found else 0


def _named(text: str) -> int:
    """How many receipts the numbers in a digest stand for."""
    listed = re.split("：|: ", text, maxsplit=1)[1]
    listed = re.sub(r"，另有.*|; and [0-9]+ more.*", "", listed)
    named = re.findall(r"\+?[0-9]{4,}(?:（([0-9]+)条）| \(([0-9]+)\))?", listed)
    return sum(int(zh or en or 1) for zh, en in named)
