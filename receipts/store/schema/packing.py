"""The step to schema version 3: records of JSON become packed ones."""

from collections.abc import Callable, Iterator, Sequence

from receipts.model.charge import Charge
from receipts.store.bulk import BATCH, RedisBulkReader
from receipts.store.check.parts import parts, scanned
from receipts.store.check.shapes import CHARGES, RECEIPTS, Named, RecordReader, named
from receipts.store.codec import StoredCharge, decode, encode_record, pack
from receipts.store.connection import RedisConnection
from receipts.store.keys import LISTED_BYTES, KeySchema
from receipts.store.pipeline import Command


def pack_records(
    connection: RedisConnection, keys: KeySchema, progress: Callable[[float], None]
) -> None:
    """Pack all records and charges that are JSON still; packed ones stay, so it may run again.

    No packed value begins with a brace. Keys of receipts get their shorter names. Keys keep their
    expiry, and one that has expired meanwhile is not made again.
    """
    cursor = 0
    while True:
        cursor, names = connection.scan(cursor, "*", BATCH)
        known = [each for name in names if (each := named(name))]
        connection.execute(*_records(connection, keys, known))
        for part in (_charges, _lists):
            connection.execute(*part(connection, known))
        progress(RedisBulkReader.passed(cursor))
        if cursor == 0:
            return


def _records(
    connection: RedisConnection, keys: KeySchema, known: Sequence[Named]
) -> Iterator[Command]:
    records = [each for each in known if isinstance(each.shape.read, RecordReader)]
    for each, raw in zip(records, connection.values([each.key for each in records]), strict=True):
        key: str | bytes = each.key
        if each.shape.read is RECEIPTS:
            key = keys.receipt(each.shard, keys.named_receipt(each.shard, each.match["receipt"]))
            if key.encode() != each.key:
                yield ("COPY", each.key, key)
                yield ("UNLINK", each.key)
        version, _, body = (raw or b"").partition(b"|")
        if body.startswith(b"{") and isinstance(each.shape.read, RecordReader):
            packed = encode_record(decode(each.shape.read.kind, body), int(version))
            yield ("SET", key, packed, "XX", "KEEPTTL")


def _charges(connection: RedisConnection, known: Sequence[Named]) -> Iterator[Command]:
    for each in known:
        if each.shape.read is CHARGES:
            for charge_id, raw in scanned(connection, "HSCAN", each.key):
                if raw.startswith(b"{"):
                    packed = pack(StoredCharge.of(decode(Charge, raw)))
                    yield ("HSET", each.key, charge_id, packed)


def _lists(connection: RedisConnection, known: Sequence[Named]) -> Iterator[Command]:
    """Pack the entries of lists of receipts in their places."""
    for each in known:
        if each.match.string.startswith("receipts:") and each.shard >= 0:
            for index, entry in enumerate(parts(connection, each)):
                if len(entry) != LISTED_BYTES:
                    yield ("LSET", each.key, index, KeySchema.listed(entry.decode()))
