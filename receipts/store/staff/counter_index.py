"""Acts at counters by day, written with each act's audit entry."""

import datetime as dt
import re
from collections.abc import Sequence

from receipts.model.counter import CounterActReference
from receipts.store.codec import decode
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema

_SERIAL = re.compile(r"([0-9]{8})-([0-9A-F]{1,4}-[0-9A-Z]{4,20})-[1-9][0-9]{0,3}", re.ASCII)


class RedisCounterIndex:
    """Lists of acts at counters. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def acts(self, shop: str, days: Sequence[dt.date]) -> list[CounterActReference]:
        """The acts of a shop on some days in China in one round trip, oldest first."""
        shards = range(self._keys.shards)
        keys = [self._keys.counter_acts(shard, day, shop) for day in days for shard in shards]
        replies = self._connection.execute(*(("LRANGE", key, 0, -1) for key in keys))
        found = [decode(CounterActReference, raw) for reply in replies for raw in reply]
        # An act with several audit entries counts once.
        return sorted({act.serial: act for act in found}.values(), key=lambda act: act.at)

    def act(self, serial: str) -> CounterActReference | None:
        """The act with this serial number; None for an unknown one."""
        parts = _SERIAL.fullmatch(serial)
        if parts is None:
            return None
        shard = self._keys.shard_of_receipt(parts[2].lower())
        try:
            day = dt.datetime.strptime(parts[1], "%Y%m%d").date()  # noqa: DTZ007 - a day alone
        except ValueError:
            return None
        if shard is None:
            return None
        (raw,) = self._connection.execute(("HGET", self._keys.counter_forms(shard, day), serial))
        return None if raw is None else decode(CounterActReference, raw)
