"""One worker's watch over the providers, and what it tells the others."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.schema import SendingRules
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.worker.circuit_breaker import CircuitBreakers
from tests.conftest import TestClock

RULES = SendingRules(demote_after=3, probe_after_seconds=(5, 15))
LATER = TemporaryError("kannel 503")
TIMER = Timer("retry", Msisdn("+8613802880000"), "5-1")


@pytest.fixture
def watches(built: Container, clock: TestClock) -> list[CircuitBreakers]:
    """Two workers."""
    names = ["kannel", "twilio"]
    return [CircuitBreakers(built.memory.lines, names, RULES, clock) for _ in range(2)]


def fail(watch: CircuitBreakers, times: int = 3, name: str = "kannel") -> None:
    for _ in range(times):
        watch.record_failure(name, LATER)


def test_three_failures_in_a_row_demote_it_for_every_worker(watches: list[CircuitBreakers]):
    mine, others = watches
    fail(mine, 2)
    mine.record_success("kannel")
    fail(mine, 2)
    assert mine.open == set()
    mine.record_failure("kannel", UnknownOutcomeError("no answer"))
    assert mine.open == {"kannel"}
    assert others.open == set()
    others.refresh()
    assert others.open == {"kannel"}


def test_a_clear_no_is_about_the_receipt_and_not_about_the_provider(watches: list[CircuitBreakers]):
    fail(watches[0], 2)
    watches[0].record_failure("kannel", PermanentError("opted out"))
    fail(watches[0], 2)
    assert watches[0].open == set()


def test_one_of_all_workers_tries_it_once_the_wait_is_over(
    watches: list[CircuitBreakers], clock: TestClock
):
    mine, others = watches
    fail(mine)
    others.refresh()
    assert not mine.try_half_open("kannel")
    clock.move(seconds=5)
    assert others.may_try("kannel")
    tries = [each.try_half_open("kannel") for each in (mine, others, mine)]
    assert tries == [True, False, False]
    mine.record_failure("kannel", LATER, trial=True)
    clock.move(seconds=14)
    assert not mine.may_try("kannel")
    clock.move(seconds=1)
    others.refresh()
    assert others.try_half_open("kannel")
    # What was on its way before says nothing; the answer to the try does.
    mine.refresh()
    mine.record_success("kannel")
    assert mine.open == {"kannel"}
    others.record_success("kannel", trial=True)
    assert others.open == set()
    mine.refresh()
    assert mine.open == set()


def test_what_was_to_be_tried_again_need_not_wait_once_the_provider_is_demoted(
    watches: list[CircuitBreakers],
):
    mine, _ = watches
    fail(mine, 2)
    mine.hold_timers("kannel", [TIMER])
    assert mine.released_timers() == []
    fail(mine, 1)
    assert mine.released_timers() == [TIMER]
    assert mine.released_timers() == []


def test_a_success_forgets_what_waited(watches: list[CircuitBreakers]):
    mine, _ = watches
    fail(mine, 1)
    mine.hold_timers("kannel", [TIMER])
    mine.record_success("kannel")
    fail(mine, 3)
    assert mine.released_timers() == []


def test_while_nothing_is_wrong_nothing_is_written(
    watches: list[CircuitBreakers], monkeypatch: pytest.MonkeyPatch
):
    def keep(*_: object) -> bool:
        raise AssertionError

    monkeypatch.setattr(RedisRateLimiter, "save", keep)
    for _ in range(5):
        watches[0].record_success("kannel")
    fail(watches[0], 2)


def test_a_store_out_of_reach_is_told_again_with_the_next_failure(
    watches: list[CircuitBreakers], monkeypatch: pytest.MonkeyPatch
):
    def keep(*_: object) -> bool:
        raise StoreUnavailableError("gone")

    with monkeypatch.context() as gone:
        gone.setattr(RedisRateLimiter, "save", keep)
        fail(watches[0])
        assert watches[0].open == set()
    fail(watches[0], 1)
    assert watches[0].open == {"kannel"}


def test_a_store_that_was_emptied_begins_anew(watches: list[CircuitBreakers], raw: "redis.Redis"):
    fail(watches[0])
    raw.flushall()
    watches[0].refresh()
    assert watches[0].open == set()
