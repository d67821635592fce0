"""Checks of receipts on their way: each is in a queue, and each entry has a receipt."""

import datetime as dt
from collections.abc import Sequence

from receipts.delivery.digest import DIGEST
from receipts.delivery.lifecycle import RETRY
from receipts.model.receipt import Receipt
from receipts.ports.changes import Timer
from receipts.store.check.findings import Damage, DamageKind
from receipts.store.check.parts import record, stream_entries
from receipts.store.codec import timer_member
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from statemachines.receipt import RECEIPT, UNDER_WAY, ReceiptEvent

#: An entry without a receipt that is younger than any receipt's retention.
_YOUNG = dt.timedelta(minutes=50)

#: Deadlines that have passed for so long, in seconds, wait for a worker.
_LATE_SECONDS = 600


def is_due(receipt: Receipt) -> bool:
    """Whether a receipt must be in a queue; members of a digest follow their digest."""
    to_send = RECEIPT.fire(receipt.state, ReceiptEvent.SEND)
    return receipt.digest is None and (not to_send.refused or to_send.reason == UNDER_WAY)


def is_in_doubt(receipt: Receipt) -> bool:
    """Whether a receipt must be listed for staff."""
    return RECEIPT.fire(receipt.state, ReceiptEvent.SEND).reason == "unsure"


class QueueCheck:
    """Each method takes a part of all keys of its kind, and may be repeated."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def due(self, shard: int, ids: Sequence[str], queues: Sequence[bytes]) -> list[Damage]:
        """Due receipts of a shard; ``queues`` are the sets of those that wait for a provider."""
        streamed = {
            fields[1].decode()
            for late in (False, True)
            for _, fields in stream_entries(self._connection, self._keys.outbox(shard, late=late))
        }
        left = [each for each in ids if each not in streamed]
        raws = self._connection.values([self._keys.receipt(shard, each) for each in left])
        waiting = [r for raw in raws if (r := record(Receipt, raw)) and is_due(r)]
        return [found for each in waiting if (found := self._of_due(shard, each, queues))]

    def _of_due(self, shard: int, receipt: Receipt, queues: Sequence[bytes]) -> Damage | None:
        timers = (Timer(kind, receipt.number, receipt.id) for kind in (RETRY, DIGEST))
        own = self._keys.timers(shard)
        scores = self._connection.execute(
            *(("ZSCORE", own, timer_member(timer)) for timer in timers),
            *(("ZSCORE", queue, receipt.id) for queue in queues),
        )
        if any(score is not None for score in scores):
            return None
        key = self._keys.receipt(shard, receipt.id)
        return Damage(DamageKind.NOT_QUEUED, key, receipt.state)

    def in_doubt(self, ids: Sequence[str]) -> list[Damage]:
        """Receipts in doubt: on the list for staff, which has no others."""
        keys = [(self._keys.shard_of_receipt(each) or 0, each) for each in ids]
        raws = self._connection.values([self._keys.receipt(*each) for each in keys])
        listed = self._connection.execute(
            *(("ZSCORE", self._keys.unsure(shard), each) for shard, each in keys)
        )
        found: list[Damage] = []
        for (shard, receipt_id), raw, score in zip(keys, raws, listed, strict=True):
            receipt = record(Receipt, raw)
            doubtful, key = receipt is not None and is_in_doubt(receipt), self._keys.unsure(shard)
            if doubtful and score is None:
                found.append(Damage(DamageKind.NOT_IN_UNSURE, key, receipt_id))
            if score is not None and receipt is not None and not doubtful:
                found.append(Damage(DamageKind.WRONGLY_UNSURE, key, receipt_id))
        return found

    def entries(self, shard: int) -> list[Damage]:
        """Entries of the outbox whose receipt cannot have expired, but is missing."""
        found: list[Damage] = []
        oldest = (dt.datetime.now(dt.UTC) - _YOUNG).timestamp() * 1000
        for late in (False, True):
            stream = self._keys.outbox(shard, late=late)
            ids = [fields[1].decode() for entry, fields in stream_entries(self._connection, stream)
                   if int(entry.partition(b"-")[0]) > oldest]  # fmt: skip
            raws = self._connection.values([self._keys.receipt(shard, each) for each in ids])
            found += [
                Damage(DamageKind.ENTRY_WITHOUT_RECEIPT, stream, each)
                for each, raw in zip(ids, raws, strict=True)
                if raw is None
            ]
        return found

    def late_timers(self, shard: int, now: dt.datetime) -> list[Damage]:
        """Timers that should have been fired; ``now`` is by the service's clock."""
        key, last = self._keys.timers(shard), now.timestamp() - _LATE_SECONDS
        (count,) = self._connection.execute(("ZCOUNT", key, "-inf", last))
        return [Damage(DamageKind.TIMERS_LATE, key, f"{count} timers")] if count else []
