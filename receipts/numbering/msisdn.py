"""Parses telephone numbers in the forms that people and providers write."""

import re
from urllib.parse import unquote

from receipts.model.invisible import plain_digits, without_invisible
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
# Channel prefixes of Twilio whose rest is a number, and URIs (RFC 3966, RFC 5724) in either case.
# Ids of a messenger are no numbers, and neither is a local number of another country.
_PREFIXED = re.compile(
    r"(?:tel|callto|sms|smsto|rcs|whatsapp):(?://)?(?P<number>[^;?]*)"
    r"(?:;(?!phone-context=(?:\+|%2b)(?!86\b))[^;?]*)*(?:\?.*)?",
    re.IGNORECASE | re.DOTALL,
)

_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
# National numbers behind +86: 13-digit 14x machine numbers, Beijing's 10 + 8 digits, other areas.
# Service numbers (10086, 106..., 955xx) match none of them.
_OTHER_CHINESE = re.compile(r"\+86(?:14[0-9]{11}|10[0-9]{8}|[2-9][0-9]{8,10})", re.ASCII)
_FOREIGN = re.compile(r"\+(?!86)[1-9][0-9]{7,14}", re.ASCII)
# Satellite phones: Globalstar's and China Telecom's 1349, 1740 to 1749 (MIIT numbering plan).
_SATELLITE = re.compile(r"\+861(?:349|74[0-9])[0-9]{7}", re.ASCII)
# Thirteen digits: meters, cars and other machines.
_MACHINE = re.compile(r"\+8614[0-9]{11}", re.ASCII)
# Twilio's substitutes for a withheld number; each spells a word on a keypad: ANONYMOUS,
# RESTRICTED, UNAVAILABLE (help article "What is this strange number calling me").
_WITHHELD = frozenset({"+266696687", "+7378742833", "+86282452253"})


def parse_msisdn(raw: str) -> Msisdn | None:
    """The number in E.164; None for a service number, a withheld number or garbage."""
    # Most numbers come without separators.
    text = raw if _MOBILE.fullmatch(raw) else _cleaned(raw)
    if mobile := _MOBILE.fullmatch(text):
        return Msisdn("+86" + mobile[1])
    if text not in _WITHHELD and (_OTHER_CHINESE.fullmatch(text) or _FOREIGN.fullmatch(text)):
        return Msisdn(text)
    return None


def _cleaned(raw: str) -> str:
    """Digits and plus sign of a number or of a number's URI; empty for a longer text."""
    raw = raw.replace("：", ":")
    if ":" in raw and len(raw) <= _MAX_URI_LENGTH:
        visible = without_invisible(raw).strip()
        if uri := _SIP.fullmatch(visible):
            raw = unquote(uri["global"] or uri["phone"])
        elif prefixed := _PREFIXED.fullmatch(visible):
            raw = unquote(prefixed["number"])
    return plain_digits(raw) if len(raw) <= _MAX_INPUT_LENGTH else ""


def unanswered_kind(number: Msisdn) -> str:
    """The reason why texts to a number are never sent, as they cost a multiple; empty if not.

    Satellite and premium ranges of other countries (+881, +882, +979 ...) count as abroad.
    """
    if not number.startswith("+86"):
        return "abroad"
    if _SATELLITE.fullmatch(number):
        return "satellite"
    return "machine" if _MACHINE.fullmatch(number) else ""


def is_chinese_mobile(number: Msisdn) -> bool:
    """Whether a number is a mobile phone of the mainland; texts to others cost more."""
    return _MOBILE.fullmatch(number) is not None
