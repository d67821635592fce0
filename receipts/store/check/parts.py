"""Read the parts of keys in bounded pieces."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from receipts.store.check.shapes import Named
from receipts.store.codec import decode_pairs, decode_record
from receipts.store.connection import RedisConnection

T = TypeVar("T")

#: Entries of one round trip.
_ENTRIES = 1000


def parts(connection: RedisConnection, each: Named) -> Iterator[bytes]:
    """The decodable parts of a key that is no string: entries, members, or values of a hash."""
    key = each.key
    match each.shape.type:
        case "list":
            yield from _of_list(connection, key)
        case "stream":
            for _, fields in stream_entries(connection, key):
                yield fields[1]
        case "hash":
            yield from (value for _, value in scanned(connection, "HSCAN", key))
        case "zset":
            yield from (member for member, _ in scanned(connection, "ZSCAN", key))


def _of_list(connection: RedisConnection, key: bytes) -> Iterator[bytes]:
    start = 0
    while True:
        (found,) = connection.execute(("LRANGE", key, start, start + _ENTRIES - 1))
        yield from found
        if len(found) < _ENTRIES:
            return
        start += _ENTRIES


def stream_entries(
    connection: RedisConnection, key: bytes | str
) -> Iterator[tuple[bytes, list[bytes]]]:
    """The entries of a stream: id, and fields with their values in one list."""
    start = b"-"
    while True:
        (found,) = connection.execute(("XRANGE", key, start, "+", "COUNT", _ENTRIES))
        yield from found
        if len(found) < _ENTRIES:
            return
        start = b"(" + found[-1][0]


def scanned(
    connection: RedisConnection, command: str, key: bytes | str
) -> Iterator[tuple[bytes, Any]]:
    """The pairs of a hash or a sorted set."""
    for found in _pieces(connection, command, key):
        yield from decode_pairs(found)


def members(connection: RedisConnection, key: bytes | str) -> Iterator[list[bytes]]:
    """The members of a set, in pieces."""
    return _pieces(connection, "SSCAN", key)


def _pieces(connection: RedisConnection, command: str, key: bytes | str) -> Iterator[list[bytes]]:
    cursor: bytes | int = b"0"
    while True:
        ((cursor, found),) = connection.execute((command, key, cursor, "COUNT", _ENTRIES))
        yield found
        if cursor in (b"0", 0):
            return


def batches(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """Items in pieces."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def record(kind: type[T], raw: bytes | None) -> T | None:
    """A stored record; None for a missing key, and for a damaged one, which is its own finding."""
    try:
        return decode_record(kind, raw)
    except Exception:  # noqa: BLE001 - the record is damaged, in whichever way
        return None


def is_readable(read: Callable[[bytes], object] | None, raw: bytes) -> bool:
    """Whether a part can be decoded. A damaged one may raise any error of a decoder."""
    try:
        if read is not None:
            read(raw)
    except Exception:  # noqa: BLE001 - the part is damaged, in whichever way
        return False
    return True
