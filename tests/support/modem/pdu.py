"""TPDUs of 3GPP TS 23.040 that a modem exchanges: SUBMIT is read, DELIVER and report are made."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

#: The default alphabet of TS 23.038, without its extension table.
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

#: Number of the message centre, as the SIM has it: length in octets, type, digits.
_CENTRE = bytes.fromhex("0891683108200505F0")

#: Bits of the first octet: a report is asked for, a user data header, kind of validity period.
_REPORT, _HEADED, _VALIDITY = 0x20, 0x40, 0x18
_RELATIVE_VALIDITY = 0x10

#: Bits of the data coding: alphabet UCS-2.
_ALPHABET_BITS, _UCS2 = 0x0C, 0x08

#: Most characters of a text in one part, and in each of several parts.
_ALONE, _PART = {False: 160, True: 70}, {False: 153, True: 67}


@dataclass(frozen=True)
class Submit:
    """A text that the modem is to send."""

    to: str
    said: str
    data_coding: int
    wants_report: bool
    #: Reference, parts and number of this part, of a text in parts; else empty.
    part: tuple[int, ...] = ()

    @property
    def flash(self) -> bool:
        """Whether the data coding says class 0."""
        group = self.data_coding >> 4
        return bool(self.data_coding & 0x03 == 0 and (group in {0x1, 0x3, 0xF}))

    @classmethod
    def read(cls, octets: bytes) -> Self:
        """Read the octets after those of the message centre."""
        first, digits = octets[0], octets[2]
        end = 4 + (digits + 1) // 2
        number = _number(octets[3], octets[4:end], digits)
        coding = octets[end + 1]
        at = end + 2 + int(first & _VALIDITY == _RELATIVE_VALIDITY)
        data = octets[at + 1 :]
        header = data[: 1 + data[0]] if first & _HEADED else b""
        said = _said(header, octets[at], data, coding)
        return cls(number, said, coding, bool(first & _REPORT), tuple(header[3:6]))


def joined(texts: Iterable[Submit]) -> list[Submit]:
    """Texts whose parts are all there, each as one."""
    whole, parts = list[Submit](), dict[tuple[str, int], list[Submit]]()
    for text in texts:
        if not text.part:
            whole.append(text)
            continue
        reference, count, _ = text.part
        group = parts.setdefault((text.to, reference), [])
        group.append(text)
        if len(group) == count:
            ordered = sorted(group, key=lambda each: each.part[2])
            whole.append(replace(text, said="".join(each.said for each in ordered)))
    return whole


def _said(header: bytes, length: int, octets: bytes, coding: int) -> str:
    if coding & _ALPHABET_BITS == _UCS2:
        return octets[len(header) : length].decode("utf-16-be")
    fill = -(-len(header) * 8 // 7)
    bits = int.from_bytes(octets, "little")
    septets = [bits >> (7 * place) & 0x7F for place in range(fill, length)]
    return "".join(_ALPHABET[each] for each in septets)


def deliver(sender: str, said: str, at: dt.datetime, reference: int) -> Iterator[bytes]:
    """Yield the parts of a text from a phone, with the number of the message centre."""
    wide = any(each not in _ALPHABET for each in said)
    size = _ALONE[wide] if len(said) <= _ALONE[wide] else _PART[wide]
    pieces = [said[i : i + size] for i in range(0, len(said), size)] or [""]
    for place, piece in enumerate(pieces, 1):
        header = bytes((5, 0, 3, reference % 256, len(pieces), place)) if len(pieces) > 1 else b""
        head = bytes((0x04 | (_HEADED if header else 0),)) + _address(sender)
        coding = _UCS2 if wide else 0
        data = _wide(header, piece) if wide else _packed(header, piece)
        yield _CENTRE + head + bytes((0, coding)) + _time(at) + data


def _wide(header: bytes, piece: str) -> bytes:
    octets = header + piece.encode("utf-16-be")
    return bytes((len(octets),)) + octets


def _packed(header: bytes, piece: str) -> bytes:
    fill = -(-len(header) * 8 // 7)
    bits = int.from_bytes(header, "little")
    for place, each in enumerate(piece, fill):
        bits |= _ALPHABET.index(each) << (7 * place)
    count = fill + len(piece)
    return bytes((count,)) + bits.to_bytes((count * 7 + 7) // 8, "little")


def status_report(reference: int, recipient: str, status: int, at: dt.datetime) -> bytes:
    """A status report with the number of the message centre; ``status`` is TP-ST."""
    head = _CENTRE + bytes((0x06, reference)) + _address(recipient)
    return head + _time(at) + _time(at) + bytes((status,))


def after_centre(octets: bytes) -> bytes:
    """The octets without the number of the message centre: +CMT, +CDS and +CMGS count these."""
    return octets[1 + octets[0] :]


def _number(kind: int, octets: bytes, count: int) -> str:
    digits = "".join(f"{each & 0xF:X}{each >> 4:X}" for each in octets)[:count]
    return ("+" if kind & 0x70 == 0x10 else "") + digits


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    kind = 0x91 if number.startswith("+") else 0x81
    return bytes((len(digits), kind)) + _swapped(digits + "F" * (len(digits) % 2))


def _time(at: dt.datetime) -> bytes:
    quarters = int((at.utcoffset() or dt.timedelta()) / dt.timedelta(minutes=15))
    return _swapped(f"{at:%y%m%d%H%M%S}{quarters:02}")


def _swapped(digits: str) -> bytes:
    return bytes.fromhex("".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2)))
