"""Outcomes of sending on their way to disk: what comes within a moment is written together."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from receipts.delivery.digest import with_digest_members
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry
from receipts.ports.store import Store, StoreUnavailableError

_log = structlog.get_logger()

#: How long to hold on to an outcome that the store cannot take, before leaving it to a look-up.
WRITE_RETRY_SECONDS = 60.0

#: Seconds until a store that was out of reach is asked again.
_RETRY_INTERVAL_SECONDS = 0.3


@dataclass(slots=True)
class SendResult:
    """What came of one receipt: ``decide`` makes the change from its newest record.

    ``written`` is told the change once it is on disk; ``posted`` is held until then.
    """

    receipt: Receipt
    entry: OutboxEntry
    decide: Callable[[Receipt], ChangeSet]
    on_written: Callable[[ChangeSet], None] = lambda _: None
    deadline: float = 0.0
    open: bool = True


class ResultWriter:
    """Writes outcomes back. ``release`` is told of entries that need not be held any longer.

    There is no thread for it: who brings an outcome while nobody writes, writes, and goes on
    with what others bring meanwhile. So one alone is on disk at once, and many share a commit.
    """

    def __init__(self, store: Store, release: Callable[[OutboxEntry], None]) -> None:
        self._store, self._release = store, release
        self._brought: list[SendResult] = []
        self._writing = False
        self._lock = threading.Lock()

    def submit(self, outcome: SendResult) -> None:
        """Write it, or leave it to who is writing. Never raises: a look-up mends what is lost."""
        outcome.deadline = time.monotonic() + WRITE_RETRY_SECONDS
        with self._lock:
            self._brought.append(outcome)
            if self._writing:
                return
            self._writing = True
        again: list[SendResult] = []
        while batch := self._next_batch(again):
            try:
                self._write(batch)
            except Exception:  # noqa: BLE001 - whoever writes must go on: nobody else will
                _log.exception("outcomes could not be written", count=len(batch))
                for each in batch:
                    self._give_up(each)
            again = [each for each in batch if each.open]

    def _next_batch(self, again: list[SendResult]) -> list[SendResult]:
        """All there is to write now; nothing ends our turn."""
        with self._lock:
            batch, self._brought = [*again, *self._brought], []
            self._writing = bool(batch)
            return batch

    def _write(self, batch: Sequence[SendResult]) -> None:
        """Write them; what stays open is to be written once more."""
        now = time.monotonic()
        for outcome in batch:
            if outcome.deadline <= now:
                # The entry stays in the outbox: another round finds it and looks it up.
                _log.warning("an outcome could not be written", receipt=outcome.receipt.id)
                self._give_up(outcome)
        try:
            self._commit([pair for each in batch if each.open and (pair := self._decided(each))])
        except StoreUnavailableError:
            time.sleep(_RETRY_INTERVAL_SECONDS)

    def _decided(self, outcome: SendResult) -> tuple[SendResult, ChangeSet] | None:
        """With its change; None where there is none. Raises StoreUnavailableError."""
        try:
            return outcome, with_digest_members(self._store, outcome.decide(outcome.receipt))
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one receipt's trouble must not lose the others' outcomes
            _log.exception("an outcome could not be told", receipt=outcome.receipt.id)
            self._give_up(outcome)
            return None

    def _commit(self, decided: Sequence[tuple[SendResult, ChangeSet]]) -> None:
        """In one round trip, each on its own. Raises StoreUnavailableError."""
        ends = self._store.commit_all([change for _, change in decided])
        for (outcome, change), end in zip(decided, ends, strict=True):
            if end.status is CommitStatus.COMMITTED:
                outcome.on_written(change)
                self._give_up(outcome)
        lost = [outcome for outcome, _ in decided if outcome.open]
        # News of the same receipts came first: decided again on what is there now.
        found = self._store.receipts(each.receipt.id for each in lost) if lost else ()
        for outcome, receipt in zip(lost, found, strict=True):
            if receipt is None:
                self._give_up(outcome)
            else:
                outcome.receipt = receipt

    def _give_up(self, outcome: SendResult) -> None:
        if outcome.open:
            outcome.open = False
            self._release(outcome.entry)
