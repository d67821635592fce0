"""Masks of telephone numbers, passcodes and credentials in texts for logs and staff."""

import re
import unicodedata
from urllib.parse import unquote

from receipts.model.invisible import without_invisible

#: Rounds of unquoting; some clients quote a value again and again.
_MOST_QUOTED = 20

# White space, dashes, dots, slashes and brackets between the digits of a number; + is a space of a
# form. At most three of them: more separate two numbers.
_GAP = (
    r"[\s+()\[\]./_\-\u00ad\u00b7\u058a\u2010-\u2015\u2022\u2043\u207b\u2212"
    r"\u30fb\ufe58\ufe63\uff0d]"
)
_DATE = (
    r"(?<!\d)20\d\d-[01]\d-[0-3]\d(?!\d)(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?!\d))?"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"(?<![\d.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.])"
# An id of Twilio, a UUID, and an error code of SMPP.
_IDENT = (
    r"\b[A-Z]{2}[0-9a-f]{32}\b"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b0x0000[0-9a-fA-F]{4}\b"
)
_KEPT_OR_NUMBER = re.compile(rf"({_DATE}|{_ADDRESS}|{_IDENT})|\d(?:{_GAP}{{0,3}}\d){{6,}}")

_USERINFO = re.compile(r"(?<=://)[^/?#\s'\"<>]*@")
_AUTHORIZATION = re.compile(r"\b(basic|bearer|digest)(\s+)[^\s'\",]+", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"\b([\w-]{0,30}(?:password|passwd|secret|token|signature|authorization|api[-_]?key|cookie))"
    r"(['\"]?\s*[=:]\s*['\"]?)(?!\s|\*|(?:basic|bearer|digest)\s)[^\s'\"&,;]+",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<!\d)(?!(?<=0x)0000)\d{4,8}(?!\d)")
# A token: letters and digits mixed. Words and plain numbers are none.
_TOKEN = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[\w-]{16,}\b", re.ASCII)


def mask(text: str) -> str:
    """The text, unquoted, with numbers, credentials and the user of addresses hidden."""
    # Before and after: a quoted slash in a password would end the part before the host.
    plain = _USERINFO.sub("***@", _plain(_USERINFO.sub("***@", text)))
    plain = _AUTHORIZATION.sub(r"\1\2***", plain)
    plain = _CREDENTIAL.sub(r"\1\2***", plain)
    return _KEPT_OR_NUMBER.sub(_hidden, plain)


def mask_foreign(text: str) -> str:
    """Another system's text, masked, without codes of 4 to 8 digits and without tokens."""
    return _CODE.sub("****", _TOKEN.sub("***", mask(text)))


def hide_userinfo(text: str) -> str:
    """The text without user and password of the addresses in it."""
    return _USERINFO.sub("***@", text)


def _plain(text: str) -> str:
    """The text unquoted, its digits in ASCII, without invisible and control characters."""
    for _ in range(_MOST_QUOTED):
        if "%" not in text or (unquoted := unquote(text, errors="replace")) == text:
            break
        text = unquoted
    text = without_invisible(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character in "\n\t" else "\ufffd"
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    if unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp"):
        return "\ufffd"
    return (
        unicodedata.normalize("NFKC", character)
        if character in "＋％．／（）＠＝：＆"
        else character
    )


def _hidden(found: re.Match[str]) -> str:
    """The first digits and the last four of a number, which tell customers apart."""
    if found[1]:
        return found[1]
    digits = "".join(filter(str.isdigit, found[0]))
    first = min(5, max(0, len(digits) - 8))
    last = 4 if len(digits) > 8 else 2  # noqa: PLR2004 - of a short number even less
    return f"{digits[:first]}****{digits[-last:]}"
