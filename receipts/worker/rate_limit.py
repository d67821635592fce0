"""The lines to the providers: how each is doing, and how fast it may be used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

#: By how much the places of texts lie further apart than the limit asks, and by how much a text
#: may leave after its place: together they keep every second within the limit, though one text
#: takes a little longer to arrive than the next.
_MARGIN = 0.15
SLOT_TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many segments a second a line takes. ``line`` names provider and sender."""

    name: str
    per_second: int

    @property
    def interval_seconds(self) -> float:
        """Seconds from one place to the next."""
        return (1 + _MARGIN) / self.per_second


@dataclass(frozen=True, slots=True)
class SendSlots:
    """Places in the queue of a line: the first, by the monotonic clock, and how many."""

    first: float
    count: int
    interval_seconds: float

    def times_for(self, segments: Sequence[int]) -> list[float]:
        """When texts of so many segments may leave, in order, as many as there is room for."""
        moments, used = [], 0
        for each in segments:
            needed = slots_needed(each)
            if used + needed > self.count:
                break
            # Its own places before it and after it: wherever a second begins, it fits in.
            moments.append(self.first + (used + each - 1) * self.interval_seconds)
            used += needed
        return moments


def slots_needed(segments: int) -> int:
    """How many places a text takes: one, or for a long one as many as keep a second in bounds."""
    return 2 * segments - 1


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many leave by a line now: of those just taken, and of the backlog's two ends."""

    taken: int
    newest: int
    oldest: int


class FairShare:
    """Shares a line between the oldest that wait and fresh ones; never leaves a place empty."""

    def __init__(self, percent: int) -> None:
        self._share, self._owed = percent / 100, 0.0

    def split(self, room: int, taken: int, waiting: int) -> Allocation:
        """Who goes into ``room``: the oldest, but for the share that is kept for fresh ones."""
        self._owed += room * self._share
        kept = int(self._owed)
        chosen = min(taken, room, max(kept, room - waiting))
        # Fresh ones that found no room wait at the young end of the backlog.
        newest = max(0, min(kept, room, chosen + waiting) - chosen)
        # What is less than one stays owed, so that slow lines keep the share too.
        self._owed = min(max(self._owed - chosen - newest, 0.0), 1.0)
        return Allocation(chosen, newest, min(waiting, room - chosen) - newest)


class RateLimiter(Protocol):
    """Send slots that all workers share. Every method raises StoreUnavailableError."""

    def reserve(self, slots: Mapping[RateLimit, int]) -> dict[RateLimit, SendSlots]:
        """Slots by rate limit, in one round trip; fewer than wanted, or none."""
