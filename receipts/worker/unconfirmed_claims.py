"""Receipts that a worker may have marked as being sent, and certainly did not send."""

import time
from collections.abc import Iterable

from msgspec.structs import replace

from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.receipt import Receipt
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import TemporaryError
from receipts.ports.store import Store

#: Seconds for which a change that the store did not confirm may still reach it.
_UNDERWAY = 30.0


class UnconfirmedClaims:
    """One worker's marks that the store did not confirm: taken back, they are due again.

    Left alone, they would look like the remains of a dead worker, whose receipts may have gone out.
    """

    def __init__(self) -> None:
        self._marks: list[tuple[Receipt, OutboxEntry, float]] = []

    def add(self, marks: Iterable[tuple[Receipt, OutboxEntry]]) -> None:
        """These were to be marked so; whether they are, nobody knows."""
        until = time.monotonic() + _UNDERWAY
        self._marks += [(receipt, entry, until) for receipt, entry in marks]

    def release(self, store: Store, delivery: ReceiptLifecycle) -> None:
        """What turns out to be marked by us is due again, and that was no try of it.

        Raises StoreUnavailableError; then it is done next time.
        """
        if not self._marks:
            return
        pending = store.receipts(receipt.id for receipt, _, _ in self._marks)
        pairs = list(zip(self._marks, pending, strict=True))
        why = TemporaryError("the store did not confirm in time")
        # Not by the version alone: that of another worker's mark may be the same.
        changes = [
            delivery.failed(replace(marked, attempts=marked.attempts - 1), why, entry)
            for (marked, entry, _), now in pairs
            if now == marked
        ]
        if changes:
            store.commit_all([with_digest_members(store, change) for change in changes])
        # A mark may still be on its way.
        self._marks = [
            each
            for each, now in pairs
            if now and now.version < each[0].version and time.monotonic() < each[2]
        ]
