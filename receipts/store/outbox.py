"""The outbox: two streams a shard, read by all workers as one group; timers beside them.

What a line has no room for waits in a sorted set by age, and comes back by the late stream.
"""

import datetime as dt
from collections.abc import Iterable
from importlib.resources import files
from operator import itemgetter
from typing import Any

import redis

from receipts.lines import Waiting
from receipts.model import Msisdn
from receipts.ports import Posted, StoreUnavailable, Timer
from receipts.store.keys import GROUP, Keys
from receipts.store.server import Server

_LATE = files("receipts.store").joinpath("late.lua").read_text()

#: Timers of one shard that are looked at together, however many shards there are.
_A_FEW = 8

_Entries = list[tuple[bytes, dict[bytes, bytes]]]


class RedisOutbox:
    """What waits to be sent, and what time alone will bring."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server, self._client, self._keys = server, server.client, keys

    def open(self) -> None:
        """Make the outbox ready.

        Raises StoreUnavailable, also when the store was filled with another number of shards.
        """
        shards = self._keys.shards
        found = self._server.ask(lambda: self._client.set("shards", shards, nx=True, get=True))
        if found is not None and int(found) != shards:
            raise StoreUnavailable(
                f"this store was filled with SHARDS={int(found)}: "
                f"start with that value (now {shards}), or with an empty store"
            )
        self._make_groups([self._keys.outbox(shard, late=late) for shard, late in self._streams()])

    def _streams(self) -> list[tuple[int, bool]]:
        return [(shard, late) for late in (False, True) for shard in range(self._keys.shards)]

    def _make_groups(self, streams: list[str]) -> None:
        """All asked in one go: a server waits for its disk once for all of them."""

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for stream in streams:
                pipe.xgroup_create(stream, GROUP, id="0", mkstream=True)
            return list(pipe.execute(raise_on_error=False))

        for made in self._server.ask(ask):
            if isinstance(made, redis.RedisError) and "BUSYGROUP" not in str(made):
                raise StoreUnavailable(f"the store did not answer: {made}") from made

    def _each(self, limit: int) -> int:
        """The share of one stream in a limit: the server counts for each stream by itself."""
        return max(1, limit // self._keys.shards)

    def take(self, worker: str, limit: int, wait: float) -> list[Posted]:
        """Fresh entries of the outbox for this worker; waits at most ``wait`` seconds."""
        streams: dict[Any, Any] = {
            self._keys.outbox(shard): ">" for shard in range(self._keys.shards)
        }
        block = int(wait * 1000) or None  # to the server, 0 is for ever
        each = self._each(limit)
        found = self._server.ask(
            lambda: self._client.xreadgroup(GROUP, worker, streams, count=each, block=block)
        )
        return [
            Posted(_shard_of(stream), entry.decode(), fields[b"id"].decode())
            for stream, entries in _pairs(found)
            for entry, fields in entries
        ]

    def take_late(
        self, worker: str, lane: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[Posted]:
        """Receipts that wait for a line, for this worker: the newest, and the oldest."""
        shares = self._shares(lane, limit, fresh, since)

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for shard, (newest, oldest) in shares.items():
                names = (self._keys.waiting(shard, lane), self._keys.outbox(shard, late=True))
                pipe.eval(_LATE, len(names), *names, GROUP, worker, oldest, *newest)
            return list(pipe.execute())

        return [
            Posted(shard, entry.decode(), fields[1].decode(), late=True)
            for shard, reply in zip(shares, self._server.ask(ask) if shares else [], strict=True)
            for entry, fields in reply
        ]

    def _shares(
        self, lane: str, limit: int, fresh: int, since: dt.datetime | None
    ) -> dict[int, tuple[list[bytes], int]]:
        """What to take from each shard: these of the newest, so many of the oldest."""
        young = since.timestamp() if since else 0

        def ask() -> list[list[tuple[bytes, float]]]:
            pipe = self._client.pipeline(transaction=False)
            for shard in range(self._keys.shards):
                key = self._keys.waiting(shard, lane)
                pipe.zrange(key, 0, limit - 1, withscores=True)
                pipe.zrevrangebyscore(key, "+inf", young, 0, fresh, withscores=True)
            return list(pipe.execute())

        found = self._server.ask(ask)
        new = [(-at, n, name) for n, ends in enumerate(found[1::2]) for name, at in ends]
        old = [(at, n) for n, ends in enumerate(found[::2]) for _, at in ends]
        shares: dict[int, tuple[list[bytes], int]] = {}
        for _, shard, name in sorted(new)[:fresh]:
            newest, oldest = shares.get(shard, ([], 0))
            shares[shard] = ([*newest, name], oldest)
        for _, shard in sorted(old)[: limit - min(len(new), fresh)]:
            newest, oldest = shares.get(shard, ([], 0))
            shares[shard] = (newest, oldest + 1)
        return shares

    def waiting(self, lanes: Iterable[str]) -> list[Waiting]:
        """What waits for these lines, shard by shard where anything does."""
        asked = [(lane, shard) for lane in lanes for shard in range(self._keys.shards)]

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for lane, shard in asked:
                pipe.zcard(self._keys.waiting(shard, lane))
                pipe.zrange(self._keys.waiting(shard, lane), 0, 0, withscores=True)
            return list(pipe.execute())

        found = self._server.ask(ask)
        return [
            Waiting(lane, shard, count, dt.datetime.fromtimestamp(oldest[0][1], dt.UTC))
            for (lane, shard), count, oldest in zip(asked, found[::2], found[1::2], strict=True)
            if oldest
        ]

    def queued(self) -> list[Waiting]:
        """What no worker has taken yet or some worker has in hand; ages by the server's clock."""
        asked = self._streams()

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for shard, late in asked:
                pipe.xlen(self._keys.outbox(shard, late=late))
                pipe.xrange(self._keys.outbox(shard, late=late), count=1)
            return list(pipe.execute())

        found = self._server.ask(ask)
        return [
            Waiting("late" if late else "outbox", shard, count, _moment(first[0][0]))
            for (shard, late), count, first in zip(asked, found[::2], found[1::2], strict=True)
            if first
        ]

    def take_over(self, worker: str, idle: float, limit: int) -> list[Posted]:
        """Entries that a worker silent for ``idle`` seconds still held."""
        each = self._each(limit)

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for shard, late in self._streams():
                stream = self._keys.outbox(shard, late=late)
                pipe.xautoclaim(stream, GROUP, worker, int(idle * 1000), count=each)
            return list(pipe.execute())

        return [
            Posted(shard, entry.decode(), fields[b"id"].decode(), late)
            for (shard, late), reply in zip(self._streams(), self._server.ask(ask), strict=True)
            for entry, fields in reply[1]
        ]

    def keep(self, worker: str, entries: Iterable[Posted]) -> None:
        """Say that these entries are still being worked on, so that nobody takes them over."""
        by_stream = self._by_stream(entries)

        def ask() -> None:
            pipe = self._client.pipeline(transaction=False)
            for stream, held in by_stream.items():
                pipe.xclaim(stream, GROUP, worker, 0, held, justid=True)
            pipe.execute()

        if by_stream:
            self._server.ask(ask)

    def forget(self, entries: Iterable[Posted]) -> None:
        """Drop entries whose receipt is no longer known."""
        by_stream = self._by_stream(entries)

        def ask() -> None:
            pipe = self._client.pipeline(transaction=False)
            for stream, held in by_stream.items():
                pipe.xack(stream, GROUP, *held)
                pipe.xdel(stream, *held)
            pipe.execute()

        if by_stream:
            self._server.ask(ask)

    def _by_stream(self, entries: Iterable[Posted]) -> dict[str, list[Any]]:
        by_stream: dict[str, list[Any]] = {}
        for posted in entries:
            stream = self._keys.outbox(posted.shard, late=posted.late)
            by_stream.setdefault(stream, []).append(posted.entry)
        return by_stream

    def due(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Timers whose moment has come, oldest first; they stay set until a commit rings them."""
        # Of a long queue each shard gives some more than its share, and not all that is asked for.
        each = min(limit, max(_A_FEW, 4 * limit // self._keys.shards))

        def ask() -> list[list[tuple[bytes, float]]]:
            pipe = self._client.pipeline(transaction=False)
            for shard in range(self._keys.shards):
                pipe.zrange(
                    self._keys.timers(shard),
                    "-inf",
                    now.timestamp(),
                    byscore=True,
                    offset=0,
                    num=each,
                    withscores=True,
                )
            return list(pipe.execute())

        found = [pair for shard in self._server.ask(ask) for pair in shard]
        found.sort(key=itemgetter(1))
        return [_timer(raw, score) for raw, score in found[:limit]]


def _moment(entry: bytes) -> dt.datetime:
    """When an entry was made: its id begins with the server's milliseconds."""
    return dt.datetime.fromtimestamp(int(entry.partition(b"-")[0]) / 1000, dt.UTC)


def _pairs(found: object) -> list[tuple[bytes, _Entries]]:
    """The reply to XREADGROUP, which the client gives as a list or, under RESP3, as a mapping."""
    if isinstance(found, dict):
        return [(stream, runs[0] if runs else []) for stream, runs in found.items()]
    return list(found) if isinstance(found, list) else []


def _shard_of(stream: bytes) -> int:
    return int(stream[2 : stream.index(b"}")])


def _timer(raw: bytes, score: float) -> Timer:
    kind, number, subject = raw.decode().split("|", 2)
    return Timer(kind, Msisdn(number), subject, dt.datetime.fromtimestamp(score, dt.UTC))
