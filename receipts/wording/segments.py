"""SMS segmentation: GSM 7-bit or UCS-2, and the number of segments of a text."""

from typing import NamedTuple

# 3GPP TS 23.038, section 6.2.1: default alphabet, and extension table of two septets each.
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_LETTERS = _ALPHABET | _EXTENSION

# 140 octets; 6 are the concatenation header in multipart texts (3GPP TS 23.040, 9.2.3.24.1).
_SEPTETS, _SEPTETS_PER_PART = 160, 153
_UNITS, _UNITS_PER_PART = 70, 67


def is_gsm7(text: str) -> bool:
    """True if the text fits the GSM 7-bit alphabet, with up to 160 characters a segment."""
    return _LETTERS.issuperset(text)


def segments(text: str) -> int:
    """Number of segments of a text; 1 if it is empty."""
    # Fast path for most texts: one segment of UCS-2 is one of GSM 7-bit too, where a character
    # takes two septets at most.
    if len(text.encode("utf-16-le", "surrogatepass")) <= 2 * _UNITS:
        return 1
    if is_gsm7(text):
        return _count([1 + (each in _EXTENSION) for each in text], _SEPTETS, _SEPTETS_PER_PART)
    return _count([1 + (each > "\uffff") for each in text], _UNITS, _UNITS_PER_PART)


class TextSize(NamedTuple):
    """The size of a text in units of its encoding, and the most that one segment holds."""

    encoding: str
    units: int
    most: int


def size_of(text: str) -> TextSize:
    """Septets of GSM 7-bit, or 16-bit units of UCS-2."""
    if is_gsm7(text):
        return TextSize("GSM-7", sum(1 + (each in _EXTENSION) for each in text), _SEPTETS)
    return TextSize("UCS-2", sum(1 + (each > "\uffff") for each in text), _UNITS)


def _count(sizes: list[int], alone: int, per_part: int) -> int:
    """Fill the parts in order, because a character of two units is never split."""
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, per_part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, per_part
        room -= size
    return parts
