"""Records to bytes and back. A stored record begins with its version, so the script can see it."""

from typing import Any, TypeVar

import msgspec

from receipts.model import Msisdn
from receipts.ports import Answer

T = TypeVar("T")


def _plain(value: object) -> object:
    if isinstance(value, Msisdn):
        return str(value)
    raise NotImplementedError(type(value))


def _typed(kind: type[Any], value: object) -> object:
    if kind is Msisdn and isinstance(value, str):
        return Msisdn(value)
    raise NotImplementedError(kind)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def packed(value: object) -> bytes:
    """Any of our frozen values as JSON."""
    return _encoder.encode(value)


def unpacked(kind: type[T], raw: bytes) -> T:
    """The value that ``packed`` wrote."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind, dec_hook=_typed)
    value: T = decoder.decode(raw)
    return value


def stored(record: msgspec.Struct, version: int) -> bytes:
    """A record as it lies in the store."""
    return b"%d|%s" % (version, packed(record))


def restored(kind: type[T], raw: bytes | None) -> T | None:
    """The record that ``stored`` wrote, None where there is none."""
    return None if raw is None else unpacked(kind, raw[raw.index(b"|") + 1 :])


def answer(raw: bytes | None) -> Answer | None:
    """The answer kept beside a claim."""
    return None if raw is None else unpacked(Answer, raw)
