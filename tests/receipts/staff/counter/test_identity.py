"""Identity numbers: the check digit, dates, other spellings, and the digests that are kept."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

from receipts.staff.counter.identity import (
    IdRefusedError,
    agent_digest,
    check_digit,
    is_same_id,
    parse_resident_id,
    slow_digest,
)

TODAY = dt.date(2026, 11, 22)

#: The two examples of GB 11643-1999.
OF_THE_STANDARD = ("11010519491231002X", "440524188001010014")

BORN = st.dates(dt.date(1800, 1, 1), TODAY)


def numbered(born: dt.date, area: str = "110105", order: str = "002") -> str:
    first = f"{area}{born:%Y%m%d}{order}"
    return first + check_digit(first)


@pytest.mark.parametrize("number", OF_THE_STANDARD)
def test_check_digit_is_that_of_the_standard(number: str):
    assert check_digit(number[:17]) == number[17]


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002X",
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        " 110105 19491231 002X ",
        "110105-19491231-002x",
        "\u200b11010519491231002X\ufeff",
    ],
)
def test_spellings_of_one_number_are_equal(typed: str):
    assert parse_resident_id(typed, TODAY) == "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("110105491231002", "old"),
        ("", "form"),
        ("1101051949123100", "form"),
        ("X1010519491231002X", "form"),
        ("11010519491231002XX", "form"),
        ("1101051949123100٢X", "form"),
        ("110105194912310021", "check_digit"),
        ("110105190002290011", "date"),
        ("110105194913310026", "date"),
        (numbered(dt.date(1799, 12, 31)), "date"),
        (numbered(TODAY + dt.timedelta(days=1)), "future"),
        (numbered(dt.date(1990, 1, 1), area="000000"), "area"),
    ],
)
def test_wrong_number_is_refused_with_its_reason(typed: str, reason: str):
    with pytest.raises(IdRefusedError) as refused:
        parse_resident_id(typed, TODAY)
    assert refused.value.key == reason
    assert typed not in str(refused.value) or not typed


@given(BORN, st.integers(0, 16), st.integers(1, 9))
def test_each_wrong_digit_is_refused(born: dt.date, index: int, off: int):
    number = numbered(born)
    wrong = number[:index] + str((int(number[index]) + off) % 10) + number[index + 1 :]
    with pytest.raises(IdRefusedError):
        parse_resident_id(wrong, TODAY, test_ids=True)


def test_number_of_a_person_born_today_is_right():
    assert parse_resident_id(numbered(TODAY), TODAY)


def test_test_number_has_no_place_and_is_taken_where_allowed():
    number = numbered(dt.date(1990, 1, 1), area="000000")
    assert parse_resident_id(number, TODAY, test_ids=True) == number


def test_repr_hides_the_number():
    assert "1949" not in repr(parse_resident_id("11010519491231002X", TODAY))


def test_agents_digest_is_equal_for_one_agent_and_one_key_only():
    one, other = (
        parse_resident_id(each, TODAY) for each in ("11010519491231002X", numbered(TODAY))
    )
    assert agent_digest(one, "key") == agent_digest(one, "key")
    assert len({agent_digest(one, "key"), agent_digest(other, "key"), agent_digest(one, "k")}) == 3
    assert one not in agent_digest(one, "key")


@pytest.mark.parametrize("hashed", ["11010519491231002X", "11010519491231002x"])
def test_digest_of_the_operators_list_fits_in_either_spelling(hashed: str):
    owner = parse_resident_id("11010519491231002X", TODAY)
    assert is_same_id(owner, generate_password_hash(hashed, "scrypt:1024:8:1"))
    other = parse_resident_id(numbered(TODAY), TODAY)
    assert not is_same_id(other, generate_password_hash(hashed, "scrypt:1024:8:1"))


def test_recorded_digest_is_slow_salted_and_fits():
    owner = parse_resident_id("11010519491231002X", TODAY)
    assert slow_digest(owner).startswith("$argon2id$")
    assert slow_digest(owner) != slow_digest(owner)
    assert is_same_id(owner, slow_digest(owner))
