"""Encode values of the model: records as compressed MessagePack, all others as JSON.

A stored record begins with its version, for the script. The dictionary knows names and usual
values of fields, so a record of 360 bytes becomes one of 130 (decision 029).
"""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
import zstandard

from receipts.model.charge import Charge, ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.ports.store import MonthLedger

T = TypeVar("T")


def _to_plain(value: object) -> object:
    if isinstance(value, Msisdn):
        return str(value)
    raise NotImplementedError(type(value))


def _from_plain(kind: type[Any], value: object) -> object:
    if kind is Msisdn and isinstance(value, str):
        return Msisdn(value)
    raise NotImplementedError(kind)


#: The level of compression: higher ones save 5 % and take four times as long.
LEVEL = 3

#: zstd without magic number, checksum and dictionary id: the schema version stands for them.
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    LEVEL,
    format=zstandard.FORMAT_ZSTD1_MAGICLESS,
    write_content_size=True,
    write_dict_id=False,
)

_packer = msgspec.msgpack.Encoder(enc_hook=_to_plain)
_unpackers: dict[type[Any], msgspec.msgpack.Decoder[Any]] = {}


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    """The dictionary that ``tools/train_dictionary.py`` made."""
    stored = files("receipts.store").joinpath("records.zdict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(stored)
    dictionary.precompute_compress(compression_params=_PARAMETERS)
    return dictionary


class _Compression(threading.local):
    """The compressor and decompressor of a thread: no two threads may share one."""

    def __init__(self) -> None:
        self.compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(
            dict_data=_dictionary(), compression_params=_PARAMETERS
        ).compress
        self.decompress: Callable[[bytes], bytes] = zstandard.ZstdDecompressor(
            dict_data=_dictionary(), format=zstandard.FORMAT_ZSTD1_MAGICLESS
        ).decompress


_compression = _Compression()

_encoder = msgspec.json.Encoder(enc_hook=_to_plain)
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def encode(value: object) -> bytes:
    """A value of the model as JSON."""
    return _encoder.encode(value)


def decode(kind: type[T], raw: bytes) -> T:
    """The value that ``encode`` wrote."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind, dec_hook=_from_plain)
    value: T = decoder.decode(raw)
    return value


def plain(value: object) -> bytes:
    """A value of the model as MessagePack."""
    return _packer.encode(value)


def pack(value: object) -> bytes:
    """A value of the model as compressed MessagePack."""
    return _compression.compress(_packer.encode(value))


def unpack(kind: type[T], raw: bytes) -> T:
    """The value that ``pack`` wrote."""
    unpacker = _unpackers.get(kind)
    if unpacker is None:
        unpacker = _unpackers[kind] = msgspec.msgpack.Decoder(kind, dec_hook=_from_plain)
    value: T = unpacker.decode(_compression.decompress(raw))
    return value


def encode_record(record: msgspec.Struct, version: int) -> bytes:
    """A record with its version in front: ``version|packed``."""
    return b"%d|%b" % (version, pack(record))


def decode_record(kind: type[T], raw: bytes | None) -> T | None:
    """The record that ``encode_record`` wrote, None for a missing key."""
    return None if raw is None else unpack(kind, raw[raw.index(b"|") + 1 :])


class StoredCharge(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A charge in the hash of its customer and month, under its id, without these three.

    A value of at most 64 bytes keeps a hash of up to 512 charges in the server's compact encoding.
    """

    kind: ChargeKind
    fen: int
    reason: str
    at: dt.datetime
    tariff: str
    charge_id: str = ""

    @classmethod
    def of(cls, charge: Charge) -> "StoredCharge":
        """The stored form of a charge."""
        about = (charge.kind, charge.fen, charge.reason, charge.at)
        return cls(*about, charge.tariff, charge.charge_id)

    def named(self, charge_id: str, number: Msisdn, month: str) -> Charge:
        """The charge again."""
        about = (self.kind, self.fen, month, self.reason, self.at, self.tariff, self.charge_id)
        return Charge(charge_id, number, *about)


def decode_charge(number: Msisdn, month: str, charge_id: str, raw: bytes) -> Charge:
    """A charge of a customer and month, from its field and value."""
    return unpack(StoredCharge, raw).named(charge_id, number, month)


def decode_charges(number: Msisdn, month: str, reply: Any) -> list[Charge]:  # noqa: ANN401 - as below
    """The charges of a customer and month, from all fields of their hash."""
    return [decode_charge(number, month, name.decode(), raw) for name, raw in _charges(reply)]


def _charges(reply: Any) -> Iterator[tuple[bytes, bytes]]:  # noqa: ANN401 - as below
    """The charges of a hash by id, without its sums."""
    return ((name, raw) for name, raw in decode_pairs(reply) if not name.startswith(b"="))


def decode_ledger(
    number: Msisdn,
    month: str,
    reply: Any,  # noqa: ANN401 - as below
    limit: int,
    skip: int,
) -> MonthLedger:
    """A month's charges, of which up to ``limit`` behind the newest ``skip`` are shown."""
    lines = [(unpack(StoredCharge, raw), name) for name, raw in _charges(reply)]
    # No two charges have one id, so no two lines are compared.
    newest = sorted(((line.at, name, line) for line, name in lines), reverse=True)
    chosen = newest[skip : skip + limit]
    shown = tuple(line.named(name.decode(), number, month) for _, name, line in chosen)
    return MonthLedger(month, len(lines), sum(line.fen for line, _ in lines), shown)


def decode_pairs(reply: Any) -> Iterable[tuple[bytes, Any]]:  # noqa: ANN401 - as the server says
    """The pairs of a reply in any of its shapes: a mapping, a list of pairs, or one flat list."""
    if isinstance(reply, dict):
        return reply.items()
    if not reply or isinstance(reply[0], list):
        return ((name, value) for name, value in reply or ())
    return zip(reply[::2], reply[1::2], strict=True)


def decode_scores(reply: list[Any]) -> list[tuple[bytes, float]]:
    """The members of a sorted set with their scores."""
    return [(member, float(score)) for member, score in decode_pairs(reply)]


def timer_member(timer: Timer) -> str:
    """The member of a shard's timers that stands for a timer."""
    return f"{timer.kind}|{timer.number}|{timer.subject}"


def decode_timer(member: bytes, score: float) -> Timer:
    """The timer that a member of a shard's timers stands for."""
    kind, number, subject = member.decode().split("|", 2)
    return Timer(kind, Msisdn(number), subject, dt.datetime.fromtimestamp(score, dt.UTC))
