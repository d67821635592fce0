"""Look-ups at the provider for receipts in doubt, made before one is sent again."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Timer
from receipts.ports.provider import Provider, TemporaryError
from receipts.ports.store import Store, StoreUnavailableError
from statemachines.receipt import RECEIPT, UNDER_WAY, ReceiptEvent

_log = structlog.get_logger()

#: How many of a customer's newest receipts a look-up sees.
_OTHERS = 100


def log_failure(task: Future[None]) -> None:
    """Log the exception of a finished task, as the callback of its future."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.error("a task failed", exc_info=failure)


class InDoubtResolver:
    """Look-ups of one worker on its own threads; other workers may look at the same moment."""

    def __init__(
        self, store: Store, delivery: Callable[[], ReceiptLifecycle], threads: int
    ) -> None:
        self._store, self._delivery_now = store, delivery
        self._pool = ThreadPoolExecutor(threads, "look")
        self._closing = threading.Event()
        self._looking: set[Msisdn] = set()
        self._lock = threading.Lock()

    def submit(self, number: Msisdn, timers: Sequence[Timer]) -> None:
        """Look up as soon as a thread is free, unless one does for this customer already."""
        with self._lock:
            # One look at a time for a customer: two texts of the same words are told apart only
            # by what the first look has written down.
            if number in self._looking:
                return
            self._looking.add(number)
        self._pool.submit(self._resolve_all, number, timers).add_done_callback(log_failure)

    def close(self) -> None:
        """Return when the look-ups under way are done; the timers of the others stay set."""
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
            except Exception:  # noqa: BLE001 - the timer is still set: the look is made again
                _log.exception("a look-up failed", receipt=timer.subject)
        with self._lock:
            self._looking.discard(number)

    def _resolve(self, timer: Timer) -> None:
        """One look, written down. Raises StoreUnavailableError; the timer is then still set."""
        receipt = self._store.receipts([timer.subject.rpartition("/")[0]])[0]
        provider = self._requested_at(receipt)
        if receipt is None or provider is None:
            self._store.commit(ChangeSet(timer.number, fired_timer=timer))
            return
        known = frozenset(o.provider_id for o in self._others(receipt) if o.provider_id)
        # An id that another worker's look claimed between our look and our commit is known now.
        while (claimed := self._look_up(receipt, provider, known, timer)) is not None:
            known |= {claimed}

    def _requested_at(self, receipt: Receipt | None) -> Provider | None:
        """Who was asked to send it; nobody else may say what became of it."""
        if receipt is None or receipt.requested_at is None:
            return None
        return self._delivery_now().router.by_name(receipt.provider)

    def _look_up(
        self, receipt: Receipt, provider: Provider, known: frozenset[str], timer: Timer
    ) -> str | None:
        """One question, its answer on disk; the id found, where another receipt has it already."""
        delivery = self._delivery_now()
        try:
            found = provider.find(
                delivery.outbound_message(receipt),
                receipt.requested_at or receipt.created_at,
                known,
            )
        except TemporaryError:
            self._store.commit(delivery.in_doubt.reschedule_lookup(receipt, timer))
            return None
        if found is None:
            self._commit(delivery.in_doubt.lookup_missed(receipt, timer))
            return None
        if self._may_belong_to_another(receipt, found):
            self._store.commit(delivery.in_doubt.reschedule_lookup(receipt, timer))
            return None
        change = delivery.lookup_found(
            receipt, found, timer, subscription_for_charge(self._store, receipt)
        )
        return found if self._commit(change) is CommitStatus.DUPLICATE else None

    def _commit(self, change: ChangeSet) -> CommitStatus:
        return self._store.commit(with_digest_members(self._store, change)).status

    def _may_belong_to_another(self, receipt: Receipt, found: str) -> bool:
        """Whether it was made for a text of the same words that is just being sent.

        Looked at after the question: whoever made it had marked itself as being sent before.
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
        newest = self._store.receipts_of(receipt.number, _OTHERS, None)
        return [other for other in newest if other.id != receipt.id]
