"""Rate limits and circuit breakers of the routes to the providers, shared by all workers."""

import math
import time
from collections.abc import Callable, Iterable, Mapping

from receipts.model.staff import StaffAct
from receipts.store.codec import decode_record, encode_record
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import load_script
from receipts.store.retention import RetentionSeconds
from receipts.store.staff.script import StaffScript
from receipts.worker.circuit_breaker import BreakerState
from receipts.worker.rate_limit import RateLimit, SendSlots

_PACE_SHA = load_script("pace.lua")

#: How far ahead send slots are given out. Longer leaves more texts in doubt when a worker dies,
#: shorter costs more round trips.
_RESERVATION_WINDOW_US = 250_000

_US_PER_SECOND = 1_000_000

#: A form of staff that is sent again later meets another state, and is refused by it.
_CLAIM_SECONDS = 3 * 86_400


class RedisRateLimiter:
    """The state that all workers share about routes. Every method raises StoreUnavailableError."""

    def __init__(
        self, connection: RedisConnection, retention: Callable[[], RetentionSeconds]
    ) -> None:
        """``retention`` is the present one, for acts of staff."""
        self._connection, self._retention = connection, retention
        self._offset = ClockOffset()

    def load(self, providers: Iterable[str]) -> dict[str, BreakerState]:
        """The breaker state of these providers; an unknown one is healthy."""
        names = list(providers)
        replies = self._connection.execute(*(("GET", KeySchema.health(name)) for name in names))
        found = zip(names, replies, strict=True)
        return {name: decode_record(BreakerState, raw) or BreakerState(name) for name, raw in found}

    def save(self, health: BreakerState) -> bool:
        """Save a new breaker state; False when another worker changed it meanwhile."""
        script = StaffScript()
        record = encode_record(health, health.version)
        script.add("save", KeySchema.health(health.provider), 0, record)
        (reply,) = self._connection.execute(script.command)
        return bool(reply[0][0] == b"done")

    def switch(self, health: BreakerState, act: StaffAct, event_id: str) -> bool:
        """Save a state with the act of staff that made it; False if the state was changed.

        True too for an event that was saved before.
        """
        script, record = StaffScript(), encode_record(health, health.version)
        script.add("claim", KeySchema.staff_claim(event_id), _CLAIM_SECONDS)
        script.add("save", KeySchema.health(health.provider), 0, record)
        script.act(act, self._retention().log)
        (reply,) = self._connection.execute(script.command)
        return bool(reply[0][0] != b"conflict")

    def was_applied(self, event_id: str) -> bool:
        """Whether an act with this event id was saved."""
        (count,) = self._connection.execute(("EXISTS", KeySchema.staff_claim(event_id)))
        return bool(count)

    def reserve(self, wanted: Mapping[RateLimit, int]) -> dict[RateLimit, SendSlots]:
        """Send slots of several rate limits in one round trip; fewer than wanted, or none."""
        sent_at = time.monotonic()
        replies = self._connection.execute(*(_reservation(*each) for each in wanted.items()))
        for _, _, now_us in replies:
            self._offset.update(now_us / _US_PER_SECOND, sent_at, time.monotonic())
        slots = {}
        for pace, (first_us, count, _) in zip(wanted, replies, strict=True):
            first = first_us / _US_PER_SECOND - self._offset.seconds
            slots[pace] = SendSlots(first, count, pace.interval_seconds)
        return slots


def _reservation(pace: RateLimit, count: int) -> tuple[str | int, ...]:
    interval_us, key = round(pace.interval_seconds * _US_PER_SECOND), KeySchema.pace(pace.name)
    return "EVALSHA", _PACE_SHA, 1, key, interval_us, count, _RESERVATION_WINDOW_US


class ClockOffset:
    """The server's clock less our monotonic one, bounded closer by each reply.

    Without the bounds, a slow reply would put all its slots later than other workers see them.
    """

    def __init__(self) -> None:
        self._least, self._most = -math.inf, math.inf

    @property
    def seconds(self) -> float:
        """The middle of the bounds."""
        return (self._least + self._most) / 2

    def update(self, server_seconds: float, sent_at: float, received_at: float) -> None:
        """Narrow the bounds by a server time read between two monotonic times, in seconds."""
        least, most = server_seconds - received_at, server_seconds - sent_at
        self._least, self._most = max(self._least, least), min(self._most, most)
        if self._least > self._most:  # a clock was set, or another server answers now
            self._least, self._most = least, most
