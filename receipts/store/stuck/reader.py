"""Receipts that are due too long, in doubt or failed, from the indexes of all shards."""

import datetime as dt
from collections.abc import Sequence

from receipts.ports.clock import Clock
from receipts.ports.stuck import StuckPage, StuckReceipt
from receipts.store.codec import decode_scores
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import Command

#: Entries of one stream that are counted; a longer one counts as so many.
MOST_COUNTED = 1000


class RedisStuckReader:
    """Lists of stuck receipts. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def due(
        self, providers: Sequence[str], clock: Clock, age: dt.timedelta, skip: int, limit: int
    ) -> StuckPage:
        """Receipts of at least this age that are not sent yet, oldest first, in one round trip."""
        now, wall = clock.now(), clock.wall_clock()
        shards = range(self._keys.shards)
        streams = [self._keys.outbox(s, late=late) for s in shards for late in (False, True)]
        # An entry's id begins with the server's milliseconds; it stays until its receipt is sent.
        end = f"({int((wall - age).timestamp() * 1000)}"
        commands: list[Command] = [
            ("XRANGE", name, "-", end, "COUNT", MOST_COUNTED) for name in streams
        ]
        lists = [("", self._keys.retrying(shard)) for shard in shards]
        lists += [(name, self._keys.waiting(s, name)) for name in providers for s in shards]
        last = (now - age).timestamp()
        for _, key in lists:
            commands += (
                ("ZCOUNT", key, "-inf", last),
                ("ZRANGEBYSCORE", key, "-inf", last, "WITHSCORES", "LIMIT", 0, skip + limit),
            )
        replies = self._connection.execute(*commands)
        in_streams, in_lists = replies[: len(streams)], replies[len(streams) :]
        found = {
            name: StuckReceipt(name, now - (wall - at))
            for reply in in_streams
            for name, at in map(_of_stream, reply)
        }
        listed = 0
        for (provider, _), reply in zip(lists, in_lists[1::2], strict=True):
            for raw, at in decode_scores(reply):
                listed += 1
                found[raw.decode()] = StuckReceipt(raw.decode(), _moment(at), provider)
        ordered = sorted(found.values(), key=lambda each: (each.at, each.receipt_id))
        # A receipt may wait for a provider and for another attempt, but counts once.
        count = len(found) + sum(in_lists[::2]) - listed
        return StuckPage(count, ordered[skip : skip + limit])

    def unsure(self, skip: int, limit: int) -> StuckPage:
        """Receipts in doubt, by the time of their request, oldest first, in one round trip."""
        commands: list[Command] = []
        for shard in range(self._keys.shards):
            key = self._keys.unsure(shard)
            commands += (("ZCARD", key), ("ZRANGE", key, 0, skip + limit - 1, "WITHSCORES"))
        replies = self._connection.execute(*commands)
        found = sorted(
            (at, raw.decode()) for reply in replies[1::2] for raw, at in decode_scores(reply)
        )
        page = [StuckReceipt(name, _moment(at)) for at, name in found[skip : skip + limit]]
        return StuckPage(sum(replies[::2]), page)

    def failed(self) -> list[StuckReceipt]:
        """The newest failed receipts of each shard, newest first, in one round trip."""
        names = (self._keys.failures(shard) for shard in range(self._keys.shards))
        replies = self._connection.execute(*(("LRANGE", name, 0, -1) for name in names))
        entries = (raw.decode().split(" ", 3) for reply in replies for raw in reply)
        found = (
            StuckReceipt(name, _moment(float(at)), provider, code)
            for at, code, provider, name in entries
        )
        return sorted(found, key=lambda each: each.at, reverse=True)


def _of_stream(entry: tuple[bytes, list[bytes]]) -> tuple[str, dt.datetime]:
    """The receipt of an outbox entry, and the time by the server's clock when it came."""
    name, fields = entry
    return fields[1].decode(), _moment(int(name.partition(b"-")[0]) / 1000)


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
