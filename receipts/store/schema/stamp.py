"""The stamp of a store: schema version, number of shards, and the gap of a restore."""

from msgspec import Struct

from receipts.ports.restore_gap import RestoreGap
from receipts.ports.store import StoreUnavailableError
from receipts.store.codec import decode, encode
from receipts.store.connection import RedisConnection
from receipts.store.keys import SCHEMA_VERSION, STAMP, KeySchema

#: In place of a version, while a restore or an upgrade is under way: no release starts on it.
RESTORING, UPGRADING = "restoring", "upgrading from "


class Stamp(Struct, frozen=True):
    """A stamp as it is stored; ``schema`` is empty without one."""

    schema: str = ""
    shards: str = ""
    gap: RestoreGap | None = None

    @property
    def version(self) -> int | None:
        """The version of the records; None while it is unknown or the store is half restored."""
        number = self.schema.removeprefix(UPGRADING)
        return int(number) if number.isdigit() else None


def read_stamp(connection: RedisConnection) -> Stamp:
    """The stamp of a store. Raises StoreUnavailableError."""
    (found,) = connection.execute(("HMGET", STAMP, "schema", "shards", "gap"))
    schema, shards, gap = found
    return Stamp(
        (schema or b"").decode(),
        (shards or b"").decode(),
        None if gap is None else decode(RestoreGap, gap),
    )


def write_stamp(connection: RedisConnection, stamp: Stamp) -> None:
    """Write a stamp as one change. Raises StoreUnavailableError."""
    gap = () if stamp.gap is None else ("gap", encode(stamp.gap))
    words = ("schema", stamp.schema, "shards", stamp.shards)
    connection.execute(("HSET", STAMP, *words, *gap))


def stamp_or_check(connection: RedisConnection, keys: KeySchema) -> RestoreGap | None:
    """Stamp a new store, or check the stamp of a used one; the gap of its last restore.

    Raises StoreUnavailableError, also for another schema version or another number of shards.
    """
    # In this order: another process that opens the store now stamps it before it adds streams.
    (used,) = connection.execute(("EXISTS", keys.outbox(0)))
    stamp = read_stamp(connection)
    if used and not stamp.schema:
        raise _other_schema("no schema version: an earlier version filled it")
    if not stamp.schema:
        connection.execute(
            ("HSETNX", STAMP, "schema", str(SCHEMA_VERSION)),
            ("HSETNX", STAMP, "shards", str(keys.shards)),
        )
        stamp = read_stamp(connection)
    check_version(stamp)
    check_shards(stamp.shards, keys.shards)
    return stamp.gap


def check_version(stamp: Stamp) -> None:
    """Raises StoreUnavailableError unless this release can work on the store."""
    if stamp.schema == str(SCHEMA_VERSION):
        return
    if stamp.schema == RESTORING:
        raise StoreUnavailableError(
            "this store is half restored: run `sms-receipt restore FILE` again, to its end"
        )
    if stamp.version is None or stamp.version > SCHEMA_VERSION or stamp.version < 1:
        raise _other_schema(f"schema version {stamp.schema}")
    raise StoreUnavailableError(
        f"this store has schema version {stamp.version}, and this release needs "
        f"{SCHEMA_VERSION}: make a backup (`sms-receipt backup FILE`), stop all processes of the "
        "service, and run `sms-receipt store upgrade`"
    )


def check_shards(found: str, wanted: int) -> None:
    """Raises StoreUnavailableError for a store or backup with another number of shards."""
    if found != str(wanted):
        raise StoreUnavailableError(
            f"this store was created with SHARDS={found}; "
            f"start with that value (now {wanted}) or with an empty store"
        )


def _other_schema(found: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"this store has {found}, and this program needs schema version {SCHEMA_VERSION}. Stored "
        "data of a later release, or of one without versions, is not read: use the release that "
        "wrote it, or start with an empty DATA_DIR or another database in REDIS_URL"
    )
