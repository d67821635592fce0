"""Read a snapshot as servers write it for a replica (RDB), one key at a time.

Format: https://github.com/valkey-io/valkey/blob/unstable/src/rdb.h and rdb.c. Values keep their
stored form, which RESTORE takes. A type or a record that is not known here ends with an error.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from receipts.ports.store import StoreUnavailableError

#: First byte of a record that is no key.
_SLOT_IMPORT, _SLOT_INFO, _FUNCTION, _IDLE, _FREQUENCY = 243, 244, 245, 248, 249
_AUX, _RESIZE, _EXPIRES_MS, _EXPIRES, _SELECT, _END = 250, 251, 252, 253, 254, 255

_EXPIRY_BYTES = {_EXPIRES_MS: 8, _EXPIRES: 4}

#: Types of values by their parts. The numbers in common use since version 10 of the format.
_ONE_STRING = frozenset({0, 9, 10, 11, 12, 13, 16, 17, 20})
_STRINGS_A_MEMBER = {1: 1, 2: 1, 4: 2, 14: 1}
_SORTED_SET, _QUICKLIST, _STREAM_2, _STREAM_3 = 5, 18, 19, 21

#: A length in more than six bits, and how strings are stored that are no plain bytes.
_LENGTH_32, _LENGTH_64 = 0x80, 0x81
_INTEGER_BYTES = {0: 1, 1: 2, 2: 4}
_COMPRESSED = 3

_STREAM_ID_BYTES, _TIME_BYTES, _SCORE_BYTES, _CHECKSUM_BYTES = 16, 8, 8, 8
_HEADER_BYTES = 9

#: Least bytes asked of the source at once, and parsed bytes that are kept before they are dropped.
_READ_BYTES, _KEPT_BYTES = 65_536, 1_048_576


class KeyRecord(NamedTuple):
    """A key with its value in stored form, and its end in Unix milliseconds, 0 for none."""

    key: bytes
    expires_ms: int
    value: bytes


class RdbReader:
    """Reads one snapshot from ``read``, which gives up to so many bytes, none at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data, self._at = bytearray(), 0
        #: The number of keys that the server announced for the database, 0 before.
        self.expected = 0

    def records(self, database: int) -> Iterator[KeyRecord]:
        """All keys of one database. Raises StoreUnavailableError."""
        head = self._take(_HEADER_BYTES)
        if head[:5] != b"REDIS" and head[:6] != b"VALKEY":
            raise _broken("it begins with other bytes")
        selected, expires_ms = 0, 0
        while (kind := self._take(1)[0]) != _END:
            if kind in _EXPIRY_BYTES:
                end = int.from_bytes(self._take(_EXPIRY_BYTES[kind]), "little")
                expires_ms = end if kind == _EXPIRES_MS else 1000 * end
            elif kind == _SELECT:
                selected = self._length()
            elif kind == _RESIZE:
                count = self._length()
                self._length()
                self.expected = count if selected == database else self.expected
            elif not self._skipped(kind):
                record, expires_ms = self._record(kind, expires_ms), 0
                if selected == database:
                    yield record
        self._take(_CHECKSUM_BYTES)

    def trailing(self, count: int) -> bytes:
        """Bytes behind the snapshot."""
        return self._take(count)

    def _skipped(self, kind: int) -> bool:
        """Pass a record that is no key; False for a key."""
        if kind == _AUX:
            self._pass_strings(2)
        elif kind == _FUNCTION:
            self._pass_strings(1)
        elif kind == _SLOT_INFO:
            for _ in range(3):
                self._length()
        elif kind == _IDLE:
            self._length()
        elif kind == _FREQUENCY:
            self._take(1)
        elif kind == _SLOT_IMPORT:
            raise _broken("slots of the cluster move at this moment: try again once they have")
        else:
            return False
        return True

    def _record(self, kind: int, expires_ms: int) -> KeyRecord:
        if self._at > _KEPT_BYTES:
            del self._data[: self._at]
            self._at = 0
        start = self._at
        self._pass_strings(1)
        key = _plain(bytes(self._data[start : self._at]))
        start = self._at
        self._pass_value(kind)
        return KeyRecord(key, expires_ms, bytes((kind,)) + self._data[start : self._at])

    def _pass_value(self, kind: int) -> None:
        if kind in _ONE_STRING:
            self._pass_strings(1)
        elif kind in _STRINGS_A_MEMBER:
            self._pass_strings(self._length() * _STRINGS_A_MEMBER[kind])
        elif kind == _SORTED_SET:
            for _ in range(self._length()):
                self._pass_strings(1)
                self._pass(_SCORE_BYTES)
        elif kind == _QUICKLIST:
            for _ in range(self._length()):
                self._length()
                self._pass_strings(1)
        elif kind in {_STREAM_2, _STREAM_3}:
            self._pass_stream(consumer_times=1 if kind == _STREAM_2 else 2)
        else:
            raise _broken(f"it has a value of type {kind}, which this release cannot read")

    def _pass_stream(self, consumer_times: int) -> None:
        self._pass_strings(2 * self._length())
        # Length; last, first and largest erased id; entries ever added.
        for _ in range(8):
            self._length()
        for _ in range(self._length()):
            self._pass_strings(1)
            for _ in range(3):  # the last id that the group was given, and its count
                self._length()
            for _ in range(self._length()):
                self._pass(_STREAM_ID_BYTES + _TIME_BYTES)
                self._length()
            for _ in range(self._length()):
                self._pass_strings(1)
                self._pass(consumer_times * _TIME_BYTES)
                self._pass(_STREAM_ID_BYTES * self._length())

    def _pass_strings(self, count: int) -> None:
        for _ in range(count):
            first = self._peek()
            if first < 0xC0:  # noqa: PLR2004 - above it, two bits say that no length follows
                self._pass(self._length())
            elif (encoding := first & 0x3F) in _INTEGER_BYTES:
                self._pass(1 + _INTEGER_BYTES[encoding])
            elif encoding == _COMPRESSED:
                self._pass(1)
                compressed = self._length()
                self._length()
                self._pass(compressed)
            else:
                raise _broken(f"it has a string of form {encoding}")

    def _length(self) -> int:
        first = self._take(1)[0]
        if first < 0x40:  # noqa: PLR2004 - six bits
            return first
        if first < _LENGTH_32:
            return (first & 0x3F) << 8 | self._take(1)[0]
        if first in {_LENGTH_32, _LENGTH_64}:
            return int.from_bytes(self._take(4 if first == _LENGTH_32 else 8))
        raise _broken("it has no length where one belongs")

    def _peek(self) -> int:
        self._fill(1)
        return self._data[self._at]

    def _pass(self, count: int) -> None:
        self._fill(count)
        self._at += count

    def _take(self, count: int) -> bytes:
        self._fill(count)
        self._at += count
        return bytes(self._data[self._at - count : self._at])

    def _fill(self, count: int) -> None:
        while len(self._data) - self._at < count:
            piece = self._read(max(_READ_BYTES, count - len(self._data) + self._at))
            if not piece:
                raise _broken("it ends too early")
            self._data += piece


def _plain(stored: bytes) -> bytes:
    """A key as text: servers store digits as a number, and compress what repeats itself."""
    first = stored[0]
    if first < 0x40:  # noqa: PLR2004 - six bits of length
        return stored[1:]
    if first < _LENGTH_32:
        return stored[2:]
    if first == _LENGTH_32:
        return stored[5:]
    if first & 0x3F in _INTEGER_BYTES:
        return str(int.from_bytes(stored[1:], "little", signed=True)).encode()
    second = 1 + _length_bytes(stored[1])
    return _decompressed(stored[second + _length_bytes(stored[second]) :])


def _length_bytes(first: int) -> int:
    """How many bytes a length takes that begins with this one."""
    if first < 0x40:  # noqa: PLR2004 - six bits
        return 1
    return 2 if first < _LENGTH_32 else 5


def _decompressed(data: bytes) -> bytes:
    """Bytes that were compressed by LZF: literal runs, and copies of earlier bytes."""
    out, at = bytearray(), 0
    while at < len(data):
        control, at = data[at], at + 1
        if control < 32:  # noqa: PLR2004 - five bits of a run's length
            out += data[at : at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:  # noqa: PLR2004 - three bits are full: the next byte has the rest
            count, at = count + data[at], at + 1
        start = len(out) - ((control & 0x1F) << 8 | data[at]) - 1
        at += 1
        for index in range(start, start + count + 2):
            out.append(out[index])
    return bytes(out)


def _broken(why: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"the snapshot of the server cannot be used: {why}")
