"""Circuit breakers of two workers: tripping, half-open trials, held timers, outages."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from receipts.rulebook.schema import SendingRules
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.worker.circuit_breaker import CircuitBreakers
from tests.conftest import TestClock
from tests.receipts.worker.conftest import Rig

RULES = SendingRules(demote_after=3, probe_after_seconds=(5, 15))
TEMPORARY = TemporaryError("kannel 503")
TIMER = Timer("retry", Msisdn("+8613802880000"), "5-1")
Pair = tuple[CircuitBreakers, CircuitBreakers]


@pytest.fixture
def pair(built: Container, clock: TestClock) -> Pair:
    """Circuit breakers of two workers on one store."""
    lines, names = built.clients.rate_limiter, ["kannel", "twilio"]
    return CircuitBreakers(lines, names, RULES, clock), CircuitBreakers(lines, names, RULES, clock)


def fail(breakers: CircuitBreakers, times: int = 3) -> None:
    for _ in range(times):
        breakers.record_failure("kannel", TEMPORARY)


def test_three_failures_in_a_row_open_the_breaker_for_every_worker(pair: Pair):
    mine, others = pair
    fail(mine, 2)
    mine.record_success("kannel")
    fail(mine, 2)
    assert mine.open == set()
    mine.record_failure("kannel", UnknownOutcomeError("no answer"))
    assert (mine.open, others.open) == ({"kannel"}, set())
    others.refresh()
    assert others.open == {"kannel"}


def test_permanent_error_resets_the_failure_count(pair: Pair):
    fail(pair[0], 2)
    pair[0].record_failure("kannel", PermanentError("opted out"))
    fail(pair[0], 2)
    assert pair[0].open == set()


def test_one_of_all_workers_claims_the_half_open_trial(pair: Pair, clock: TestClock):
    mine, others = pair
    fail(mine)
    others.refresh()
    assert not mine.try_half_open("kannel")
    clock.move(seconds=5)
    assert others.may_try("kannel")
    assert [each.try_half_open("kannel") for each in (mine, others, mine)] == [True, False, False]
    mine.record_failure("kannel", TEMPORARY, trial=True)
    clock.move(seconds=14)
    assert not mine.may_try("kannel")
    clock.move(seconds=1)
    others.refresh()
    assert others.try_half_open("kannel")
    mine.refresh()
    # A result of an earlier receipt does not close the breaker; the trial's result does.
    mine.record_success("kannel")
    assert mine.open == {"kannel"}
    others.record_success("kannel", trial=True)
    assert others.open == set()
    mine.refresh()
    assert mine.open == set()


def test_held_timers_are_released_once_the_breaker_opens(pair: Pair):
    mine, _ = pair
    fail(mine, 2)
    mine.hold_timers("kannel", [TIMER])
    assert mine.released_timers() == []
    fail(mine, 1)
    assert [mine.released_timers() for _ in range(2)] == [[TIMER], []]


def test_success_drops_held_timers(pair: Pair):
    mine, _ = pair
    fail(mine, 1)
    mine.hold_timers("kannel", [TIMER])
    mine.record_success("kannel")
    fail(mine)
    assert mine.released_timers() == []


def test_closed_breaker_makes_no_write(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(RedisRateLimiter, "save", lambda *_: pytest.fail("written"))
    for _ in range(5):
        pair[0].record_success("kannel")
    fail(pair[0], 2)


def test_breaker_opens_with_the_next_failure_after_an_outage(pair: Pair, rig: Rig):
    left = rig.outage("save", on=RedisRateLimiter)
    fail(pair[0])
    assert (pair[0].open, left) == (set(), [])
    fail(pair[0], 1)
    assert pair[0].open == {"kannel"}


def test_emptied_store_closes_the_breaker(pair: Pair, raw: "redis.Redis"):
    fail(pair[0])
    raw.flushall()
    pair[0].refresh()
    assert pair[0].open == set()
