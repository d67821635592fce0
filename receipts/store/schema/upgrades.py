"""The steps from one schema version to the next. Each may be interrupted, and run again."""

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from receipts.model.figure import STANDING, STATE
from receipts.store.bulk import RedisBulkReader
from receipts.store.codec import decode_pairs
from receipts.store.connection import RedisConnection
from receipts.store.keys import SCHEMA_VERSION, KeySchema
from receipts.store.pipeline import Command
from receipts.store.schema.packing import pack_records
from receipts.store.schema.stamp import (
    UPGRADING,
    check_shards,
    check_version,
    read_stamp,
    write_stamp,
)
from receipts.subscriptions.decision import standing_figure

#: Takes the share of a step that is done, from 0 to 1.
Progress = Callable[[float], None]

Step = Callable[[RedisConnection, KeySchema, Progress], None]


def upgrade(connection: RedisConnection, keys: KeySchema, progress: Progress) -> int:
    """Bring a store that no process uses to this release's version; the version it had.

    Raises StoreUnavailableError, also for a store that this release cannot upgrade.
    """
    stamp = read_stamp(connection)
    found = stamp.version
    if found is None or not 1 <= found <= SCHEMA_VERSION:
        check_version(stamp)
        return SCHEMA_VERSION
    check_shards(stamp.shards, keys.shards)
    for version in range(found, SCHEMA_VERSION):
        # No release starts on a store between two versions.
        write_stamp(connection, replace(stamp, schema=f"{UPGRADING}{version}"))
        STEPS[version](connection, keys, progress)
        write_stamp(connection, replace(stamp, schema=str(version + 1)))
    return found


def upgrade_records(
    connection: RedisConnection, keys: KeySchema, found: int, progress: Progress
) -> None:
    """Take all steps from a version on, and leave the stamp. Raises StoreUnavailableError."""
    for version in range(found, SCHEMA_VERSION):
        STEPS[version](connection, keys, progress)


def count_customers(connection: RedisConnection, keys: KeySchema, progress: Progress) -> None:
    """Count customers by tariff and state anew, in place of their changes since an upgrade.

    Releases before this figure left it without the customers that they had. The sums are absolute:
    a second run writes the same. A million numbers take about 70 MB while it runs.
    """
    counted, seen = Counter[tuple[int, str]](), set[int]()
    for cursor, customers in RedisBulkReader(connection, keys).customers():
        for customer in customers:
            number = int(customer.number.digits)
            # SCAN may return a key twice.
            if number not in seen and (name := standing_figure(customer)):
                counted[keys.shard(customer.number), name] += 1
            seen.add(number)
        progress(RedisBulkReader.passed(cursor))
    for shard in range(keys.shards):
        connection.execute(*_new_sums(connection, keys, shard, counted))


def _new_sums(
    connection: RedisConnection, keys: KeySchema, shard: int, counted: Counter[tuple[int, str]]
) -> list[Command]:
    key = keys.figures(shard, STANDING)
    (reply,) = connection.execute(("HGETALL", key))
    old = [name.decode() for name, _ in decode_pairs(reply)]
    sums = {name: n for (at, name), n in counted.items() if at == shard}
    stale = [name for name in old if name.startswith(f"{STATE}|") and name not in sums]
    commands: list[Command] = [("HDEL", key, *stale)] if stale else []
    if sums:
        commands.append(("HSET", key, *(word for pair in sums.items() for word in pair)))
    return commands


def _pack_and_count(connection: RedisConnection, keys: KeySchema, progress: Progress) -> None:
    """Count customers, whose records this release reads once they are packed."""
    pack_records(connection, keys, progress)
    count_customers(connection, keys, progress)


#: The step that leads on from each version.
STEPS: dict[int, Step] = {1: _pack_and_count, 2: pack_records}
