"""All bytes that a key holds, as they are once records are unpacked."""

from collections.abc import Iterable

import msgspec
import redis
import zstandard

from receipts.store.codec import unpack


def plain_bytes(raw: "redis.Redis", key: bytes) -> bytes:
    """A key's dump, and its packed values as MessagePack."""
    kind = raw.type(key)
    values: Iterable[bytes] = ()
    if kind == b"string":
        value = raw.get(key) or b""
        values = (value, value.partition(b"|")[2])
    elif kind == b"hash":
        values = raw.hvals(key)
    return b"\n".join((raw.dump(key) or b"", *map(_unpacked, values)))


def _unpacked(value: bytes) -> bytes:
    try:
        return bytes(unpack(msgspec.Raw, value))
    except (zstandard.ZstdError, msgspec.DecodeError):
        return b""
