"""Circuit breakers, senders, backlog and receipts in doubt."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from app.sender_health import SenderHealth
from app.storage.clients import StoreClients
from receipts.ports.clock import Clock
from receipts.ports.store import Backlog
from receipts.worker.circuit_breaker import BreakerState

#: A worker asks the store for work several times a second.
_SILENT_SECONDS = 10

#: At most so many of the oldest due timers are read.
MOST_TIMERS = 1000


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Status at one moment; backlogs are by shard, with the age of the oldest in seconds."""

    healths: tuple[BreakerState, ...]
    queued: tuple[tuple[Backlog, float], ...]
    waiting: tuple[tuple[Backlog, float], ...]
    unsure: int
    senders: tuple[SenderHealth, ...] = ()

    def of(self, provider: str) -> tuple[int, float]:
        """Receipts that wait for a provider, and the age of the oldest in seconds."""
        mine = [(each.count, age) for each, age in self.waiting if each.queue == provider]
        return sum(count for count, _ in mine), max((age for _, age in mine), default=0.0)


def read_status(clients: StoreClients, providers: Iterable[str], clock: Clock) -> QueueStatus:
    """Read the status. Raises StoreUnavailableError."""
    names = tuple(providers)
    return QueueStatus(
        tuple(clients.rate_limiter.load(names).values()),
        aged(clients.outbox.depth(), clock.wall_clock()),
        aged(clients.outbox.backlog(names), clock.now()),
        clients.bulk_reader.unsure()[0],
        tuple(SenderHealth.from_results(n, clients.bulk_reader.results(n)) for n in names),
    )


def aged(waiting: Iterable[Backlog], now: dt.datetime) -> tuple[tuple[Backlog, float], ...]:
    """Each backlog with the age of its oldest entry in seconds."""
    return tuple((each, max(0.0, (now - each.oldest).total_seconds())) for each in waiting)


def workers_alive(idle_seconds: Iterable[float]) -> int:
    """The workers that have asked for work lately, by the seconds since each did."""
    return sum(each < _SILENT_SECONDS for each in idle_seconds)
