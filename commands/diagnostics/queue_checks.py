"""Checks of sending: workers, receipts that are due, timers, providers, receipts in doubt."""

from collections.abc import Iterator

from app import queue_status
from app.bootstrap import StoreClients
from app.clock import clock_for
from app.queue_status import QueueStatus
from app.sender_health import SenderHealth
from app.settings import Settings
from commands.diagnostics.check import Check
from receipts.ports.clock import Clock
from receipts.ports.store import StoreUnavailableError
from receipts.providers.failure_codes import read_failure
from receipts.worker.circuit_breaker import BreakerState

#: A worker asks the store for work several times a second.
_SILENT_SECONDS = 10

#: A receipt in the outbox is sent within a second; within a lease when a worker died.
_DUE_SECONDS = 15

_START = "start `sms-receipt work` with the settings of `serve`"


def check_queue(settings: Settings, clients: StoreClients) -> Iterator[Check]:
    """Check that receipts are sent: by workers, in time, and by providers that deliver."""
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    try:
        now = queue_status.read_status(clients, settings.providers, clock)
        idle_seconds = clients.outbox.workers_idle_seconds()
        overdue_seconds = _overdue_seconds(clients, clock)
    except StoreUnavailableError as failure:
        yield Check(False, "the outbox", str(failure))
        return
    yield _workers(idle_seconds)
    yield from _due(now, overdue_seconds)
    for health in now.healths:
        yield _provider_state(health, *now.of(health.provider))
    for sender in now.senders:
        yield from _sender(sender)
    if now.unsure:
        subject = f"{now.unsure} receipts may or may not have gone out"
        yield Check(False, subject, "see sms-receipt unsure, and docs/runbook.md")


def _overdue_seconds(clients: StoreClients, clock: Clock) -> float:
    """Age of the oldest timer that is due and has not fired, in seconds."""
    now = clock.now()
    due = clients.outbox.due_timers(now, 1)
    return (now - due[0].at).total_seconds() if due and due[0].at else 0.0


def _workers(idle_seconds: list[float]) -> Check:
    alive = sum(seconds < _SILENT_SECONDS for seconds in idle_seconds)
    if alive:
        return Check(True, f"{alive} {'worker is' if alive == 1 else 'workers are'} alive")
    seen = f"; the last was seen {min(idle_seconds):.0f} s ago" if idle_seconds else ""
    return Check(False, f"no worker is alive{seen}", _START)


def _due(now: QueueStatus, overdue_seconds: float) -> Iterator[Check]:
    count = sum(each.count for each, _ in now.queued)
    oldest_seconds = max((age for _, age in now.queued), default=0.0)
    if oldest_seconds >= _DUE_SECONDS:
        due = "1 receipt is due" if count == 1 else f"{count} receipts are due, the oldest"
        subject = f"{due} for {oldest_seconds:.0f} s"
        yield Check(False, subject, f"{_START}, or start more workers")
    else:
        yield Check(True, f"no receipt is overdue ({count} in hand)")
    if overdue_seconds >= _DUE_SECONDS:
        subject = f"timers are overdue, the oldest by {overdue_seconds:.0f} s"
        yield Check(False, subject, f"{_START}; if one runs, see its log")


def _provider_state(health: BreakerState, count: int, oldest_seconds: float) -> Check:
    backlog = f"; {count} receipts wait for it, the oldest {oldest_seconds:.0f} s old"
    waiting = backlog if count else ""
    if not health.is_open:
        return Check(True, f"{health.provider}: not demoted{waiting}")
    since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC" if health.since else "unknown"
    subject = f"{health.provider} is demoted since {since}{waiting}"
    _, cause = read_failure(health.provider, health.reason)
    reason = f"{health.reason} ({cause})" if cause else health.reason
    return Check(False, subject, f"{reason}; it is tried again by itself (docs/runbook.md)")


def _sender(sender: SenderHealth) -> Iterator[Check]:
    if not sender.failed:
        return
    subject = (
        f"{sender.failed} of the last {sender.ended} receipts by {sender.provider} did not arrive"
    )
    if sender.is_failing:
        yield Check(False, f"{subject}: the sender fails as a whole", sender.causes())
    else:
        yield Check(True, subject, sender.causes())
