"""The outbox: two streams a shard, read by all workers as one group; timers beside them.

What a line has no room for waits in a sorted set by age, and comes back by the late stream.
"""

import datetime as dt
import time
from collections.abc import Iterable
from importlib.resources import files
from operator import itemgetter
from typing import Any

import redis

from receipts.lines import Waiting
from receipts.model import Msisdn
from receipts.ports import Posted, StoreUnavailable, Timer
from receipts.store.keys import GROUP, Keys
from receipts.store.server import Command, Server

_LATE = files("receipts.store").joinpath("late.lua").read_text()

#: Timers of one shard that are looked at together, however many shards there are.
_A_FEW = 8

#: How often, in seconds, to look into streams that no single wait can cover.
_LOOK = 0.1

#: The server waits by the millisecond.
_SHORTEST = 0.001

#: Entries of a stream: each its name, and the names and values in it.
_Entries = list[tuple[bytes, list[bytes]]]


class RedisOutbox:
    """What waits to be sent, and what time alone will bring."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server, self._client, self._keys = server, server.client, keys
        # The same in every question.
        self._fresh = [keys.outbox(shard) for shard in range(keys.shards)]
        self._timers = [keys.timers(shard) for shard in range(keys.shards)]

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
        for shard, late in self._streams():
            self._make_group(self._keys.outbox(shard, late=late))

    def _streams(self) -> list[tuple[int, bool]]:
        return [(shard, late) for late in (False, True) for shard in range(self._keys.shards)]

    def _make_group(self, stream: str) -> None:
        # One at a time: that a group is there already must not keep the others from being made.
        def ask() -> None:
            try:
                self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except redis.ResponseError as already:
                if "BUSYGROUP" not in str(already):
                    raise

        self._server.ask(ask)

    def _each(self, limit: int) -> int:
        """The share of one stream in a limit: the server counts for each stream by itself."""
        return max(1, limit // self._keys.shards)

    def take(self, worker: str, limit: int, wait: float) -> list[Posted]:
        """Fresh entries of the outbox for this worker; waits at most ``wait`` seconds."""
        asked: Command = ("XREADGROUP", "GROUP", GROUP, worker, "COUNT", self._each(limit))
        if self._server.replicated:
            found = self._looked_through(asked, wait)
        else:
            # To the server, a wait of 0 is for ever.
            block = ("BLOCK", int(wait * 1000)) if wait >= _SHORTEST else ()
            whole = (*asked, *block, "STREAMS", *self._fresh, *[">"] * len(self._fresh))
            found = [pair for reply in self._server.talk(whole) for pair in _pairs(reply)]
        return [
            Posted(_shard_of(stream), entry.decode(), fields[1].decode())
            for stream, entries in found
            for entry, fields in entries
        ]

    def _looked_through(self, asked: Command, wait: float) -> list[tuple[bytes, _Entries]]:
        """Streams on several nodes, which no single wait can cover: each is looked at in turn."""
        until = time.monotonic() + wait
        while True:
            replies = self._server.talk(*((*asked, "STREAMS", name, ">") for name in self._fresh))
            found = [pair for reply in replies for pair in _pairs(reply)]
            if found or time.monotonic() >= until:
                return found
            time.sleep(_LOOK)

    def take_late(
        self, worker: str, lane: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[Posted]:
        """Receipts that wait for a line, for this worker: the newest, and the oldest."""
        shares = self._shares(lane, limit, fresh, since)
        asked: list[Command] = []
        for shard, (newest, oldest) in shares.items():
            names = (self._keys.waiting(shard, lane), self._keys.outbox(shard, late=True))
            asked.append(("EVAL", _LATE, len(names), *names, GROUP, worker, oldest, *newest))
        return [
            Posted(shard, entry.decode(), fields[1].decode(), late=True)
            for shard, reply in zip(shares, self._server.talk(*asked), strict=True)
            for entry, fields in reply
        ]

    def _shares(
        self, lane: str, limit: int, fresh: int, since: dt.datetime | None
    ) -> dict[int, tuple[list[bytes], int]]:
        """What to take from each shard: these of the newest, so many of the oldest."""
        young = since.timestamp() if since else 0

        ends: list[Command] = []
        for shard in range(self._keys.shards):
            key = self._keys.waiting(shard, lane)
            ends += (
                ("ZRANGE", key, 0, limit - 1, "WITHSCORES"),
                ("ZREVRANGEBYSCORE", key, "+inf", young, "WITHSCORES", "LIMIT", 0, fresh),
            )
        found = [_scored(reply) for reply in self._server.talk(*ends)]
        new = [(-at, n, name) for n, those in enumerate(found[1::2]) for name, at in those]
        old = [(at, n) for n, those in enumerate(found[::2]) for _, at in those]
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
        keys = [self._keys.waiting(shard, lane) for lane, shard in asked]
        ends: list[Command] = []
        for key in keys:
            ends += (("ZCARD", key), ("ZRANGE", key, 0, 0, "WITHSCORES"))
        found = self._server.talk(*ends)
        firsts = map(_scored, found[1::2])
        return [
            Waiting(lane, shard, count, dt.datetime.fromtimestamp(first[0][1], dt.UTC))
            for (lane, shard), count, first in zip(asked, found[::2], firsts, strict=True)
            if first
        ]

    def queued(self) -> list[Waiting]:
        """What no worker has taken yet or some worker has in hand; ages by the server's clock."""
        asked = self._streams()
        ends: list[Command] = []
        for shard, late in asked:
            name = self._keys.outbox(shard, late=late)
            ends += (("XLEN", name), ("XRANGE", name, "-", "+", "COUNT", 1))
        found = self._server.talk(*ends)
        return [
            Waiting("late" if late else "outbox", shard, count, _moment(first[0][0]))
            for (shard, late), count, first in zip(asked, found[::2], found[1::2], strict=True)
            if first
        ]

    def take_over(self, worker: str, idle: float, limit: int) -> list[Posted]:
        """Entries that a worker silent for ``idle`` seconds still held."""
        streams = self._streams()
        names = [self._keys.outbox(shard, late=late) for shard, late in streams]
        whose = (GROUP, worker, int(idle * 1000), "0-0", "COUNT", self._each(limit))
        replies = self._server.talk(*(("XAUTOCLAIM", name, *whose) for name in names))
        return [
            Posted(shard, entry.decode(), fields[1].decode(), late)
            for (shard, late), reply in zip(streams, replies, strict=True)
            for entry, fields in reply[1]
        ]

    def keep(self, worker: str, entries: Iterable[Posted]) -> None:
        """Say that these entries are still being worked on, so that nobody takes them over."""
        self._server.talk(
            *(
                ("XCLAIM", stream, GROUP, worker, 0, *held, "JUSTID")
                for stream, held in self._by_stream(entries).items()
            )
        )

    def forget(self, entries: Iterable[Posted]) -> None:
        """Drop entries whose receipt is no longer known."""
        asked: list[Command] = []
        for stream, held in self._by_stream(entries).items():
            asked += (("XACK", stream, GROUP, *held), ("XDEL", stream, *held))
        self._server.talk(*asked)

    def _by_stream(self, entries: Iterable[Posted]) -> dict[str, list[str]]:
        by_stream: dict[str, list[str]] = {}
        for posted in entries:
            stream = self._keys.outbox(posted.shard, late=posted.late)
            by_stream.setdefault(stream, []).append(posted.entry)
        return by_stream

    def due(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Timers whose moment has come, oldest first; they stay set until a commit rings them."""
        # Of a long queue each shard gives its share, and not all that is asked for.
        each = max(_A_FEW, self._each(limit))
        within = ("-inf", now.timestamp(), "BYSCORE", "LIMIT", 0, each, "WITHSCORES")
        replies = self._server.talk(*(("ZRANGE", key, *within) for key in self._timers))
        found = [pair for reply in replies for pair in _scored(reply)]
        found.sort(key=itemgetter(1))
        return [_timer(raw, score) for raw, score in found[:limit]]


def _moment(entry: bytes) -> dt.datetime:
    """When an entry was made: its id begins with the server's milliseconds."""
    return dt.datetime.fromtimestamp(int(entry.partition(b"-")[0]) / 1000, dt.UTC)


def _pairs(found: object) -> Iterable[tuple[bytes, _Entries]]:
    """The reply to XREADGROUP: pairs or, under RESP3, a mapping; nothing where nothing came."""
    if isinstance(found, dict):
        return found.items()
    return found if isinstance(found, list) else ()


def _scored(found: list[Any]) -> list[tuple[bytes, float]]:
    """Members with their scores: pairs of bytes and number under RESP3, else all in one row."""
    if found and isinstance(found[0], list):
        return [(name, at) for name, at in found]
    return [(name, float(at)) for name, at in zip(found[::2], found[1::2], strict=True)]


def _shard_of(stream: bytes) -> int:
    return int(stream[2 : stream.index(b"}")])


def _timer(raw: bytes, score: float) -> Timer:
    kind, number, subject = raw.decode().split("|", 2)
    return Timer(kind, Msisdn(number), subject, dt.datetime.fromtimestamp(score, dt.UTC))
