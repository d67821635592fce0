"""The outbox: two streams a shard, read by all workers as one consumer group, and timers.

A receipt that a rate limit defers waits in a sorted set by age, and returns by the late stream.
"""

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from receipts.ports.changes import OutboxEntry, Timer
from receipts.ports.restore_gap import RestoreGap
from receipts.ports.store import Backlog, StoreUnavailableError
from receipts.store.codec import decode_pairs, decode_scores, decode_timer
from receipts.store.connection import RedisConnection
from receipts.store.keys import GROUP, KeySchema
from receipts.store.pipeline import Command, load_script
from receipts.store.schema.stamp import stamp_or_check

_LATE_SHA = load_script("late.lua")

#: Due timers read of one shard at least, at any number of shards.
_TIMERS_PER_SHARD = 8

#: Pause between two looks at streams that one blocking read cannot cover, and the shorter one for
#: some time after a look that has found entries.
_POLL_SECONDS, _BUSY_POLL_SECONDS, _BUSY_FOR_SECONDS = 0.1, 0.02, 2.0


class RedisOutbox:
    """Receipts to be sent, and timers. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys
        # Prepared, as each fetch uses them.
        self._fresh = [keys.outbox(shard) for shard in range(keys.shards)]
        self._timers = [keys.timers(shard) for shard in range(keys.shards)]
        self._found_at = 0.0

    def open(self) -> RestoreGap | None:
        """Stamp a new store, or check the stamp of a used one, and make the consumer groups.

        Returns the gap of its last restore. Raises StoreUnavailableError, also for another schema
        version or another number of shards.
        """
        gap = stamp_or_check(self._connection, self._keys)
        # One by one, as a pipeline would stop at the first group that exists.
        for stream in self._streams():
            try:
                self._connection.execute(("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM"))
            except StoreUnavailableError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        if self._connection.replicated:
            # Stamp and groups are waited for as a commit is: no later one makes them again.
            marks = [self._keys.tagged(shard, "settled") for shard in range(self._keys.shards)]
            self._connection.execute(*(("SET", mark, 1) for mark in marks))
        return gap

    def _streams(self) -> dict[str, tuple[int, bool]]:
        """The shard of each stream, and whether it is the late one."""
        shards = range(self._keys.shards)
        every = [(shard, late) for late in (False, True) for shard in shards]
        return {self._keys.outbox(shard, late=late): (shard, late) for shard, late in every}

    def _each(self, limit: int) -> int:
        """The part of a limit for one stream: COUNT is per stream."""
        return max(1, limit // self._keys.shards)

    def fetch(self, worker: str, limit: int, timeout: float) -> list[OutboxEntry]:
        """New outbox entries for this worker; blocks at most ``timeout`` seconds."""
        request: Command = ("XREADGROUP", "GROUP", GROUP, worker, "COUNT", self._each(limit))
        deadline = time.monotonic()
        if not self._connection.has_one_primary:
            # One blocking read cannot cover several nodes.
            deadline += timeout
            requests = [(*request, "STREAMS", name, ">") for name in self._fresh]
        else:
            block_ms = int(timeout * 1000)
            block = ("BLOCK", block_ms) if block_ms else ()  # BLOCK 0 never ends
            requests = [(*request, *block, "STREAMS", *self._fresh, *[">"] * len(self._fresh))]
        while not (found := self._read(requests)) and (left := deadline - time.monotonic()) > 0:
            busy = time.monotonic() - self._found_at < _BUSY_FOR_SECONDS
            time.sleep(min(left, _BUSY_POLL_SECONDS if busy else _POLL_SECONDS))
        if found:
            self._found_at = time.monotonic()
        return [
            OutboxEntry(_shard_of(stream), entry.decode(), fields[1].decode())
            for stream, entries in found
            for entry, fields in entries
        ]

    def _read(self, requests: Iterable[Command]) -> list[tuple[bytes, Any]]:
        """Streams with entries: each its id, and its fields and values in one list."""
        replies = self._connection.execute(*requests)
        return [pair for reply in replies for pair in decode_pairs(reply)]

    def fetch_deferred(
        self, worker: str, queue: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[OutboxEntry]:
        """Deferred receipts of a queue for this worker: the newest, and the oldest."""
        shares = self._shares(queue, limit, fresh, since)
        request: list[Command] = []
        for shard, (newest, oldest) in shares.items():
            names = (self._keys.waiting(shard, queue), self._keys.outbox(shard, late=True))
            request.append(("EVALSHA", _LATE_SHA, 2, *names, GROUP, worker, oldest, *newest))
        return [
            OutboxEntry(shard, entry.decode(), fields[1].decode(), deferred=True)
            for shard, reply in zip(shares, self._connection.execute(*request), strict=True)
            for entry, fields in reply
        ]

    def _shares(
        self, queue: str, limit: int, fresh: int, since: dt.datetime | None
    ) -> dict[int, tuple[list[bytes], int]]:
        """By shard: the ids of the newest to take, and how many of the oldest."""
        young = since.timestamp() if since else 0
        ends: list[Command] = []
        for shard in range(self._keys.shards):
            key = self._keys.waiting(shard, queue)
            ends += (
                ("ZRANGE", key, 0, limit - 1, "WITHSCORES"),
                ("ZREVRANGEBYSCORE", key, "+inf", young, "WITHSCORES", "LIMIT", 0, fresh),
            )
        found = [decode_scores(reply) for reply in self._connection.execute(*ends)]
        new = [(-at, n, name) for n, those in enumerate(found[1::2]) for name, at in those]
        old = [(at, n) for n, those in enumerate(found[::2]) for _, at in those]
        newest: defaultdict[int, list[bytes]] = defaultdict(list)
        for _, shard, name in sorted(new)[:fresh]:
            newest[shard].append(name)
        oldest = Counter(shard for _, shard in sorted(old)[: limit - min(len(new), fresh)])
        return {shard: (newest[shard], oldest[shard]) for shard in (*newest, *oldest)}

    def backlog(self, queues: Iterable[str]) -> list[Backlog]:
        """The backlog of deferred receipts by queue and shard, empty ones left out."""
        shards = range(self._keys.shards)
        return self._aged((q, s, self._keys.waiting(s, q)) for q in queues for s in shards)

    def delayed(self) -> list[Backlog]:
        """The receipts that wait for another attempt by shard, empty ones left out."""
        shards = range(self._keys.shards)
        return self._aged(("delayed", shard, self._keys.retrying(shard)) for shard in shards)

    def _aged(self, sets: Iterable[tuple[str, int, str]]) -> list[Backlog]:
        """The size of each sorted set and the time of its first member: queue, shard, key."""
        request = list(sets)
        ends: list[Command] = []
        for _, _, key in request:
            ends += (("ZCARD", key), ("ZRANGE", key, 0, 0, "WITHSCORES"))
        found = self._connection.execute(*ends)
        firsts = map(decode_scores, found[1::2])
        return [
            Backlog(queue, shard, count, dt.datetime.fromtimestamp(first[0][1], dt.UTC))
            for (queue, shard, _), count, first in zip(request, found[::2], firsts, strict=True)
            if first
        ]

    def depth(self) -> list[Backlog]:
        """The depth of the streams, pending entries too; ages by the server's clock."""
        streams = self._streams()
        ends: list[Command] = []
        for name in streams:
            ends += (("XLEN", name), ("XRANGE", name, "-", "+", "COUNT", 1))
        found = self._connection.execute(*ends)
        measured = zip(streams.values(), found[::2], found[1::2], strict=True)
        return [
            Backlog("late" if late else "outbox", shard, count, _moment(first[0][0]))
            for (shard, late), count, first in measured
            if first
        ]

    def workers_idle_seconds(self) -> list[float]:
        """Seconds since each worker, ended ones too, last asked the store for work."""
        names = [self._keys.outbox(shard) for shard in range(self._keys.shards)]
        replies = self._connection.execute(*(("XINFO", "CONSUMERS", name, GROUP) for name in names))
        idle_ms: dict[bytes, int] = {}
        for worker in (dict(decode_pairs(each)) for reply in replies for each in reply):
            name, idle = worker[b"name"], int(worker[b"idle"])
            idle_ms[name] = min(idle, idle_ms.get(name, idle))
        return [idle / 1000 for idle in idle_ms.values()]

    def reclaim(self, worker: str, idle: float, limit: int) -> list[OutboxEntry]:
        """Reclaim entries whose lease was not renewed for ``idle`` seconds."""
        streams = self._streams()
        options = (GROUP, worker, int(idle * 1000), "0-0", "COUNT", self._each(limit))
        replies = self._connection.execute(*(("XAUTOCLAIM", name, *options) for name in streams))
        return [
            OutboxEntry(shard, entry.decode(), fields[1].decode(), late)
            for (shard, late), reply in zip(streams.values(), replies, strict=True)
            for entry, fields in reply[1]
        ]

    def renew_leases(self, worker: str, entries: Iterable[OutboxEntry]) -> None:
        """Renew the leases of these entries."""
        leased = self._by_stream(entries).items()
        claims = (("XCLAIM", name, GROUP, worker, 0, *ids, "JUSTID") for name, ids in leased)
        self._connection.execute(*claims)

    def discard(self, entries: Iterable[OutboxEntry]) -> None:
        """Discard entries whose receipt has expired."""
        request: list[Command] = []
        for stream, ids in self._by_stream(entries).items():
            request += (("XACK", stream, GROUP, *ids), ("XDEL", stream, *ids))
        self._connection.execute(*request)

    def _by_stream(self, entries: Iterable[OutboxEntry]) -> dict[str, list[str]]:
        by_stream: defaultdict[str, list[str]] = defaultdict(list)
        for entry in entries:
            by_stream[self._keys.outbox(entry.shard, late=entry.deferred)].append(entry.entry)
        return by_stream

    def due_timers(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Due timers, oldest first; each stays set until a commit fires it."""
        # Each shard gives its part of the limit, not all of it.
        each = max(_TIMERS_PER_SHARD, self._each(limit))
        within = ("-inf", now.timestamp(), "BYSCORE", "LIMIT", 0, each, "WITHSCORES")
        replies = self._connection.execute(*(("ZRANGE", key, *within) for key in self._timers))
        found = [pair for reply in replies for pair in decode_scores(reply)]
        found.sort(key=itemgetter(1))
        return [decode_timer(raw, score) for raw, score in found[:limit]]


def _moment(entry: bytes) -> dt.datetime:
    """The time of an entry: its id begins with the server's milliseconds."""
    return dt.datetime.fromtimestamp(int(entry.partition(b"-")[0]) / 1000, dt.UTC)


def _shard_of(stream: bytes) -> int:
    return int(stream[2 : stream.index(b"}")])
