"""Identity numbers of residents (GB 11643-1999), and the digests that are kept of them."""

import datetime as dt
import hashlib
import re
from functools import cache

from argon2 import PasswordHasher

from receipts.model.calendar import SHANGHAI
from receipts.model.invisible import plain_digits
from receipts.subscriptions.passwords.digests import matches

_FULL = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_OLD = re.compile(r"[0-9]{15}", re.ASCII)
_LONGEST_INPUT = 64

#: Weights of the first 17 digits, and the check digit by their sum modulo 11 (ISO 7064, MOD 11-2).
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"

#: The example of the standard was born in 1880.
_EARLIEST_YEAR = 1800

#: First digit of area codes that no place has: identity numbers for demonstrations and tests.
_TEST_AREA = "0"

_AGENT_DIGEST_BYTES = 16


class IdRefusedError(ValueError):
    """An identity number cannot be right; ``key`` names the reason, never the number."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class ResidentId(str):
    """A checked identity number of 18 characters; its repr hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ResidentId(…)"


def parse_resident_id(typed: str, today: dt.date, *, test_ids: bool = False) -> ResidentId:
    """The number on an identity card. Raises IdRefusedError.

    ``test_ids`` also takes numbers of the area 0, which no person has.
    """
    text = plain_digits(typed[:_LONGEST_INPUT]).upper().replace("Ｘ", "X")
    if _OLD.fullmatch(text):
        raise IdRefusedError("old")
    if not _FULL.fullmatch(text):
        raise IdRefusedError("form")
    try:
        born = dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise IdRefusedError("date") from None
    if born > today:
        raise IdRefusedError("future")
    if born.year < _EARLIEST_YEAR:
        raise IdRefusedError("date")
    if check_digit(text[:17]) != text[17]:
        raise IdRefusedError("check_digit")
    if text[0] == _TEST_AREA and not test_ids:
        raise IdRefusedError("area")
    return ResidentId(text)


def check_digit(first_17: str) -> str:
    """The last character of an identity number."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True))
    return _CHECK_DIGITS[total % len(_CHECK_DIGITS)]


def today_in_china(now: dt.datetime) -> dt.date:
    """The date in China."""
    return now.astimezone(SHANGHAI).date()


def agent_digest(agent: ResidentId, secret: str) -> str:
    """Keyed digest of an agent's number: the same for all customers that they act for."""
    key = hashlib.blake2b(secret.encode()).digest()
    text = f"agent|{agent}".encode()
    return hashlib.blake2b(text, key=key, digest_size=_AGENT_DIGEST_BYTES).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def slow_digest(owner: ResidentId) -> str:
    """Slow salted digest of an owner's number, as the operator's list has them."""
    return _hasher().hash(owner)


def is_same_id(owner: ResidentId, digest: str) -> bool:
    """Whether a number has this slow digest; lists may have hashed a small x.

    Raises UnreadableDigestError.
    """
    spelled = (owner, owner.lower()) if owner.endswith("X") else (owner,)
    return any(matches(each, digest) for each in spelled)
