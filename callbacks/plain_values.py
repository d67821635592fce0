"""Plain values of JSON fields: a text or a number, whichever of the two a network writes."""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

#: A field as its JSON, or decoded where it is a text or an integer.
Field = msgspec.Raw | str | int | None

_text = msgspec.json.Decoder(str)

#: A JSON number that is whole: its digits are kept, whatever their count.
_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_NUMBER_BEGINS = frozenset(b"-0123456789")
_ABSENT = frozenset({b"null", b'""', None, ""})

#: Characters of an optional field that are read, and of those that are kept unread.
_MAX_LENGTH, _MAX_UNREAD = 40, 120

#: The most parts of a text, one octet in the concatenation header (3GPP TS 23.040, 9.2.3.24.1).
_MAX_PARTS = 255


def plain_value(field: Field) -> str | None:
    """Text of a JSON string or number; None for null, empty, boolean, list and object."""
    if isinstance(field, str):
        return field.strip() or None
    return _text_of(bytes(field)) if isinstance(field, msgspec.Raw) else _digits(field)


def _digits(number: int | None) -> str | None:
    return None if number is None else str(number)


def _text_of(raw: bytes) -> str | None:
    if raw[:1] == b'"':
        try:
            return _text.decode(raw).strip() or None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
    if raw[:1] and raw[0] in _NUMBER_BEGINS:
        text = raw.decode("ascii", "replace")
        whole = _WHOLE.fullmatch(text)
        return whole[1] if whole else text
    return None


class OptionalFields:
    """Reads optional fields; those without a meaning count as absent and are kept unread."""

    def __init__(self) -> None:
        self._unread: list[str] = []

    @property
    def unread(self) -> str:
        """The fields that could not be read, ``name=JSON``, for staff."""
        return " ".join(self._unread)[:_MAX_UNREAD]

    def read(self, name: str, field: Field, read: Callable[[str], T | None]) -> T | None:
        """Value of a field; None if it is absent or has no meaning."""
        if (bytes(field) if isinstance(field, msgspec.Raw) else field) in _ABSENT:
            return None
        text = plain_value(field)
        value = read(text) if text and len(text) <= _MAX_LENGTH else None
        if value is None:
            self.keep(name, field)
        return value

    def keep(self, name: str, field: Field) -> None:
        """Keep a field unread."""
        raw = bytes(field) if isinstance(field, msgspec.Raw) else msgspec.json.encode(field)
        self._unread.append(f"{name}={raw.decode('utf-8', 'replace')}")


def part_of(fields: OptionalFields, part: Field, parts: Field) -> tuple[int, int]:
    """Part and number of parts; only a pair that fits tells of a long text.

    Parts count from 0 or from 1. Without such a pair the report is on the whole text: 1 of 1.
    """
    number = fields.read("part", part, _small_number)
    count = fields.read("parts", parts, _small_number)
    if number is not None and count is not None and count > 1 and number <= count:
        return number, count
    if (number or 0) > 1:
        fields.keep("part", part)
    if (count or 0) > 1:
        fields.keep("parts", parts)
    return 1, 1


def _small_number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() else None
    return number if number is not None and number <= _MAX_PARTS else None
