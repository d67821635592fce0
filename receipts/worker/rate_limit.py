"""Rate limiting of providers: token spacing, send slots, and a fair share for new receipts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

#: Slots are wider apart than the limit by this fraction, and a text may use its slot this late.
#: Both keep every second within the limit although transit times vary.
_SPACING_MARGIN = 0.15
SLOT_TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Limit of one provider and sender number, in segments per second."""

    name: str
    per_second: int

    @property
    def interval_seconds(self) -> float:
        """Token spacing: seconds from one slot to the next."""
        return (1 + _SPACING_MARGIN) / self.per_second


@dataclass(frozen=True, slots=True)
class SendSlots:
    """``count`` reserved tokens, evenly spaced from ``first``, a monotonic time in seconds."""

    first: float
    count: int
    interval_seconds: float

    def times_for(self, segments: Sequence[int]) -> list[float]:
        """Send times of texts with these segment counts, in order, while slots remain."""
        times, used = [], 0
        for each in segments:
            needed = slots_needed(each)
            if used + needed > self.count:
                break
            # Slots before and after the text keep any window of a second within the limit.
            times.append(self.first + (used + each - 1) * self.interval_seconds)
            used += needed
        return times


def slots_needed(segments: int) -> int:
    """Slots of a text: its segments, with spacing before and after a long one."""
    return 2 * segments - 1


@dataclass(frozen=True, slots=True)
class Allocation:
    """Receipts sent now: just fetched, newest of the backlog, oldest of the backlog."""

    taken: int
    newest: int
    oldest: int


class FairShare:
    """Weighted sharing of send slots between new receipts and the backlog; work-conserving.

    New receipts keep ``percent`` of the slots, the oldest of the backlog gets the rest. A fraction
    of a slot is credited to the next round (deficit round robin), up to one slot.
    """

    def __init__(self, percent: int) -> None:
        self._share, self._credit = percent / 100, 0.0

    def split(self, room: int, taken: int, waiting: int) -> Allocation:
        """Allocate ``room`` slots to ``taken`` new receipts and a backlog of ``waiting``."""
        self._credit += room * self._share
        kept = int(self._credit)
        chosen = min(taken, room, max(kept, room - waiting))
        # New receipts without a slot in an earlier round are the newest of the backlog.
        newest = max(0, min(kept, room, chosen + waiting) - chosen)
        self._credit = min(max(self._credit - chosen - newest, 0.0), 1.0)
        return Allocation(chosen, newest, min(waiting, room - chosen) - newest)


class RateLimiter(Protocol):
    """Rate limiter shared by all workers. Every method raises StoreUnavailableError."""

    def reserve(self, slots: Mapping[RateLimit, int]) -> dict[RateLimit, SendSlots]:
        """Reserve up to so many slots per limit, in one round trip."""
