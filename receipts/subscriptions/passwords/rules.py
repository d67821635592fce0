"""Rules of a new service password: six digits that are not easily guessed."""

import re
from enum import StrEnum

from receipts.model.vocabulary import Msisdn

#: Digits of a service password.
PASSWORD_DIGITS = 6

_SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)
#: A block of up to three digits that repeats: 111111, 121212, 123123.
_REPEATED = re.compile(r"([0-9]{1,3})\1+", re.ASCII)
#: Runs up and down, also across 9 and 0.
_RUNS = "01234567890123456789", "98765432109876543210"
#: Digits of a birth date in a resident identity number: YYYYMMDD from here on.
_BIRTH = slice(6, 14)


class Weakness(StrEnum):
    """Why a new password is refused; each has a sentence in ``passwords.toml``."""

    NOT_SIX_DIGITS = "not_six_digits"
    REPEATED = "repeated"
    RUNNING = "running"
    OF_NUMBER = "of_number"
    OF_ID = "of_id"


def weakness(password: str, number: Msisdn, *identity_numbers: str) -> Weakness | None:
    """Why a password is too easily guessed; None if it is not.

    ``identity_numbers`` are those at hand: only digests of them are kept.
    """
    if not _SIX_DIGITS.fullmatch(password):
        return Weakness.NOT_SIX_DIGITS
    if _REPEATED.fullmatch(password) or _pairs_of_equals(password):
        return Weakness.REPEATED
    if any(password in run for run in _RUNS):
        return Weakness.RUNNING
    if _is_part(password, number.national):
        return Weakness.OF_NUMBER
    if any(_is_of_identity(password, each) for each in identity_numbers):
        return Weakness.OF_ID
    return None


def _pairs_of_equals(password: str) -> bool:
    """Whether all digits come in twos or threes: 112233, 111222."""
    twos = all(password[i] == password[i + 1] for i in range(0, PASSWORD_DIGITS, 2))
    return twos or (len(set(password[:3])) == len(set(password[3:])) == 1)


def _is_part(password: str, digits: str) -> bool:
    """Whether a run of six digits is the password, forwards or backwards."""
    return password in digits or password[::-1] in digits


def _is_of_identity(password: str, identity_number: str) -> bool:
    birth = identity_number[_BIRTH]
    year, month, day = birth[:4], birth[4:6], birth[6:]
    dates = {year[2:] + month + day, day + month + year[2:], month + day + year[2:], year + month}
    return password in dates or _is_part(password, identity_number)
