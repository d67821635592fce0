"""Checks of sending: workers, receipts that are due, timers, providers, receipts in doubt."""

from collections.abc import Iterator

from app import queue_status
from app.clock import clock_for
from app.queue_status import QueueStatus
from app.sender_health import SenderHealth
from app.settings import Settings
from app.storage.clients import StoreClients
from commands.diagnostics.check import Check
from receipts.delivery.digest import DIGEST
from receipts.delivery.lifecycle import RETRY
from receipts.ports.changes import Timer
from receipts.ports.clock import Clock
from receipts.ports.store import StoreUnavailableError
from receipts.providers.failure_codes import read_failure
from receipts.reports.reconciliation import Reconciliation
from receipts.worker.circuit_breaker import BreakerState
from statemachines.provider import ProviderState

#: A receipt in the outbox is sent within a second; within a lease when a worker died.
_DUE_SECONDS = 15

#: Timers that put a receipt into the outbox.
_RECEIPT_TIMERS = {DIGEST, RETRY}

_START = "start `sms-receipt work` with the settings of `serve`"


def check_queue(settings: Settings, clients: StoreClients) -> Iterator[Check]:
    """Check that receipts are sent: by workers, in time, and by providers that deliver."""
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    try:
        now = queue_status.read_status(clients, settings.providers, clock)
        idle_seconds = clients.outbox.workers_idle_seconds()
        timers = clients.outbox.due_timers(clock.now(), queue_status.MOST_TIMERS)
        counts = clients.bulk_reader.counts()
    except StoreUnavailableError as failure:
        yield Check(False, "the outbox", str(failure))
        return
    yield _workers(idle_seconds)
    yield from _due(now, timers, clock)
    for health in now.healths:
        yield _provider_state(health, *now.of(health.provider))
    for sender in now.senders:
        yield from _sender(sender)
    if now.unsure:
        subject = f"{now.unsure} receipts may or may not have gone out"
        yield Check(False, subject, "see sms-receipt unsure", "ReceiptsInDoubt")
    if missing := Reconciliation.from_counts(counts).missing:
        subject = f"the counts of reports do not add up: {missing} of them have no result"
        yield Check(False, subject, "see sms-receipt reconcile", "ReportsMissing")


def _workers(idle_seconds: list[float]) -> Check:
    alive = queue_status.workers_alive(idle_seconds)
    if alive:
        return Check(True, f"{alive} {'worker is' if alive == 1 else 'workers are'} alive")
    seen = f"; the last was seen {min(idle_seconds):.0f} s ago" if idle_seconds else ""
    return Check(False, f"no worker is alive{seen}", _START, "NoWorker")


def _due(now: QueueStatus, timers: list[Timer], clock: Clock) -> Iterator[Check]:
    """Receipts in the outbox, or with a timer that has not fired, and all other timers."""
    ages: dict[bool, list[float]] = {True: [age for _, age in now.queued], False: []}
    for timer in timers:
        if timer.at:
            ages[timer.kind in _RECEIPT_TIMERS].append((clock.now() - timer.at).total_seconds())
    oldest_seconds, overdue_seconds = (max(ages[which], default=0.0) for which in (True, False))
    if oldest_seconds >= _DUE_SECONDS:
        count = sum(each.count for each, _ in now.queued)
        count += len(ages[True]) - len(now.queued)
        waiting = f"{count} {'entry waits' if count == 1 else 'entries wait'} for a worker"
        subject = f"receipts are due, the oldest for {oldest_seconds:.0f} s; {waiting}"
        yield Check(False, subject, f"{_START}, or start more workers", "ReceiptsOverdue")
    else:
        yield Check(True, "no receipt is overdue")
    if overdue_seconds >= _DUE_SECONDS:
        subject = f"timers are overdue, the oldest by {overdue_seconds:.0f} s"
        yield Check(False, subject, f"{_START}; if one runs, see its log", "TimersLate")


def _provider_state(health: BreakerState, count: int, oldest_seconds: float) -> Check:
    backlog = f"; {count} receipts wait for it, the oldest {oldest_seconds:.0f} s old"
    waiting = backlog if count else ""
    if not health.is_open:
        return Check(True, f"{health.provider}: not demoted{waiting}")
    if health.state is ProviderState.HELD:
        return _held(health, waiting)
    since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC" if health.since else "unknown"
    subject = f"{health.provider} is demoted since {since}{waiting}"
    _, cause = read_failure(health.provider, health.reason)
    reason = f"{health.reason} ({cause})" if cause else health.reason
    return Check(False, subject, f"{reason}; it is tried again by itself", "ProviderDown")


def _held(health: BreakerState, waiting: str) -> Check:
    since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC" if health.since else "unknown"
    subject = f"{health.provider} is held by {health.held_by} since {since}{waiting}"
    fix = f"{health.reason}; only staff release it, at /console/stuck"
    return Check(False, subject, fix, "ProviderHeld")


def _sender(sender: SenderHealth) -> Iterator[Check]:
    if not sender.failed:
        return
    subject = (
        f"{sender.failed} of the last {sender.ended} receipts by {sender.provider} did not arrive"
    )
    if sender.is_failing:
        whole = f"{subject}: the sender fails as a whole"
        yield Check(False, whole, sender.causes(), "SenderFailing")
    else:
        yield Check(True, subject, sender.causes(), "SenderFailing")
