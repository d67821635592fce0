"""Takes what is due out of the outbox, hands it to providers, writes back what came of it."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import DIGEST
from receipts.delivery.in_doubt import LOOKUP
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import OutboxEntry, Timer
from receipts.ports.provider import DeadlineExceededError, ProviderError, TemporaryError
from receipts.ports.store import Outbox, Store, StoreUnavailableError
from receipts.worker.dispatcher import BATCH, Dispatcher, SendTask
from receipts.worker.in_doubt import InDoubtResolver, log_failure
from receipts.worker.rate_limit import SLOT_TOLERANCE_SECONDS
from receipts.worker.result_writer import ResultWriter, SendResult
from receipts.worker.timers import TimerService

_log = structlog.get_logger()

#: Seconds without a sign of life after which others take over what a worker held.
LEASE_SECONDS = 5.0

#: How often, in seconds, we give that sign, and look for what others left.
HEARTBEAT_INTERVAL_SECONDS = 1.5

#: How long, in seconds, to wait at an empty outbox before looking at anything else.
POLL_TIMEOUT_SECONDS = 0.1

#: How long, in seconds, to wait for free threads before the other periodic work is due.
IDLE_WAIT_SECONDS = 0.02

#: What a round says when there is more for it to do at once.
_MORE = "more"

#: How often, in seconds, we look for timers whose moment has come: a flash may wait for one.
TIMER_INTERVAL_SECONDS = 0.1
#: How many timers are looked at together: those of digests are rung together too, and cost little.
MAX_TIMERS_A_ROUND = 4 * BATCH
#: How often, in seconds, we ask whether there are new rules to work by.
RULES_INTERVAL_SECONDS = 0.5

#: How often, in seconds, we look at what the other workers know of providers and backlog.
BACKLOG_INTERVAL_SECONDS = 0.5

#: Seconds after which a hand asks again for a place on a line that had none.
SLOT_RETRY_SECONDS = 0.05


class Worker:
    """One process of these sends all there is; more of them share it. Stops cleanly when told."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        delivery: ReceiptLifecycle,
        sweep: TimerService,
        dispatch: Dispatcher,
        threads: int = 16,
        refreshed: Callable[[], tuple[ReceiptLifecycle, TimerService] | None] = lambda: None,
    ) -> None:
        self._name, self._store, self._outbox = name, store, outbox
        self._delivery, self._sweep, self._count = delivery, sweep, threads
        self._dispatch, self._refreshed = dispatch, refreshed
        self._pool = ThreadPoolExecutor(threads, "send")
        # Look-ups have threads of their own: a slow provider must not delay what is to be sent.
        self._looking = InDoubtResolver(store, lambda: self._delivery, max(1, threads // 2))
        self._in_hand: set[OutboxEntry] = set()  # an entry alone is single only within its shard
        self._renewed_at = self._lease_lost_at = 0.0
        self._lock = threading.Lock()
        self._outcomes = ResultWriter(store, self._release)
        self._half_free, self._stop = threading.Event(), threading.Event()
        self._rounds: tuple[tuple[float, Callable[[], object]], ...] = (
            (BACKLOG_INTERVAL_SECONDS, self._refresh_backlog),
            (TIMER_INTERVAL_SECONDS, self._fire_timers),
            (HEARTBEAT_INTERVAL_SECONDS, self._heartbeat),
            (RULES_INTERVAL_SECONDS, self._refresh),
        )
        self._last = [0.0] * len(self._rounds)

    def stop(self) -> None:
        """Take nothing more; ``run`` returns when all in hand is written back."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to stop. A store out of reach is waited for."""
        self._renewed_at = time.monotonic()
        try:
            while not self._stop.is_set():
                try:
                    self._round()
                except StoreUnavailableError as failure:
                    _log.warning("store out of reach, waiting", why=str(failure))
                    self._stop.wait(0.5)
            self._finish()
        finally:
            # Also after a failure of the worker itself: results of sending are written back.
            self._pool.shutdown()
            self._looking.close()

    def _finish(self) -> None:
        """Write back what is in hand, giving signs of life until then."""
        while self._in_hand:
            with contextlib.suppress(StoreUnavailableError):
                self._renew_leases()
            time.sleep(0.1)

    # -- rounds ------------------------------------------------------------------------------

    def _round(self) -> None:
        for index, (every, work) in enumerate(self._rounds):
            if time.monotonic() - self._last[index] >= every:
                self._last[index] = time.monotonic()
                if work() is _MORE:
                    self._last[index] = 0.0
        self._fetch()

    def _fetch(self) -> None:
        self._half_free.clear()
        room = 2 * self._count - len(self._in_hand)
        # For half of what may be held at least: a round costs the same for one as for many.
        if room >= self._count:
            wait = self._dispatch.poll_timeout(POLL_TIMEOUT_SECONDS)
            self._start_tasks(self._outbox.fetch(self._name, min(room, BATCH), wait), room)
        else:
            self._half_free.wait(IDLE_WAIT_SECONDS)

    def _renew_leases(self) -> list[OutboxEntry]:
        with self._lock:
            in_hand = list(self._in_hand)
        asked_at = time.monotonic()
        if asked_at - self._renewed_at > LEASE_SECONDS:
            # Too late: others may have taken over all that we held.
            self._lease_lost_at = asked_at
        self._outbox.renew_leases(self._name, in_hand)
        self._renewed_at = asked_at
        return in_hand

    def _heartbeat(self) -> None:
        in_hand = self._renew_leases()
        left = self._outbox.reclaim(self._name, LEASE_SECONDS, BATCH)
        self._start_tasks([entry for entry in left if entry not in in_hand], BATCH)

    def _refresh(self) -> None:
        """Go on under new rules where there are any; what is being sent ends under the old ones."""
        fresh = self._refreshed()
        if fresh is not None:
            self._delivery, self._sweep = fresh
            self._dispatch.set_lifecycle(self._delivery)

    def _refresh_backlog(self) -> None:
        self._dispatch.refresh_backlog()
        # What was to be tried again at a provider demoted since goes elsewhere at once.
        for timer in self._dispatch.breakers.released_timers():
            self._fire_timer(timer)

    def _fire_timers(self) -> str | None:
        due = self._sweep.due_timers(MAX_TIMERS_A_ROUND)
        waited = [timer for timer in due if timer.kind == DIGEST]
        together = self._fire_safely(lambda: self._sweep.flush_digests(waited), DIGEST)
        others = due if waited and not together else [t for t in due if t.kind != DIGEST]
        looks: dict[Msisdn, list[Timer]] = {}
        for timer in others[:BATCH]:
            if timer.kind == LOOKUP:
                looks.setdefault(timer.number, []).append(timer)
            else:
                self._fire_timer(timer)
        for number, timers in looks.items():
            self._looking.submit(number, timers)
        # Of these none is left set: where many come, many more are waiting.
        return _MORE if together and len(waited) >= BATCH // 2 else None

    def _fire_timer(self, timer: Timer) -> None:
        self._fire_safely(lambda: self._sweep.fire(timer), timer.kind)

    @staticmethod
    def _fire_safely(ring: Callable[[], object], kind: str) -> bool:
        try:
            ring()
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one customer's trouble must not stop all sending
            _log.exception("a timer failed, and stays set", kind=kind)
            return False
        return True

    # -- sending -----------------------------------------------------------------------------

    def _start_tasks(self, entries: Sequence[OutboxEntry], room: int) -> None:
        taken = time.monotonic()
        loads = self._dispatch.next_tasks(entries, room)
        with self._lock:
            self._in_hand.update(load.entry for load in loads)
        for load in loads:
            self._pool.submit(self._send, load, taken).add_done_callback(log_failure)

    def _lease_valid(self, taken: float, deadline: float) -> bool:
        """Whether nobody can have taken over what we took at that moment."""
        return taken >= self._lease_lost_at and time.monotonic() <= deadline

    def _lease_deadline(self, taken: float) -> float:
        return max(taken, self._renewed_at) + LEASE_SECONDS

    def _send(self, load: SendTask, taken: float) -> None:
        try:
            outcome = self._attempt(load, taken)
        except Exception:  # noqa: BLE001 - a thread's last word: logged, and mended by a look-up
            # The entry stays in the outbox: another round finds it and looks it up.
            _log.exception("a receipt's worker failed", receipt=load.receipt.id)
            outcome = None
        if outcome is None:
            self._release(load.entry)
        else:
            self._outcomes.submit(outcome)

    def _release(self, entry: OutboxEntry) -> None:
        with self._lock:
            self._in_hand.discard(entry)
            if len(self._in_hand) == self._count:
                self._half_free.set()

    def _attempt(self, load: SendTask, taken: float) -> SendResult | None:
        """What came of sending it; None where nobody may say any more."""
        free = self._wait_for_slot(load)
        # Fixed before the look: a sign of life that comes between the two must not lengthen it.
        deadline = self._lease_deadline(taken)
        if not self._lease_valid(taken, deadline):
            # By now it may be in other hands: who finds it there looks it up first.
            _log.warning("too long without a sign of life", receipt=load.receipt.id)
            return None
        if not free:
            return self._failure_result(load, TemporaryError("no room on the line"))
        try:
            return self._send_to_provider(load, deadline)
        except DeadlineExceededError:
            _log.warning("stopped just before it left", receipt=load.receipt.id)
            return None

    def _wait_for_slot(self, load: SendTask) -> bool:
        """Returns when a receipt may leave; False where its line had no room for long."""
        leaves, pace = load.send_at, self._dispatch.rate_limit(load)
        deadline = time.monotonic() + LEASE_SECONDS / 2
        while pace is not None:
            wait = (leaves or 0.0) - time.monotonic()
            if wait <= 0:
                if wait > -SLOT_TOLERANCE_SECONDS:
                    return True
                if time.monotonic() > deadline:
                    return False
                # Its place went by while no hand was free: it takes another.
                leaves = self._dispatch.next_slot(load, pace)
                wait = SLOT_RETRY_SECONDS if leaves is None else 0.0
            time.sleep(wait)
        return True

    def _send_to_provider(self, load: SendTask, deadline: float) -> SendResult:
        receipt, provider = load.receipt, load.route.provider
        if provider.name in self._dispatch.breakers.open and not load.route.trial:
            return self._failure_result(
                load, TemporaryError(f"{provider.name} was demoted meanwhile")
            )
        try:
            provider_id = provider.send(self._delivery.outbound_message(receipt, deadline))
        except ProviderError as failure:
            _log.info("not sent", receipt=receipt.id, why=failure.detail)
            self._dispatch.breakers.record_failure(provider.name, failure, probe=load.route.trial)
            return self._failure_result(load, failure)
        self._dispatch.breakers.record_success(provider.name, probe=load.route.trial)
        return SendResult(
            receipt,
            load.entry,
            lambda now: self._delivery.accepted(
                now, provider_id, load.entry, subscription_for_charge(self._store, now)
            ),
        )

    def _failure_result(self, load: SendTask, failure: ProviderError) -> SendResult:
        closed, watch = self._dispatch.breakers.open, self._dispatch.breakers
        return SendResult(
            load.receipt,
            load.entry,
            lambda now: self._delivery.failed(now, failure, load.entry, closed),
            lambda change: watch.hold_timers(load.route.provider.name, change.timers),
        )
