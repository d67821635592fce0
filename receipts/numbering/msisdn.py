"""Reads a telephone number as people write it."""

import re

from receipts.model.vocabulary import Msisdn

# +86 and eleven digits.
_MOBILE_LENGTH = 14

# Longer than any number somebody writes with separators; guards the work done on garbage.
_LONGEST_INPUT = 64
_FULL_WIDTH = {0xFF10 + digit: ord("0") + digit for digit in range(10)} | {0xFF0B: ord("+")}
# What people and address books put between digits: spaces, hyphens, brackets, and the invisible
# direction marks that come along when a number is copied out of a phone's contacts.
_SEPARATORS = dict.fromkeys(
    map(
        ord,
        " \t\r\n\u00a0\u2002\u2003\u2009\u202f\u3000"
        "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
        "()\uff08\uff09"
        "\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff",
    )
)
_CLEAN = _FULL_WIDTH | _SEPARATORS

_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
# National numbers behind +86 that are people or machines: 13-digit 14x machine numbers, Beijing's
# 10 + 8 digits, other areas. Service numbers (10086, 106..., 955xx) match none of them.
_OTHER_CHINESE = re.compile(r"\+86(?:14[0-9]{11}|10[0-9]{8}|[2-9][0-9]{8,10})", re.ASCII)
_FOREIGN = re.compile(r"\+(?!86)[1-9][0-9]{7,14}", re.ASCII)
# Twilio puts these in place of a withheld number; each spells a word on a keypad: ANONYMOUS,
# RESTRICTED, UNAVAILABLE (help article "What is this strange number calling me").
_WITHHELD = frozenset({"+266696687", "+7378742833", "+86282452253"})


def parse_msisdn(raw: str) -> Msisdn | None:
    """The E.164 number somebody meant, or None when it is no person's number; never raises."""
    if len(raw) > _LONGEST_INPUT:
        return None
    # Most are written as they should be; the others are cleaned first.
    text = raw if _MOBILE.fullmatch(raw) else raw.translate(_CLEAN)
    if mobile := _MOBILE.fullmatch(text):
        return Msisdn("+86" + mobile[1])
    if text in _WITHHELD:
        return None
    if _OTHER_CHINESE.fullmatch(text) or _FOREIGN.fullmatch(text):
        return Msisdn(text)
    return None
