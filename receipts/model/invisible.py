"""Invisible marks, which phones and copying put into words, numbers and codes."""

import re

# Unicode's default-ignorable code points (DerivedCoreProperties): zero-width marks, joiners,
# direction marks and isolates, the byte order mark, variation selectors, fillers.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

# White space, the dashes (category Pd), the minus signs and brackets.
_SEPARATORS = re.compile(
    r"[\s\u2000-\u200a\u202f\u205f\u3000"
    "\\-\u058a\u05be\u1806\u2010-\u2015\u2043\u207b\u2212\u301c\u3030\ufe58\ufe63\uff0d"
    "()\uff08\uff09]"
)
# Between two groups of digits; one digit behind a dot would be a decimal, such as 1380288000.0.
_DOTS = re.compile("(?<=[0-9]{2})[.\u00b7\u2022\u2024\u2027\u2219\u30fb\uff0e](?=[0-9]{2})")
# Marks that copying brings along from a list or a sentence.
_AROUND = "'\"‘’“”「」【】[]<>,;，；、。"
_KEYCAP = "\u20e3"
_DIGITS = str.maketrans("０１２３４５６７８９＋", "0123456789+")


# Everything but the characters of XML 1.0 (its production Char).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text with U+FFFD in place of characters that no XML document may have."""
    return text if text.isascii() and text.isprintable() else _NOT_XML.sub("\ufffd", text)


def without_invisible(text: str) -> str:
    """Text without invisible marks."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def plain_digits(text: str) -> str:
    """A number or a code without marks around and separators in it, its digits in ASCII."""
    visible = _SEPARATORS.sub("", without_invisible(text)).translate(_DIGITS)
    return _DOTS.sub("", visible.replace(_KEYCAP, "").strip(_AROUND))
