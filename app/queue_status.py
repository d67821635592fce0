"""How sending stands, for machines and staff: providers, backlog, receipts nobody is sure of."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from app.bootstrap import Memory
from receipts.ports.clock import Clock
from receipts.ports.store import Waiting
from receipts.worker.circuit_breaker import Health


@dataclass(frozen=True, slots=True)
class Standing:
    """One look; ``queued`` and ``waiting`` are by shard, each with seconds since the oldest."""

    healths: tuple[Health, ...]
    queued: tuple[tuple[Waiting, float], ...]
    waiting: tuple[tuple[Waiting, float], ...]
    unsure: int

    def of(self, provider: str) -> tuple[int, float]:
        """How many wait for a provider, and the seconds since the oldest of them was made."""
        mine = [(each.count, age) for each, age in self.waiting if each.lane == provider]
        return sum(count for count, _ in mine), max((age for _, age in mine), default=0.0)


def look(memory: Memory, providers: Iterable[str], clock: Clock) -> Standing:
    """How sending stands now. Raises StoreUnavailable."""
    names = tuple(providers)
    return Standing(
        tuple(memory.lines.healths(names).values()),
        _aged(memory.outbox.queued(), clock.outside()),
        _aged(memory.outbox.waiting(names), clock.now()),
        memory.archive.unsure()[0],
    )


def _aged(waiting: Iterable[Waiting], now: dt.datetime) -> tuple[tuple[Waiting, float], ...]:
    return tuple((each, max(0.0, (now - each.oldest).total_seconds())) for each in waiting)
