"""Batches on Redis, beside the other acts of staff."""

from collections.abc import Callable, Sequence

from receipts.model.calendar import month_of
from receipts.model.counter import Batch
from receipts.model.staff import StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.store.codec import decode_record, encode, encode_record
from receipts.store.commit_script import COMMIT_SHA
from receipts.store.connection import RedisConnection
from receipts.store.staff.staff_store import acts_key

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
        keys, seconds = [_batch_key(batch.id)], self._log_seconds()
        record = encode_record(batch, batch.revision)
        words: list[str | int | bytes] = ["save", 1, seconds, record]
        if numbers is not None:
            keys += [_numbers_key(batch.id), _BATCHES]
            # The leading version is that of all records that the script saves.
            words += ["save", 2, _NUMBERS_KEPT_SECONDS, " ".join(("1", *numbers))]
            words += ["list", 3, _MOST_BATCHES, batch.id]
        if act is not None:
            keys.append(acts_key(month_of(act.at)))
            words += ["append", len(keys), "act", encode(act), "expire", len(keys), seconds, ""]
        head = ("change", 0, len(words) // 4, "")
        command = ("EVALSHA", COMMIT_SHA, len(keys), *keys, *head, *words)
        (reply,) = self._connection.execute(command)
        # After a lost connection the script may run twice, and then finds its own record.
        return bool(reply[0][0] == b"done") or self._raw(keys[0]) == record

    def _raw(self, key: str) -> bytes | None:
        (raw,) = self._connection.execute(("GET", key))
        return None if raw is None else bytes(raw)
