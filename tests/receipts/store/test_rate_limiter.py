"""Send slots, reserved on the server: none twice and none too early."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.retention import RetentionSeconds
from receipts.worker.circuit_breaker import BreakerState
from receipts.worker.rate_limit import RateLimit

PACE = RateLimit("courier:7500", 50)


@pytest.fixture
def lines(server: RedisConnection) -> RedisRateLimiter:
    return RedisRateLimiter(server, RetentionSeconds)


def test_send_slots_are_unique(lines: RedisRateLimiter):
    def ask(_: int) -> list[tuple[float, float]]:
        """Moments, each with the error of its conversion to this clock: a round trip at most."""
        began = time.monotonic()
        given = lines.reserve({PACE: 5})[PACE]
        error = time.monotonic() - began
        time.sleep(0.02)
        return [(at, error) for at in given.times_for([1] * given.count)]

    with ThreadPoolExecutor(4) as pool:
        moments = sorted(each for found in pool.map(ask, range(40)) for each in found)
    assert len(moments) > 10
    for (earlier, first_error), (later, second_error) in itertools.pairwise(moments):
        assert later - earlier > PACE.interval_seconds - first_error - second_error - 0.001


def test_slots_are_reserved_for_a_quarter_of_a_second(lines: RedisRateLimiter):
    began = time.monotonic()
    given = lines.reserve({PACE: 1000})[PACE]
    assert given.count == int(0.25 / PACE.interval_seconds) + 1
    second = time.monotonic()
    more = lines.reserve({PACE: 1000})[PACE]
    assert more.count <= 1 + (time.monotonic() - began) / PACE.interval_seconds
    assert more.first > second


def test_rate_limits_are_independent(lines: RedisRateLimiter):
    other = RateLimit("other:7500", 1)
    found = lines.reserve({PACE: 4, other: 4})
    assert (found[PACE].count, found[other].count) == (4, 1)
    assert lines.reserve({}) == {}


def test_clock_set_back_delays_slots_for_a_minute_at_most(
    lines: RedisRateLimiter, raw: "redis.Redis"
):
    raw.set(KeySchema.pace(PACE.name), int((time.time() + 86_400) * 1e6))
    given = lines.reserve({PACE: 1})[PACE]
    assert (given.count, given.first - time.monotonic() <= 60) == (0, True)


def test_concurrent_breaker_change_is_refused(lines: RedisRateLimiter):
    assert lines.load(["a", "b"]) == {"a": BreakerState("a"), "b": BreakerState("b")}
    assert lines.save(BreakerState("a", 1, reason="mine"))
    assert not lines.save(BreakerState("a", 1, reason="another's"))
    assert lines.load(["a"])["a"].reason == "mine"
