"""Batched writer of send results: results that arrive together share a commit."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from receipts.delivery.relays import with_followers
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry
from receipts.ports.store import Store, StoreUnavailableError

_log = structlog.get_logger()

#: Time for which a result is retried while the store is unavailable; a look-up follows.
WRITE_RETRY_SECONDS = 60.0

_RETRY_INTERVAL_SECONDS = 0.3

#: Results that come within this time share a commit. It is shorter than the time for which the
#: doors gather status updates: one that comes first makes its result's commit a conflict.
_GATHER_SECONDS = 0.01


@dataclass(slots=True)
class SendResult:
    """Result of sending one receipt.

    ``decide`` builds the change set from the newest record; ``on_written`` gets it after commit.
    """

    receipt: Receipt
    entry: OutboxEntry
    decide: Callable[[Receipt], ChangeSet]
    on_written: Callable[[ChangeSet], None] = lambda _: None
    deadline: float = 0.0
    pending: bool = True


class ResultWriter:
    """Group commit without a writer thread; ``release`` gets each finished outbox entry.

    The first caller writes and also flushes results queued by others meanwhile.
    """

    def __init__(self, store: Store, release: Callable[[OutboxEntry], None]) -> None:
        self._store, self._release = store, release
        self._queued: list[SendResult] = []
        self._writing, self._in_batch = False, 0
        self._lock = threading.Lock()

    def submit(self, result: SendResult) -> None:
        """Write a result, or queue it for the caller that is writing. Never raises."""
        result.deadline = time.monotonic() + WRITE_RETRY_SECONDS
        with self._lock:
            self._queued.append(result)
            if self._writing:
                return
            self._writing = True
        retry: list[SendResult] = []
        time.sleep(_GATHER_SECONDS)
        while batch := self._next_batch(retry):
            try:
                self._write(batch)
            except Exception:  # noqa: BLE001 - the results queued by other threads must be written
                _log.exception("outcomes could not be written", count=len(batch))
                for each in batch:
                    self._finish(each)
            retry = [each for each in batch if each.pending]
            if self._queued:
                time.sleep(_GATHER_SECONDS)

    @property
    def unwritten(self) -> int:
        """The number of results that are queued or being written."""
        return len(self._queued) + self._in_batch

    def _next_batch(self, retry: list[SendResult]) -> list[SendResult]:
        with self._lock:
            batch, self._queued = [*retry, *self._queued], []
            self._writing, self._in_batch = bool(batch), len(batch)
            return batch

    def _write(self, batch: Sequence[SendResult]) -> None:
        now = time.monotonic()
        for result in batch:
            if result.deadline <= now:
                # The entry stays in the outbox: it is reclaimed and looked up.
                _log.warning("an outcome could not be written", receipt=result.receipt.id)
                self._finish(result)
        try:
            self._commit([pair for r in batch if r.pending and (pair := self._decide(r))])
        except StoreUnavailableError:
            time.sleep(_RETRY_INTERVAL_SECONDS)

    def _decide(self, result: SendResult) -> tuple[SendResult, ChangeSet] | None:
        """Result with its change set, None if deciding fails. Raises StoreUnavailableError."""
        try:
            return result, with_followers(self._store, result.decide(result.receipt))
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one receipt's error must not lose the other results
            _log.exception("a result could not be recorded", receipt=result.receipt.id)
            self._finish(result)
            return None

    def _commit(self, decided: Sequence[tuple[SendResult, ChangeSet]]) -> None:
        """Commit each change on its own, in one round trip. Raises StoreUnavailableError."""
        commits = self._store.commit_all([change for _, change in decided])
        for (result, change), commit in zip(decided, commits, strict=True):
            if commit.status is CommitStatus.COMMITTED:
                result.on_written(change)
                self._finish(result)
        lost = [result for result, _ in decided if result.pending]
        # A concurrent change came first; the next round decides from the newest record.
        found = self._store.receipts(each.receipt.id for each in lost) if lost else ()
        for result, receipt in zip(lost, found, strict=True):
            if receipt is None:
                self._finish(result)
            else:
                result.receipt = receipt

    def _finish(self, result: SendResult) -> None:
        if result.pending:
            result.pending = False
            self._release(result.entry)
