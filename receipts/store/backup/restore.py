"""Write the keys of a backup into a store that no process uses."""

from collections.abc import Iterable, Iterator
from typing import Any

import anycrc
import redis
from redis.cluster import RedisCluster

from receipts.ports.store import StoreUnavailableError
from receipts.store.backup.rdb import KeyRecord
from receipts.store.connection import RedisConnection
from receipts.store.keys import STAMP, KeySchema
from receipts.store.pipeline import Command
from receipts.store.schema.stamp import RESTORING, Stamp, read_stamp, write_stamp

_CRC64: Any = anycrc.Model("CRC64-REDIS")

#: Keys, and bytes of their values, that one round trip writes.
_KEYS_AT_ONCE, _BYTES_AT_ONCE = 500, 4_000_000

#: Types of values from here on need version 11 of the format, all others version 10. The least one
#: lets a store move to another server: Redis 7.2 and later, or any Valkey.
_VERSION_11_TYPES = 20

#: Sessions of staff end with a restore: one may have been ended after the backup.
_LEFT_OUT = (STAMP.encode(), b"{staff}:session:")


def is_half_restored(connection: RedisConnection) -> bool:
    """Whether a restore into this store was interrupted. Raises StoreUnavailableError."""
    return read_stamp(connection).schema == RESTORING


def is_empty(connection: RedisConnection) -> bool:
    """Whether the store has no key at all. Raises StoreUnavailableError."""
    return connection.run(lambda: not any(each.dbsize() for each in connection.primaries()))


def empty(connection: RedisConnection, shards: int) -> None:
    """Delete all keys and mark the store as half restored. Raises StoreUnavailableError.

    From the first deletion on the store is marked, so that no process starts on a part of it.
    """
    mark = Stamp(RESTORING, str(shards))
    write_stamp(connection, mark)
    words = {"schema": mark.schema, "shards": mark.shards}

    def flush() -> None:
        owner = _owner(connection)
        for each in connection.primaries():
            if each is not owner:
                each.flushdb()
        # In one transaction: at no moment the store is empty without its mark.
        pipeline: Any = owner.pipeline(transaction=True)
        pipeline.flushdb()
        pipeline.hset(STAMP, mapping=words)
        pipeline.execute()

    connection.run(flush)


def _owner(connection: RedisConnection) -> "redis.Redis":
    """The client of the primary that has the stamp."""
    client = connection.client
    if isinstance(client, RedisCluster):
        cluster: Any = client
        found: redis.Redis = cluster.get_redis_connection(cluster.get_node_from_key(STAMP))
        return found
    return client


def write(connection: RedisConnection, records: Iterable[KeyRecord]) -> Iterator[int]:
    """Write keys with their ends; yields the number of keys passed after each round trip.

    Raises StoreUnavailableError.
    """
    batch, size, passed = list[Command](), 0, 0
    for record in records:
        passed += 1
        if record.key.startswith(_LEFT_OUT):
            continue
        batch.append(_restoring(record))
        size += len(record.value)
        if len(batch) == _KEYS_AT_ONCE or size > _BYTES_AT_ONCE:
            connection.execute(*batch)
            batch, size = [], 0
            yield passed
    connection.execute(*batch)
    yield passed


def _restoring(record: KeyRecord) -> Command:
    version = 11 if record.value[0] >= _VERSION_11_TYPES else 10
    body = record.value + version.to_bytes(2, "little")
    payload = body + int(_CRC64.calc(body)).to_bytes(8, "little")
    return ("RESTORE", record.key, record.expires_ms, payload, "REPLACE", "ABSTTL")


def settle(connection: RedisConnection, keys: KeySchema) -> None:
    """Return once replicas, where there are some, have all keys. Raises StoreUnavailableError."""
    if connection.replicated:
        one = connection.has_one_primary
        names = ["settled"] if one else [keys.tagged(n, "settled") for n in range(keys.shards)]
        # A SET is confirmed by replicas, together with all that its connection wrote before.
        connection.execute(*(("SET", name, 1) for name in names))


def require_target(connection: RedisConnection, *, replace: bool) -> None:
    """Raises StoreUnavailableError unless a restore may fill this store."""
    if not replace and not is_half_restored(connection) and not is_empty(connection):
        raise StoreUnavailableError(
            "the store is not empty: name an empty one in REDIS_URL or DATA_DIR, or replace all "
            "its data by --replace"
        )
