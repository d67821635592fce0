"""The friend and the words of a text that begins with a number."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.model.vocabulary import Msisdn
from receipts.numbering.friends import AddressedText, AddressProblem, FriendDirectory

ANN, BOB = Msisdn("+14155550100"), Msisdn("+14155550101")
GRACE, LI, IVAN = Msisdn("+447700900123"), Msisdn("+8613802880000"), Msisdn("+79161234567")
DIRECTORY = FriendDirectory((ANN, BOB, GRACE, LI, IVAN), ("+14155550111", "7500", "10086"))


@pytest.mark.parametrize(
    ("sender", "address", "friend"),
    [
        (ANN, "+14155550101", BOB),
        (ANN, "+1 (415) 555-0101", BOB),
        (ANN, "4155550101", BOB),
        (ANN, "(415) 555-0101", BOB),
        (ANN, "415.555.0101", BOB),
        (ANN, "1 415 555 0101", BOB),
        (ANN, "011 44 7700 900123", GRACE),
        (ANN, "8613802880000", LI),
        (ANN, "＋１４１５５５５０１０１", BOB),
        (ANN, "\u202a+1\u00a0415\u00a0555\u00a00101\u202c", BOB),
        (ANN, "\n+14155550101", BOB),
        (ANN, "+14155550101:", BOB),
        (ANN, "0101:", BOB),
        (GRACE, "...0100：", ANN),
        (GRACE, "0014155550101", BOB),
        (GRACE, "+14155550101", BOB),
        (LI, "0044 7700 900123", GRACE),
        (IVAN, "+86 138 0288 0000", LI),
    ],
)
def test_forms_of_a_friends_number(sender: Msisdn, address: str, friend: Msisdn):
    words = "hi\n😀  there "
    assert DIRECTORY.read(sender, f"{address} {words}") == AddressedText(words, friend)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("+14155550101", "no_words"),
        ("+14155550101 \n ", "no_words"),
        ("+14155550100 hi", "self"),
        ("4155550100 hi", "self"),
        ("+14155550111 hi", "own"),
        ("7500 hi", "own"),
        ("10086", "own"),
        ("+14155550199 hi", "not_listed"),
        ("7700900123 hi", "not_listed"),
        ("07700900123 hi", "not_listed"),
        ("+141555501011 hi", "not_listed"),
        ("4155550101-22 hi", "not_listed"),
    ],
)
def test_problem_of_an_address(text: str, problem: str):
    assert DIRECTORY.read(ANN, text) == AddressedText(problem=AddressProblem(problem))


@pytest.mark.parametrize(
    "text",
    ["", "CXDXHZ", "0000", "00000", "1", "Y", "hi +14155550101", "2026 was good", "0101 hi", "是",
     "From ...0100: hi", "9999: hi", "Thanks!", "Your text to +14155550101 was delivered 09:30."],
)  # fmt: skip
def test_text_without_a_number_is_for_the_service(text: str):
    assert DIRECTORY.read(ANN, text) is None


def test_stranger_is_not_read():
    assert DIRECTORY.read(Msisdn("+14155550199"), "+14155550101 hi") is None


def test_number_that_two_friends_may_mean_is_not_guessed():
    one, other = Msisdn("+4915112345"), Msisdn("+49151123456")
    directory = FriendDirectory((ANN, one, other), ())
    spaced = directory.read(ANN, "+49 151 12345 6 hi")
    assert spaced == AddressedText(problem=AddressProblem.UNCLEAR)
    assert directory.read(ANN, "+49 151 123456 hi") == AddressedText("hi", other)


def test_shown_endings_are_as_long_as_needed():
    one, other = Msisdn("+14155550100"), Msisdn("+14165550100")
    directory = FriendDirectory((one, other, GRACE), ())
    assert directory.ending(one) == "55550100"
    assert directory.ending(GRACE) == "0123"


def test_a_long_run_of_spaces_takes_no_time():
    began = time.process_time()
    assert DIRECTORY.read(ANN, " " * 16_000 + "x") is None
    assert time.process_time() - began < 0.5


@given(st.text())
def test_any_text_is_read_or_left(text: str):
    found = DIRECTORY.read(ANN, text)
    assert found is None or (found.friend is None) == (found.problem is not None)


@given(st.sampled_from(["+14155550101", "4155550101", "0101:"]), st.text(min_size=1))
def test_words_are_kept_as_typed(address: str, words: str):
    found = DIRECTORY.read(ANN, f"{address} x{words}")
    assert found == AddressedText(f"x{words}", BOB)
