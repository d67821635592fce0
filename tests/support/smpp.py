"""Just enough SMPP 3.4 for a small message centre: PDUs and texts, to octets and back."""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

_HEADER = struct.Struct(">IIII")

#: The bit that makes a command its own answer.
ANSWER = 0x80000000

#: esm_class of a deliver_sm that is a delivery report and no text.
DELIVERY_REPORT = 0x04

#: Bits of esm_class and of optional parameters that we need to know a part of a long text by.
_HEADED, _UCS2 = 0x40, 0x08

_PAYLOAD = 0x0424


class Command(IntEnum):
    """What a PDU asks for."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    """How a message centre answers."""

    OK = 0x00
    SYSTEM_ERROR = 0x08
    BIND_FAILED = 0x0D
    QUEUE_FULL = 0x14
    SUBMIT_FAILED = 0x45
    INVALID_DESTINATION = 0x0B
    THROTTLED = 0x58


@dataclass(frozen=True)
class Pdu:
    """One message of the protocol."""

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
    """Cuts what arrives on a connection into PDUs."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, octets: bytes) -> list[Pdu]:
        self._held += octets
        whole = []
        while len(self._held) >= _HEADER.size:
            length, command, status, sequence = _HEADER.unpack_from(self._held)
            if len(self._held) < length:
                break
            whole.append(Pdu(command, sequence, status, self._held[_HEADER.size : length]))
            self._held = self._held[length:]
        return whole


@dataclass(frozen=True)
class Address:
    """A number with its type and plan: 1 is international, 0 unknown."""

    digits: str
    ton: int = 1
    npi: int = 1


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
        """The text as a handset shows it; only letters that GSM shares with ASCII are known."""
        if self.data_coding & 0x0C == _UCS2:
            return self.written.decode("utf-16-be")
        return self.written.decode("ascii", "replace")

    @property
    def written(self) -> bytes:
        """The octets of the text alone, without the header that joins parts."""
        whole = self.options.get(_PAYLOAD, self.message)
        return whole[1 + whole[0] :] if self.esm_class & _HEADED else whole

    @classmethod
    def read(cls, body: bytes) -> Self:
        reader = _Reader(body)
        reader.word()  # service_type
        source, destination = reader.address(), reader.address()
        esm_class, _protocol, _priority = reader.octet(), reader.octet(), reader.octet()
        reader.word()  # schedule_delivery_time
        reader.word()  # validity_period
        registered, _replace, coding = reader.octet(), reader.octet(), reader.octet()
        reader.octet()  # sm_default_msg_id
        message = reader.take(reader.octet())
        return cls(source, destination, message, coding, esm_class, registered, reader.options())

    def octets(self) -> bytes:
        head = b"\0" + _address(self.source) + _address(self.destination)
        middle = bytes((self.esm_class, 0, 0)) + b"\0\0"
        tail = bytes((self.registered, 0, self.data_coding, 0, len(self.message)))
        return head + middle + tail + self.message


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._body[self._at - count : self._at]

    def octet(self) -> int:
        return self.take(1)[0]

    def word(self) -> str:
        end = self._body.index(b"\0", self._at)
        said = self._body[self._at : end].decode("ascii")
        self._at = end + 1
        return said

    def address(self) -> Address:
        ton, npi = self.octet(), self.octet()
        return Address(self.word(), ton, npi)

    def options(self) -> dict[int, bytes]:
        found = {}
        while self._at < len(self._body):
            tag, length = struct.unpack(">HH", self.take(4))
            found[tag] = self.take(length)
        return found


def _address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + address.digits.encode() + b"\0"


def login(body: bytes) -> str:
    """The system id in a bind."""
    return _Reader(body).word()
