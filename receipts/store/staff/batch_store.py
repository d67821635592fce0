"""Batches on Redis, beside the other acts of staff."""

from collections.abc import Callable, Sequence

from receipts.model.counter import Batch
from receipts.model.staff import StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.store.codec import decode_record, encode_record
from receipts.store.connection import RedisConnection
from receipts.store.staff.script import StaffScript

_BATCHES = "{staff}:batches"
_MOST_BATCHES = 1000

#: The numbers are kept longer than a batch may wait; the customers' records have the rest.
_NUMBERS_KEPT_SECONDS = 60 * 86_400


def _batch_key(batch_id: str) -> str:
    return f"{{staff}}:batch:{batch_id}"


def _numbers_key(batch_id: str) -> str:
    return f"{{staff}}:batch-numbers:{batch_id}"


class RedisBatchStore:
    """Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, log_seconds: Callable[[], int]) -> None:
        """``log_seconds`` is the retention of batches and acts."""
        self._connection, self._log_seconds = connection, log_seconds

    def batch(self, batch_id: str) -> Batch | None:
        """One batch; None for an unknown id."""
        return decode_record(Batch, self._raw(_batch_key(batch_id)))

    def latest(self, limit: int) -> list[Batch]:
        """The newest batches of all shops."""
        (ids,) = self._connection.execute(("LRANGE", _BATCHES, 0, limit - 1))
        found = self._connection.values([_batch_key(raw.decode()) for raw in ids])
        return [each for raw in found if (each := decode_record(Batch, raw))]

    def numbers(self, batch_id: str) -> list[Msisdn] | None:
        """The numbers of a batch in their order; None once they are no longer kept."""
        raw = self._raw(_numbers_key(batch_id))
        return None if raw is None else [Msisdn(each) for each in raw.decode().split()[1:]]

    def save(
        self, batch: Batch, act: StaffAct | None = None, numbers: Sequence[Msisdn] | None = None
    ) -> bool:
        """Save the next revision, with a line of the log, and the numbers of a new batch."""
        script, seconds = StaffScript(), self._log_seconds()
        key, record = _batch_key(batch.id), encode_record(batch, batch.revision)
        script.add("save", key, seconds, record)
        if numbers is not None:
            # The leading version is that of all records that the script saves.
            kept = " ".join(("1", *numbers))
            script.add("save", _numbers_key(batch.id), _NUMBERS_KEPT_SECONDS, kept)
            script.add("list", _BATCHES, _MOST_BATCHES, batch.id)
        if act is not None:
            script.act(act, seconds)
        (reply,) = self._connection.execute(script.command)
        # After a lost connection the script may run twice, and then finds its own record.
        return bool(reply[0][0] == b"done") or self._raw(key) == record

    def _raw(self, key: str) -> bytes | None:
        (raw,) = self._connection.execute(("GET", key))
        return None if raw is None else bytes(raw)
