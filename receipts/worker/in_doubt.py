"""In-doubt resolution: queries the provider before a receipt is sent again."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.relays import with_followers
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Timer
from receipts.ports.provider import Provider, TemporaryError
from receipts.ports.store import Store, StoreUnavailableError
from receipts.worker.log_context import about
from statemachines.receipt import RECEIPT, UNDER_WAY, ReceiptEvent

_log = structlog.get_logger()

#: Newest receipts of a customer that a look-up compares with.
_RECENT_LIMIT = 100


def log_failure(task: Future[None]) -> None:
    """Log the exception of a finished task, as the callback of its future."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.error("a task failed", exc_info=failure)


class InDoubtResolver:
    """Thread pool of one worker for look-ups; other workers may look up concurrently."""

    def __init__(
        self, store: Store, delivery: Callable[[], ReceiptLifecycle], threads: int
    ) -> None:
        self._store, self._delivery = store, delivery
        self._pool = ThreadPoolExecutor(threads, "look")
        self._closing = threading.Event()
        self._active: set[Msisdn] = set()
        self._lock = threading.Lock()

    def submit(self, number: Msisdn, timers: Sequence[Timer]) -> None:
        """Queue a customer's look-ups, unless some are queued or running already."""
        with self._lock:
            # One at a time per customer: receipts with equal text are told apart only by the
            # message id that the first look-up has committed.
            if number in self._active:
                return
            self._active.add(number)
        self._pool.submit(self._resolve_all, number, timers).add_done_callback(log_failure)

    def close(self) -> None:
        """Wait for running look-ups; queued ones stay due as timers."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def _resolve_all(self, number: Msisdn, timers: Sequence[Timer]) -> None:
        for timer in timers:
            if self._closing.is_set():
                break
            try:
                self._resolve(timer)
            except StoreUnavailableError:
                _log.warning("store out of reach during a look-up", receipt=timer.subject)
            except Exception:  # noqa: BLE001 - the timer is still due: the look-up is repeated
                _log.exception("a look-up failed", receipt=timer.subject)
        with self._lock:
            self._active.discard(number)

    def _resolve(self, timer: Timer) -> None:
        receipt = self._store.receipts([timer.subject.rpartition("/")[0]])[0]
        provider = None
        if receipt is not None and receipt.requested_at is not None:
            provider = self._delivery().router.by_name(receipt.provider)
        if receipt is None or provider is None:
            self._store.commit(ChangeSet(timer.number, fired_timer=timer))
            return
        known = frozenset(o.provider_id for o in self._others(receipt) if o.provider_id)
        # Another worker may claim the found id between look-up and commit; exclude it then.
        with about(receipt):
            while (claimed := self._look_up(receipt, provider, known, timer)) is not None:
                known |= {claimed}

    def _look_up(
        self, receipt: Receipt, provider: Provider, known: frozenset[str], timer: Timer
    ) -> str | None:
        """Query once and commit the result; the id found, if another receipt has claimed it."""
        delivery = self._delivery()
        message, since = delivery.outbound_message(receipt), receipt.requested_at
        try:
            found = provider.find(message, since or receipt.created_at, known)
            ambiguous = found is not None and self._may_belong_to_another(receipt, found.id)
        except TemporaryError:
            found, ambiguous = None, True
        if ambiguous:
            self._store.commit(delivery.in_doubt.reschedule_lookup(receipt, timer))
            return None
        if found is None:
            self._commit(delivery.in_doubt.lookup_missed(receipt, timer))
            return None
        subscription = subscription_for_charge(self._store, receipt)
        change = delivery.lookup_found(receipt, found, timer, subscription)
        return found.id if self._commit(change) is CommitStatus.DUPLICATE else None

    def _commit(self, change: ChangeSet) -> CommitStatus:
        return self._store.commit(with_followers(self._store, change)).status

    def _may_belong_to_another(self, receipt: Receipt, found: str) -> bool:
        """Whether the message may be that of another receipt with equal text, now being sent.

        Checked after the query: a receipt is marked as being sent before its message exists.
        """
        return any(
            other.provider_id == found
            or (
                (other.text, other.provider) == (receipt.text, receipt.provider)
                and RECEIPT.fire(other.state, ReceiptEvent.SEND).reason == UNDER_WAY
            )
            for other in self._others(receipt)
        )

    def _others(self, receipt: Receipt) -> list[Receipt]:
        recent = self._store.receipts_of(receipt.number, _RECENT_LIMIT, None)
        return [other for other in recent if other.id != receipt.id]
