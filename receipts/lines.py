"""The lines to the providers: how each is doing, and how fast it may be used."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from statemachines.provider import OUT_OF_USE, PROVIDER, ProviderEvent, ProviderState

#: Seconds after which a probe that was never heard of counts as lost: longer than any provider
#: is waited for.
_LOST = 60

#: By how much the places of texts lie further apart than the limit asks, and by how much a text
#: may leave after its place: together they keep every second within the limit, though one text
#: takes a little longer to arrive than the next.
_MARGIN = 0.15
LATEST = 0.05


class TooLate(Exception):
    """The time to send a text was over before a word of it left: others may have it by now."""


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one provider is doing; the same for all workers. ``turn`` counts probes in vain."""

    provider: str
    version: int = 0
    state: ProviderState = ProviderState.CLOSED
    since: dt.datetime | None = None
    #: Before this moment nothing more is tried with it.
    until: dt.datetime | None = None
    turn: int = 0
    why: str = ""

    @property
    def closed(self) -> bool:
        """Whether receipts go elsewhere, or wait."""
        return self.state in OUT_OF_USE

    def may_probe(self, now: dt.datetime) -> bool:
        """Whether the wait is over, and one receipt may try it."""
        refused = PROVIDER.fire(self.state, ProviderEvent.TRIAL).refused
        return not refused and (self.until is None or self.until <= now)


def after(
    health: Health, event: ProviderEvent, now: dt.datetime, waits: Sequence[int], why: str = ""
) -> Health | None:
    """The health after an event, None where it changes nothing.

    ``waits`` are the seconds before the first probe, the second, ...; the last repeats.
    """
    outcome = PROVIDER.fire(health.state, event)
    if outcome.refused:
        return None
    if outcome.state not in OUT_OF_USE:
        well = Health(health.provider, health.version + 1, since=now)
        return well if health.closed else None
    turn = health.turn + (event is ProviderEvent.TRIAL_FAILED)
    wait = _LOST if event is ProviderEvent.TRIAL else waits[min(turn, len(waits) - 1)]
    return Health(
        health.provider,
        health.version + 1,
        outcome.state,
        health.since if health.closed else now,
        now + dt.timedelta(seconds=wait),
        turn,
        why or health.why,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How many segments a second a line takes. ``line`` names provider and sender."""

    line: str
    a_second: int

    @property
    def interval(self) -> float:
        """Seconds from one place to the next."""
        return (1 + _MARGIN) / self.a_second


@dataclass(frozen=True, slots=True)
class Places:
    """Places in the queue of a line: the first, by the monotonic clock, and how many."""

    first: float
    count: int
    interval: float

    def of(self, segments: Sequence[int]) -> list[float]:
        """When texts of so many segments may leave, in order, as many as there is room for."""
        moments, used = [], 0
        for each in segments:
            needed = places(each)
            if used + needed > self.count:
                break
            # Its own places before it and after it: wherever a second begins, it fits in.
            moments.append(self.first + (used + each - 1) * self.interval)
            used += needed
        return moments


def places(segments: int) -> int:
    """How many places a text takes: one, or for a long one as many as keep a second in bounds."""
    return 2 * segments - 1


@dataclass(frozen=True, slots=True)
class Shares:
    """How many leave by a line now: of those just taken, and of the backlog's two ends."""

    taken: int
    newest: int
    oldest: int


class Reserve:
    """Shares a line between the oldest that wait and fresh ones; never leaves a place empty."""

    def __init__(self, percent: int) -> None:
        self._share, self._owed = percent / 100, 0.0

    def split(self, room: int, taken: int, waiting: int) -> Shares:
        """Who goes into ``room``: the oldest, but for the share that is kept for fresh ones."""
        self._owed += room * self._share
        kept = int(self._owed)
        chosen = min(taken, room, max(kept, room - waiting))
        # Fresh ones that found no room wait at the young end of the backlog.
        newest = max(0, min(kept, room, chosen + waiting) - chosen)
        # What is less than one stays owed, so that slow lines keep the share too.
        self._owed = min(max(self._owed - chosen - newest, 0.0), 1.0)
        return Shares(chosen, newest, min(waiting, room - chosen) - newest)


@dataclass(frozen=True, slots=True)
class Parked:
    """A receipt of this version put aside until a line has room for it; the oldest goes first."""

    receipt_id: str
    version: int
    lane: str
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """The receipts of one shard that wait for a line: how many, and since when the oldest."""

    lane: str
    shard: int
    count: int
    oldest: dt.datetime


class BreakerStore(Protocol):
    """State of the providers that all workers share. Every method raises StoreUnavailable."""

    def healths(self, providers: Iterable[str]) -> dict[str, Health]:
        """State by provider; a provider without a record is healthy."""

    def keep(self, health: Health) -> bool:
        """Write a new state; False when another worker changed it meanwhile."""


class RateLimiter(Protocol):
    """Send slots that all workers share. Every method raises StoreUnavailable."""

    def places(self, wanted: Mapping[Pace, int]) -> dict[Pace, Places]:
        """Slots by rate limit, in one round trip; fewer than wanted, or none."""
