"""Write a backup: the snapshot of each primary, while the service runs."""

from collections.abc import Callable
from typing import Any

from receipts.ports.store import StoreUnavailableError
from receipts.store.backup.archive import BackupWriter
from receipts.store.backup.snapshot import snapshot
from receipts.store.connection import RedisConnection

#: Keys between two calls of the progress function.
_REPORTED_EVERY = 1000


def copy_all(
    connection: RedisConnection, writer: BackupWriter, progress: Callable[[float], None]
) -> None:
    """Add all keys to a backup; ``progress`` takes the share that is done, from 0 to 1.

    A change has all its keys on one primary, and a snapshot has all of a change or none. Slots that
    move meanwhile could be in two snapshots or in none. Raises StoreUnavailableError.
    """
    slots = _slots(connection)
    primaries = connection.run(connection.primaries)
    for done, primary in enumerate(primaries):
        database = int(primary.get_connection_kwargs().get("db", 0))
        with snapshot(primary) as reader:
            for count, record in enumerate(reader.records(database)):
                writer.add(record)
                if count % _REPORTED_EVERY == 0:
                    share = min(1.0, count / max(reader.expected, 1))
                    progress((done + share) / len(primaries))
        progress((done + 1) / len(primaries))
    if _slots(connection) != slots:
        raise StoreUnavailableError("slots of the cluster moved meanwhile: make the backup again")


def _slots(connection: RedisConnection) -> list[tuple[str, str]]:
    """The slots of each primary of a cluster; empty for one server."""
    if connection.has_one_primary:
        return []
    (first, *_) = connection.run(connection.primaries)
    nodes: Any = connection.run(first.execute_command, "CLUSTER NODES")
    found = nodes.values()
    if any(each["migrations"] for each in found):
        raise StoreUnavailableError("slots of the cluster move: try again once they have moved")
    return sorted(
        (each["node_id"], str(each["slots"])) for each in found if "master" in each["flags"]
    )
