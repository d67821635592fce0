"""How sending stands, for machines and staff: providers, backlog, receipts nobody is sure of."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from app.bootstrap import StoreClients
from receipts.ports.clock import Clock
from receipts.ports.store import Backlog
from receipts.worker.circuit_breaker import BreakerState


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One look; ``queued`` and ``waiting`` are by shard, each with seconds since the oldest."""

    healths: tuple[BreakerState, ...]
    queued: tuple[tuple[Backlog, float], ...]
    waiting: tuple[tuple[Backlog, float], ...]
    unsure: int

    def of(self, provider: str) -> tuple[int, float]:
        """How many wait for a provider, and the seconds since the oldest of them was made."""
        mine = [(each.count, age) for each, age in self.waiting if each.queue == provider]
        return sum(count for count, _ in mine), max((age for _, age in mine), default=0.0)


def look(memory: StoreClients, providers: Iterable[str], clock: Clock) -> QueueStatus:
    """How sending stands now. Raises StoreUnavailable."""
    names = tuple(providers)
    return QueueStatus(
        tuple(memory.rate_limiter.load(names).values()),
        _aged(memory.outbox.depth(), clock.wall_clock()),
        _aged(memory.outbox.backlog(names), clock.now()),
        memory.bulk_reader.unsure()[0],
    )


def _aged(waiting: Iterable[Backlog], now: dt.datetime) -> tuple[tuple[Backlog, float], ...]:
    return tuple((each, max(0.0, (now - each.oldest).total_seconds())) for each in waiting)
