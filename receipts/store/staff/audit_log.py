"""Logs of a month over all shards, a page or a part at a time."""

import re
from collections.abc import Callable
from typing import Any

from receipts.model.charge import AuditEntry, StaffLookup
from receipts.model.staff import StaffAct
from receipts.ports.audit_log import LogKind, LogPage, LogRecord
from receipts.store.codec import decode
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.staff.script import acts_key

_TYPES: dict[LogKind, type[Any]] = {
    LogKind.ACTS: StaffAct,
    LogKind.LOOKUPS: StaffLookup,
    LogKind.AUDIT: AuditEntry,
}

#: Records of one round trip over all shards, and round trips of one page.
_A_ROUND, _ROUNDS = 800, 12

#: Records of one round trip of a part.
_BATCH = 500

#: Place in the order of an export: the shard, and the id of the last entry before.
_BEGIN = re.compile(r"([0-9]{1,4})_([0-9]{1,16}-[0-9]{1,16})", re.ASCII)


class RedisAuditLog:
    """Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def _names(self, kind: LogKind, month: str) -> list[str]:
        shards = range(self._keys.shards)
        if kind is LogKind.ACTS:
            return [acts_key(month)]
        if kind is LogKind.LOOKUPS:
            return [self._keys.lookups(shard, month) for shard in shards]
        return [self._keys.audit(shard, month) for shard in shards]

    def newest(
        self,
        kind: LogKind,
        month: str,
        fits: Callable[[LogRecord], bool],
        limit: int,
        before: int | None = None,
    ) -> LogPage:
        """The newest records that fit; see the port."""
        names, record_type = self._names(kind, month), _TYPES[kind]
        found: list[tuple[int, LogRecord]] = []
        end = before
        for _ in range(_ROUNDS):
            whole, end = self._round(names, end)
            decoded = ((at, decode(record_type, raw)) for at, raw in whole)
            found += [(at, record) for at, record in decoded if fits(record)]
            if end is None or len(found) >= limit:
                break
        if len(found) > limit:
            # Records of one moment stay together, since the next page begins before it.
            last = found[limit - 1][0]
            found = [each for each in found if each[0] >= last]
            end = last - 1
        return LogPage(tuple(record for _, record in found), end)

    def _round(
        self, names: list[str], end: int | None
    ) -> tuple[list[tuple[int, bytes]], int | None]:
        """The records before a moment that are surely whole, newest first, and the next moment."""
        count = max(5, _A_ROUND // len(names))
        until = "+" if end is None else str(end)
        replies = self._connection.execute(
            *(("XREVRANGE", name, until, "-", "COUNT", count) for name in names)
        )
        # A shard with more records hides those at and before its last moment.
        hidden = [_milliseconds(reply[-1]) for reply in replies if len(reply) == count]
        horizon = max(hidden, default=-1)
        entries = [
            (at, entry[1][1])
            for reply in replies
            for entry in reply
            if (at := _milliseconds(entry)) > horizon
        ]
        newest_first = sorted(entries, key=lambda entry: -entry[0])
        if horizon == end:
            # One moment fills the round: step over it, or the page would never end.
            return newest_first, horizon - 1
        return newest_first, None if horizon < 0 else horizon

    def count(self, kind: LogKind, month: str) -> int:
        """The number of records of a month."""
        return sum(self._connection.execute(*(("XLEN", name) for name in self._names(kind, month))))

    def part(
        self, kind: LogKind, month: str, begin: str, limit: int
    ) -> tuple[list[LogRecord], str]:
        """Up to ``limit`` records of a month; see the port."""
        names, record_type = self._names(kind, month), _TYPES[kind]
        place = _BEGIN.fullmatch(begin)
        shard, after = (int(place[1]), place[2]) if place else (0, "0-0")
        found: list[LogRecord] = []
        while shard < len(names):
            wanted = min(_BATCH, limit - len(found))
            if not wanted:
                return found, f"{shard}_{after}"
            step = ("XRANGE", names[shard], f"({after}", "+", "COUNT", wanted)
            (entries,) = self._connection.execute(step)
            found += [decode(record_type, fields[1]) for _, fields in entries]
            if len(entries) < wanted:
                shard, after = shard + 1, "0-0"
            else:
                after = entries[-1][0].decode()
        return found, ""


def _milliseconds(entry: Any) -> int:  # noqa: ANN401 - a reply of the server
    return int(entry[0].partition(b"-")[0])
