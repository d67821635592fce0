"""Worker process: leases outbox entries, sends receipts, writes the results back."""

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import DIGEST
from receipts.delivery.in_doubt import LOOKUP
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, OutboxEntry, Timer
from receipts.ports.provider import DeadlineExceededError, ProviderError, TemporaryError
from receipts.ports.store import Outbox, Store, StoreUnavailableError
from receipts.worker.dispatcher import BATCH, Dispatcher, SendTask
from receipts.worker.in_doubt import InDoubtResolver, log_failure
from receipts.worker.log_context import about
from receipts.worker.rate_limit import SLOT_TOLERANCE_SECONDS
from receipts.worker.result_writer import ResultWriter, SendResult
from receipts.worker.timers import TimerService

_log = structlog.get_logger()

#: Lease length: other workers reclaim the entries of a worker without a heartbeat for this long.
LEASE_SECONDS = 5.0
#: Intervals of lease renewal and of reclaiming expired leases, and of due timers.
HEARTBEAT_INTERVAL_SECONDS, TIMER_INTERVAL_SECONDS = 1.5, 0.1
#: Time-out of a blocking fetch from an empty outbox.
POLL_TIMEOUT_SECONDS = 0.1
_MIN_WAIT_SECONDS = 0.001
#: Time-out of the wait for free threads, after which periodic tasks run again.
IDLE_WAIT_SECONDS = 0.02
#: A flash receipt waits until the last round before its timer is due, which makes its wait as long
#: as the rule book says at most. An idle server ends a blocking fetch up to 0.1 s late (hz 10).
DIGEST_LEAD = dt.timedelta(seconds=TIMER_INTERVAL_SECONDS + 0.1)
#: Timers fetched per round: digest timers are built in one commit and cost little.
MAX_TIMERS_PER_ROUND = 4 * BATCH
#: Intervals of a check for a new rule book, and of a refresh of breakers and backlog.
RULES_INTERVAL_SECONDS, BACKLOG_INTERVAL_SECONDS = 0.5, 0.5
#: Interval at which a task without a send slot asks for one again.
SLOT_RETRY_SECONDS = 0.05


class Worker:
    """Queue consumer with leases: fetch, heartbeat, reclaim, send, acknowledge.

    Several workers may share one outbox. A receipt is sent only within its lease, so that a
    reclaimed entry is never sent twice.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        lifecycle: ReceiptLifecycle,
        timers: TimerService,
        dispatcher: Dispatcher,
        threads: int = 16,
        refreshed: Callable[[], tuple[ReceiptLifecycle, TimerService] | None] = lambda: None,
    ) -> None:
        self._name, self._store, self._outbox = name, store, outbox
        self._lifecycle, self._timers, self._threads = lifecycle, timers, threads
        self._dispatcher, self._refreshed = dispatcher, refreshed
        self._pool = ThreadPoolExecutor(threads, "send")
        # Look-ups have their own threads: a slow look-up must not delay sending.
        self._resolver = InDoubtResolver(store, lambda: self._lifecycle, max(1, threads // 2))
        self._in_progress: set[OutboxEntry] = set()  # entry ids are unique only within a shard
        self._renewed_at = self._lease_lost_at = self._timers_fired_at = 0.0
        self._lock = threading.Lock()
        self._results = ResultWriter(store, self._release)
        self._has_room, self._stop = threading.Event(), threading.Event()
        #: Interval in seconds and task; a task that returns True runs again in the next round.
        self._periodic: tuple[tuple[float, Callable[[], object]], ...] = (
            (BACKLOG_INTERVAL_SECONDS, self._refresh_backlog),
            (TIMER_INTERVAL_SECONDS, self._fire_timers),
            (HEARTBEAT_INTERVAL_SECONDS, self._heartbeat),
            (RULES_INTERVAL_SECONDS, self._refresh_rules),
        )
        self._last_run = [0.0] * len(self._periodic)

    def stop(self) -> None:
        """Fetch no more entries; ``run`` returns once all results are written."""
        self._stop.set()

    @property
    def in_progress(self) -> int:
        """The number of receipts that are being sent."""
        return len(self._in_progress)

    @property
    def unwritten(self) -> int:
        """The number of results that are not written to the store yet."""
        return self._results.unwritten

    @property
    def heartbeat_age_seconds(self) -> float:
        """The time since the leases were last renewed; 0 before the start."""
        return time.monotonic() - self._renewed_at if self._renewed_at else 0.0

    def run(self, alive: Callable[[], None] = lambda: None) -> None:
        """Work until stopped; retry while the store is unavailable. Each round calls ``alive``."""
        self._renewed_at = time.monotonic()
        try:
            while not self._stop.is_set():
                alive()
                try:
                    self._round()
                except StoreUnavailableError as failure:
                    _log.warning("store out of reach, waiting", why=str(failure))
                    self._stop.wait(0.5)
            while self._in_progress:
                alive()
                with contextlib.suppress(StoreUnavailableError):
                    self._renew_leases()
                time.sleep(0.1)
        finally:
            # After an error of the worker, too, running tasks end and their results are written.
            self._pool.shutdown()
            self._resolver.close()

    def _round(self) -> None:
        for index, (interval, task) in enumerate(self._periodic):
            if time.monotonic() - self._last_run[index] >= interval:
                self._last_run[index] = time.monotonic()
                if task() is True:
                    self._last_run[index] = 0.0
        self._fetch()

    def _fetch(self) -> None:
        self._has_room.clear()
        # A round costs the same for one entry as for many, so it waits for half the capacity.
        if (room := self._room()) >= self._threads:
            limit = self._dispatcher.fetch_limit(room)
            timers_in = self._timers_fired_at + TIMER_INTERVAL_SECONDS - time.monotonic()
            wait = self._dispatcher.poll_timeout(POLL_TIMEOUT_SECONDS)
            wait = max(_MIN_WAIT_SECONDS, min(wait, timers_in))
            self._start_tasks(self._outbox.fetch(self._name, limit, wait), room)
        else:
            self._has_room.wait(IDLE_WAIT_SECONDS)

    def _room(self) -> int:
        """The number of receipts to take; of those in progress, some only wait to be written."""
        return 2 * self._threads - len(self._in_progress) + min(self.unwritten, self._threads)

    def _renew_leases(self) -> list[OutboxEntry]:
        with self._lock:
            in_progress = list(self._in_progress)
        now = time.monotonic()
        if now - self._renewed_at > LEASE_SECONDS:
            # Other workers may have reclaimed every entry fetched before.
            self._lease_lost_at = now
        self._outbox.renew_leases(self._name, in_progress)
        self._renewed_at = now
        return in_progress

    def _heartbeat(self) -> None:
        in_progress = self._renew_leases()
        reclaimed = self._outbox.reclaim(self._name, LEASE_SECONDS, BATCH)
        self._start_tasks([entry for entry in reclaimed if entry not in in_progress], BATCH)

    def _refresh_rules(self) -> None:
        # Tasks in progress end under the previous rules.
        if (fresh := self._refreshed()) is not None:
            self._lifecycle, self._timers = fresh
            self._dispatcher.set_lifecycle(self._lifecycle)

    def _refresh_backlog(self) -> None:
        self._dispatcher.refresh_backlog()
        # Retries held for a provider whose breaker has opened are rerouted at once.
        for timer in self._dispatcher.breakers.released_timers():
            self._fire_timer(timer)

    def _fire_timers(self) -> bool:
        """Fire due timers; True if more digest timers are probably due."""
        self._timers_fired_at = time.monotonic()
        due = self._timers.due_timers(MAX_TIMERS_PER_ROUND, DIGEST_LEAD)
        digests = [timer for timer in due if timer.kind == DIGEST]
        flushed = self._fire_safely(lambda: self._timers.flush_digests(digests), DIGEST)
        # A failed flush falls back to one commit per timer, which isolates the faulty record.
        others = due if digests and not flushed else [t for t in due if t.kind != DIGEST]
        lookups: dict[Msisdn, list[Timer]] = {}
        for timer in others[:BATCH]:
            if timer.kind == LOOKUP:
                lookups.setdefault(timer.number, []).append(timer)
            else:
                self._fire_timer(timer)
        for number, timers in lookups.items():
            self._resolver.submit(number, timers)
        return flushed and len(digests) >= BATCH // 2

    def _fire_timer(self, timer: Timer) -> None:
        self._fire_safely(lambda: self._timers.fire(timer), timer.kind, timer.subject)

    @staticmethod
    def _fire_safely(fire: Callable[[], object], kind: str, subject: str = "") -> bool:
        try:
            fire()
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one customer's error must not stop all sending
            _log.exception("a timer failed, and stays set", kind=kind, subject=subject)
            return False
        return True

    def _start_tasks(self, entries: Sequence[OutboxEntry], room: int) -> None:
        leased_at = time.monotonic()
        tasks = self._dispatcher.next_tasks(entries, room)
        with self._lock:
            self._in_progress.update(task.entry for task in tasks)
        for task in tasks:
            self._pool.submit(self._send, task, leased_at).add_done_callback(log_failure)

    def _send(self, task: SendTask, leased_at: float) -> None:
        with about(task.receipt):
            try:
                result = self._attempt(task, leased_at)
            except Exception:  # noqa: BLE001 - the entry stays in the outbox and is looked up
                _log.exception("a receipt's worker failed")
                result = None
        if result is None:
            self._release(task.entry)
        else:
            self._results.submit(result)

    def _release(self, entry: OutboxEntry) -> None:
        with self._lock:
            self._in_progress.discard(entry)
        if self._room() >= self._threads:
            self._has_room.set()

    def _attempt(self, task: SendTask, leased_at: float) -> SendResult | None:
        """Send one receipt within its lease; None if the lease ended first."""
        has_slot = self._wait_for_slot(task)
        # Computed before the check: a heartbeat in between must not extend the deadline.
        deadline = max(leased_at, self._renewed_at) + LEASE_SECONDS
        if leased_at < self._lease_lost_at or time.monotonic() > deadline:
            # Another worker may have reclaimed the entry; it looks the receipt up first.
            _log.warning("too long without a sign of life")
            return None
        if not has_slot:
            return self._failure_result(task, TemporaryError("no room on the line"))
        try:
            return self._send_to_provider(task, deadline)
        except DeadlineExceededError:
            _log.warning("stopped just before it left")
            return None

    def _wait_for_slot(self, task: SendTask) -> bool:
        """Sleep until the task's send slot; False if none came within half a lease."""
        send_at, deadline = task.send_at, time.monotonic() + LEASE_SECONDS / 2
        while task.send_at is not None:
            wait = (send_at or 0.0) - time.monotonic()
            if wait <= 0:
                if wait > -SLOT_TOLERANCE_SECONDS:
                    return True
                if time.monotonic() > deadline:
                    return False
                # The slot passed while all threads were busy.
                send_at = self._dispatcher.next_slot(task)
                wait = SLOT_RETRY_SECONDS if send_at is None else 0.0
            time.sleep(wait)
        return True

    def _send_to_provider(self, task: SendTask, deadline: float) -> SendResult:
        receipt, entry, route = task.receipt, task.entry, task.route
        provider, breakers = route.provider, self._dispatcher.breakers
        if provider.name in breakers.open and not route.trial:
            demoted = TemporaryError(f"{provider.name} was demoted meanwhile")
            return self._failure_result(task, demoted)
        try:
            provider_id = provider.send(self._lifecycle.outbound_message(receipt, deadline))
        except ProviderError as failure:
            _log.info("not sent", provider=provider.name, why=failure.detail)
            breakers.record_failure(provider.name, failure, trial=route.trial)
            return self._failure_result(task, failure)
        _log.info("sent", provider=provider.name)
        breakers.record_success(provider.name, trial=route.trial)

        def decide(current: Receipt) -> ChangeSet:
            subscription = subscription_for_charge(self._store, current)
            return self._lifecycle.accepted(current, provider_id, entry, subscription)

        return SendResult(receipt, entry, decide)

    def _failure_result(self, task: SendTask, failure: ProviderError) -> SendResult:
        breakers, name = self._dispatcher.breakers, task.route.provider.name
        unavailable = breakers.open
        return SendResult(
            task.receipt,
            task.entry,
            lambda current: self._lifecycle.failed(current, failure, task.entry, unavailable),
            lambda change: breakers.hold_timers(name, change.timers),
        )
