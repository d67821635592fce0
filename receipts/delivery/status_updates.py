"""Provider status updates of our own receipts; those that arrive together share a commit."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.relays import with_followers
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError, Store
from receipts.ports.trace_context import trace_context

_MAX_ATTEMPTS = 20
_FAILURES = frozenset({ProviderStatus.UNDELIVERED, ProviderStatus.FAILED})
_log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class StatusUpdate:
    """One status update; ``is_known`` is None until it is written."""

    receipt_id: str
    status: ProviderStatus
    raw_status: str
    provider_id: str | None
    attempts: int = 0
    is_known: bool | None = None
    #: Why the receipt did not arrive, if this update tells so.
    why: str = ""
    #: The trace of the receipt.
    trace: str = ""
    error: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether it is written, or has failed."""
        return self.is_known is not None or self.error is not None


class StatusUpdates:
    """Group commit by the threads that bring the updates.

    The thread that holds the lock writes all queued updates; the others find theirs written when
    they get it.
    """

    def __init__(self, store: Store, delivery: ReceiptLifecycle) -> None:
        self._store, self._delivery = store, delivery
        self._queued: deque[StatusUpdate] = deque()
        self._writing = threading.Lock()

    @property
    def waiting(self) -> int:
        """The number of updates that wait for a commit under way."""
        return len(self._queued)

    def apply(
        self, receipt_id: str, status: ProviderStatus, raw_status: str, provider_id: str | None
    ) -> bool:
        """Commit one status update; False for an unknown receipt id.

        Raises StoreUnavailableError, or ContentionError if every attempt loses a race.
        """
        return self.finish(self.queue(receipt_id, status, raw_status, provider_id))

    def queue(
        self, receipt_id: str, status: ProviderStatus, raw_status: str, provider_id: str | None
    ) -> StatusUpdate:
        """Queue a status update, so that it is committed with others; ``finish`` must follow."""
        update = StatusUpdate(receipt_id, status, raw_status, provider_id)
        self._queued.append(update)
        return update

    def finish(self, update: StatusUpdate) -> bool:
        """Commit a queued status update, unless that was done with another. As ``apply``."""
        if not update.ended:
            with self._writing:
                while not update.ended:
                    self._write()
        if update.error is not None:
            raise update.error
        if update.trace:
            trace_context.set(update.trace)
        if update.why:
            # By the thread that brought it, whose log lines bear its ids.
            _log.warning("receipt did not arrive", receipt=update.receipt_id, why=update.why)
        return bool(update.is_known)

    def _write(self) -> None:
        """Write all queued updates; those that lose a race are queued again."""
        batch = [self._queued.popleft() for _ in range(len(self._queued))]
        try:
            self._commit(self._decide(batch))
        except Exception as error:  # noqa: BLE001 - each thread raises it for its own update
            for update in batch:
                if not update.ended:
                    update.error = error
        self._queued.extend(update for update in batch if not update.ended)

    def _decide(self, batch: Sequence[StatusUpdate]) -> list[tuple[StatusUpdate, ChangeSet]]:
        """The changes of the updates of known receipts. Raises StoreUnavailableError."""
        found = self._store.receipts(update.receipt_id for update in batch)
        decided = []
        for update, receipt in zip(batch, found, strict=True):
            update.attempts += 1
            if receipt is None:
                update.is_known = False
            elif update.attempts > _MAX_ATTEMPTS:
                update.error = ContentionError("the same receipt was changed again and again")
            else:
                update.trace = receipt.trace
                try:
                    decided.append((update, self._change(update, receipt)))
                except Exception as error:  # noqa: BLE001 - it must not fail the others
                    update.error = error
        return decided

    def _change(self, update: StatusUpdate, receipt: Receipt) -> ChangeSet:
        owner = subscription_for_charge(self._store, receipt)
        change = self._delivery.apply_status(
            receipt, update.status, update.raw_status, update.provider_id, owner
        )
        return with_followers(self._store, change)

    def _commit(self, decided: Sequence[tuple[StatusUpdate, ChangeSet]]) -> None:
        """Commit each change on its own, in one round trip. Raises StoreUnavailableError."""
        commits = self._store.commit_all([change for _, change in decided]) if decided else []
        for (update, change), commit in zip(decided, commits, strict=True):
            if commit.status is CommitStatus.COMMITTED:
                update.is_known, update.why = True, _failure(update, change)


def _failure(update: StatusUpdate, change: ChangeSet) -> str:
    """Why a receipt did not arrive; empty if it did, or was known not to."""
    if update.status not in _FAILURES or not change.records:
        return ""
    note = next((r.note for r in change.records if isinstance(r, Receipt)), None)
    return note or update.raw_status
