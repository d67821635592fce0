"""Parses telephone numbers in the forms that people and providers write."""

import re
from urllib.parse import unquote

from receipts.model.vocabulary import Msisdn

# Bounds the work on garbage; no number with separators is longer, and few URIs.
_MAX_INPUT_LENGTH, _MAX_URI_LENGTH = 64, 256
# A SIP URI of a telephone number (RFC 3261, 19.1.6): the user is a global number, or the URI says
# user=phone. Any other user is a name, even one of digits.
_SIP = re.compile(
    r"(?:[^<>]*<)?sips?:(?:(?P<global>(?:\+|%2b)[^@:;?<>]*)[^@?<>]*@[^<>]*"
    r"|(?P<phone>[0-9][^@:;?<>]*)[^@?<>]*@[^<>?]*;user=phone\b[^<>]*)(?:>.*)?",
    re.IGNORECASE,
)
# Spaces, hyphens, brackets, and the invisible direction marks in numbers copied from contacts.
_SEPARATORS = (
    " \t\r\n\u00a0\u2002\u2003\u2009\u202f\u3000"
    "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
    "()\uff08\uff09"
    "\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff"
)
_CLEAN = str.maketrans("０１２３４５６７８９＋", "0123456789+", _SEPARATORS)

_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
# National numbers behind +86: 13-digit 14x machine numbers, Beijing's 10 + 8 digits, other areas.
# Service numbers (10086, 106..., 955xx) match none of them.
_OTHER_CHINESE = re.compile(r"\+86(?:14[0-9]{11}|10[0-9]{8}|[2-9][0-9]{8,10})", re.ASCII)
_FOREIGN = re.compile(r"\+(?!86)[1-9][0-9]{7,14}", re.ASCII)
# Twilio's substitutes for a withheld number; each spells a word on a keypad: ANONYMOUS,
# RESTRICTED, UNAVAILABLE (help article "What is this strange number calling me").
_WITHHELD = frozenset({"+266696687", "+7378742833", "+86282452253"})


def parse_msisdn(raw: str) -> Msisdn | None:
    """The number in E.164; None for a service number, a withheld number or garbage."""
    if ":" in raw and len(raw) <= _MAX_URI_LENGTH and (uri := _SIP.fullmatch(raw.strip())):
        raw = unquote(uri["global"] or uri["phone"])
    if len(raw) > _MAX_INPUT_LENGTH:
        return None
    # Most numbers come without separators.
    text = raw if _MOBILE.fullmatch(raw) else raw.translate(_CLEAN)
    if mobile := _MOBILE.fullmatch(text):
        return Msisdn("+86" + mobile[1])
    if text not in _WITHHELD and (_OTHER_CHINESE.fullmatch(text) or _FOREIGN.fullmatch(text)):
        return Msisdn(text)
    return None


def is_chinese_mobile(number: Msisdn) -> bool:
    """Whether a number is a mobile phone of the mainland; texts to others cost more."""
    return _MOBILE.fullmatch(number) is not None
