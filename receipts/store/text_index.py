"""The index of subscribers' texts: by sender in the order of time, and by message id.

An entry of a sender's list has 13 bytes and the id; one by message id has 22 bytes. The server
keeps both in its compact encoding (listpack), as long as a hash has at most 512 entries.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from hashlib import blake2b
from heapq import nsmallest
from struct import Struct

from receipts.model.message import IndexedText
from receipts.model.vocabulary import Msisdn
from receipts.reports.message_trace import normalise_message_id
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema

WEEK_SECONDS = 7 * 86_400

#: A trace is kept from its last report on and its entry from the first one: the wait in between.
MARGIN_SECONDS = 3 * 86_400

#: Hashes of one shard and week; 250,000 texts fill each of them with 512 entries.
_BUCKETS = 512

_DIGEST_BYTES, _NUMBER_BYTES = 8, 7
_HEAD = Struct(">IH")
_EPOCH = dt.date(1970, 1, 1)

#: Look-ups in one round trip.
_LOOKUPS_AT_ONCE = 2000


def packed(text: IndexedText) -> bytes:
    """The entry of a sender's list: second of the first report, day, recipient, and id."""
    head = _HEAD.pack(int(text.begun.timestamp()), (text.indexed_on - _EPOCH).days)
    return head + _packed_number(text.recipient) + text.message_id.encode("utf-8", "surrogatepass")


def packed_by_id(keys: KeySchema, shard: int, text: IndexedText) -> tuple[str, bytes]:
    """The key of a text's entry by message id, and the entry: a digest of the id, both numbers."""
    digest, bucket = _digest(text.message_id)
    week = (text.indexed_on - _EPOCH).days // 7
    pair = _packed_number(text.sender) + _packed_number(text.recipient)
    return keys.message_ids(shard, week, bucket), digest + pair


def _digest(message_id: str) -> tuple[bytes, int]:
    """A digest of an id in any spelling, and its bucket."""
    plain = normalise_message_id(message_id).encode("utf-8", "surrogatepass")
    digest = blake2b(plain, digest_size=_DIGEST_BYTES + 2).digest()
    return digest[2:], int.from_bytes(digest[:2]) % _BUCKETS


def _packed_number(number: Msisdn) -> bytes:
    return int(number.digits).to_bytes(_NUMBER_BYTES)  # E.164 has at most 15 digits


def _number(raw: bytes) -> Msisdn:
    return Msisdn(f"+{int.from_bytes(raw)}")


class RedisTextIndex:
    """Finds subscribers' texts. Every method raises StoreUnavailableError."""

    def __init__(
        self, connection: RedisConnection, keys: KeySchema, kept_seconds: Callable[[], int] = int
    ) -> None:
        """``kept_seconds`` is the retention of traces."""
        self._connection, self._keys, self._kept_seconds = connection, keys, kept_seconds

    def texts_of(self, sender: Msisdn) -> list[IndexedText]:
        """The indexed texts of one sender, oldest first, in one round trip."""
        (found,) = self._connection.execute(("LRANGE", self._keys.texts(sender), 0, -1))
        return [_unpacked(sender, raw) for raw in found]

    def newest_texts_of(self, sender: Msisdn, limit: int, skip: int = 0) -> list[IndexedText]:
        """The texts of one sender behind the newest ``skip``, newest first, in one round trip."""
        window = (-skip - limit, -skip - 1)
        (found,) = self._connection.execute(("LRANGE", self._keys.texts(sender), *window))
        return [_unpacked(sender, raw) for raw in reversed(found)]

    def texts_between(
        self, sender: Msisdn, recipient: Msisdn, around: dt.datetime | None, limit: int
    ) -> list[IndexedText]:
        """The newest texts of a pair, or those nearest to a time, in one round trip.

        Of thousands of entries only these are decoded.
        """
        (found,) = self._connection.execute(("LRANGE", self._keys.texts(sender), 0, -1))
        wanted, end = _packed_number(recipient), _HEAD.size + _NUMBER_BYTES
        own = [raw for raw in reversed(found) if raw[_HEAD.size : end] == wanted]
        if around is not None:
            second = around.timestamp()
            own = nsmallest(limit, own, key=lambda raw: abs(_HEAD.unpack_from(raw)[0] - second))
        return [_unpacked(sender, raw) for raw in own[:limit]]

    def numbers_of(self, message_id: str, today: dt.date) -> list[tuple[Msisdn, Msisdn]]:
        """Sender and recipient of each text with this id, in any spelling of the id.

        ``today`` is the day by the machine's clock.

        One look-up a shard and week, thousands of them in a round trip.
        """
        digest, bucket = _digest(message_id)
        last = (today - _EPOCH).days // 7
        weeks = (self._kept_seconds() + MARGIN_SECONDS) // WEEK_SECONDS + 1
        commands = [
            ("HGET", self._keys.message_ids(shard, week, bucket), digest)
            for week in range(last - weeks, last + 1)
            for shard in range(self._keys.shards)
        ]
        found: dict[tuple[Msisdn, Msisdn], None] = {}
        for start in range(0, len(commands), _LOOKUPS_AT_ONCE):
            for reply in self._connection.execute(*commands[start : start + _LOOKUPS_AT_ONCE]):
                found |= dict.fromkeys(_pairs(reply or b""))
        return list(found)


def _pairs(raw: bytes) -> Iterator[tuple[Msisdn, Msisdn]]:
    for start in range(0, len(raw), 2 * _NUMBER_BYTES):
        sender, recipient = raw[start:][:_NUMBER_BYTES], raw[start + _NUMBER_BYTES :]
        yield _number(sender), _number(recipient[:_NUMBER_BYTES])


def _unpacked(sender: Msisdn, raw: bytes) -> IndexedText:
    second, day = _HEAD.unpack_from(raw)
    recipient = raw[_HEAD.size :][:_NUMBER_BYTES]
    message_id = raw[_HEAD.size + _NUMBER_BYTES :]
    return IndexedText(
        sender,
        _number(recipient),
        message_id.decode("utf-8", "surrogatepass"),
        dt.datetime.fromtimestamp(second, dt.UTC),
        _EPOCH + dt.timedelta(days=day),
    )
