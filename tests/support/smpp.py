"""The part of SMPP 3.4 that a message centre needs: PDUs and texts, encoded and decoded."""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

_HEADER = struct.Struct(">IIII")

#: The bit that makes a command its own answer.
ANSWER = 0x80000000

#: esm_class of a deliver_sm that is a delivery report.
DELIVERY_REPORT = 0x04

#: esm_class of a text with a user data header; data_coding of UCS-2; tag of message_payload.
_HEADED, _UCS2, _PAYLOAD = 0x40, 0x08, 0x0424


class Command(IntEnum):
    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    OK = 0x00
    SYSTEM_ERROR = 0x08
    INVALID_DESTINATION = 0x0B
    QUEUE_FULL = 0x14
    SUBMIT_FAILED = 0x45
    THROTTLED = 0x58


@dataclass(frozen=True)
class Pdu:
    command: int
    sequence: int
    status: int = 0
    body: bytes = b""

    def octets(self) -> bytes:
        length = _HEADER.size + len(self.body)
        return _HEADER.pack(length, self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = Status.OK, body: bytes = b"") -> "Pdu":
        return Pdu(self.command | ANSWER, self.sequence, status, body)


class Stream:
    """Splits the octets of a connection into PDUs."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, octets: bytes) -> list[Pdu]:
        self._buffer += octets
        pdus = []
        while len(self._buffer) >= _HEADER.size:
            length, command, status, sequence = _HEADER.unpack_from(self._buffer)
            if len(self._buffer) < length:
                break
            pdus.append(Pdu(command, sequence, status, self._buffer[_HEADER.size : length]))
            self._buffer = self._buffer[length:]
        return pdus


@dataclass(frozen=True)
class Address:
    """A number with its type and plan: 1 is international, 0 unknown."""

    digits: str
    ton: int = 1
    npi: int = 1

    def octets(self) -> bytes:
        return bytes((self.ton, self.npi)) + self.digits.encode() + b"\0"


@dataclass(frozen=True)
class Text:
    """The body of a submit_sm or a deliver_sm."""

    source: Address
    destination: Address
    message: bytes
    data_coding: int = 0
    esm_class: int = 0
    registered: int = 0
    options: dict[int, bytes] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The text on the handset; of the 7-bit alphabet only its ASCII part is decoded."""
        whole = self.options.get(_PAYLOAD, self.message)
        written = whole[1 + whole[0] :] if self.esm_class & _HEADED else whole
        if self.data_coding & 0x0C == _UCS2:
            return written.decode("utf-16-be")
        return written.decode("ascii", "replace")

    @classmethod
    def read(cls, body: bytes) -> Self:
        reader = _Reader(body)
        reader.word()  # service_type
        source, destination = reader.address(), reader.address()
        esm_class, _protocol, _priority = reader.take(3)
        reader.word()  # schedule_delivery_time
        reader.word()  # validity_period
        registered, _replace, coding, _default_message, length = reader.take(5)
        message = reader.take(length)
        return cls(source, destination, message, coding, esm_class, registered, reader.options())

    def octets(self) -> bytes:
        head = b"\0" + self.source.octets() + self.destination.octets()
        middle = bytes((self.esm_class, 0, 0)) + b"\0\0"
        tail = bytes((self.registered, 0, self.data_coding, 0, len(self.message)))
        return head + middle + tail + self.message


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def take(self, count: int) -> bytes:
        taken, self._body = self._body[:count], self._body[count:]
        return taken

    def word(self) -> str:
        word, _, self._body = self._body.partition(b"\0")
        return word.decode("ascii")

    def address(self) -> Address:
        ton, npi = self.take(2)
        return Address(self.word(), ton, npi)

    def options(self) -> dict[int, bytes]:
        found = {}
        while self._body:
            tag, length = struct.unpack(">HH", self.take(4))
            found[tag] = self.take(length)
        return found


def login(body: bytes) -> str:
    return _Reader(body).word()
