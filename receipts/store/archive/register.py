"""The store's notes of its archive: the folder's id, receipts by month, pending erasures."""

from collections.abc import Iterable, Sequence

from receipts.model.vocabulary import Msisdn
from receipts.store.codec import decode_pairs
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema

#: The id of the folder that belongs to the store, and the time of the last pass over it.
_NAME, _PASS = "note:archive", "note:archive-pass"


class ArchiveRegister:
    """The keys that stand for the archive. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def shard(self, number: Msisdn) -> int:
        """The shard of a customer."""
        return self._keys.shard(number)

    def shard_of_receipt(self, receipt_id: str) -> int | None:
        """The shard of a receipt; None for an id of another system."""
        return self._keys.shard_of_receipt(receipt_id)

    def name(self) -> str:
        """The id of the folder that belongs to the store; empty if nothing was archived yet."""
        (found,) = self._connection.execute(("GET", _NAME))
        return found.decode() if found else ""

    def adopt(self, name: str) -> None:
        """Make a folder the store's own."""
        self._connection.execute(("SET", _NAME, name))

    def last_pass(self) -> str:
        """The time of the last pass, as ``passed`` wrote it."""
        (found,) = self._connection.execute(("GET", _PASS))
        return found.decode() if found else ""

    def passed(self, at: str) -> None:
        """Note the time of a pass."""
        self._connection.execute(("SET", _PASS, at))

    def counts(self, shard: int) -> dict[str, int]:
        """The number of receipts that left a shard for each month's file and were not erased."""
        (reply,) = self._connection.execute(("HGETALL", self._keys.archived(shard)))
        return {month.decode(): int(count) for month, count in decode_pairs(reply)}

    def set_count(self, shard: int, month: str, count: int) -> None:
        """Correct that number, after an erasure; 0 for a month that was deleted."""
        key = self._keys.archived(shard)
        command = ("HSET", key, month, count) if count else ("HDEL", key, month)
        self._connection.execute(command)

    def pending(self, shard: int) -> list[Msisdn]:
        """Customers whose erasure is committed and does not reach the archive yet."""
        (found,) = self._connection.execute(("ZRANGE", self._keys.erasing(shard), 0, -1))
        return [Msisdn(raw.decode()) for raw in found]

    def shards_to_erase(self) -> list[int]:
        """Shards with such customers."""
        shards = range(self._keys.shards)
        keys = [self._keys.erasing(shard) for shard in shards]
        found = self._connection.execute(*(("EXISTS", key) for key in keys))
        return [shard for shard, exists in zip(shards, found, strict=True) if exists]

    def is_erasing(self, number: Msisdn) -> bool:
        """Whether a customer is one of them."""
        return bool(self.erasing([number]))

    def erasing(self, numbers: Iterable[Msisdn]) -> set[Msisdn]:
        """Those of some customers."""
        asked = list(dict.fromkeys(numbers))
        keys = [self._keys.erasing(self._keys.shard(each)) for each in asked]
        found = self._connection.execute(
            *(("ZSCORE", key, each) for key, each in zip(keys, asked, strict=True))
        )
        return {each for each, score in zip(asked, found, strict=True) if score is not None}

    def erased(self, shard: int, numbers: Sequence[Msisdn]) -> None:
        """End their erasure."""
        self._connection.execute(("ZREM", self._keys.erasing(shard), *numbers))
