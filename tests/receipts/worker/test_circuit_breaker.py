"""One worker's watch over the providers, and what it tells the others."""

import pytest
import redis

from app.bootstrap import Services
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.ports.provider import Never, TryLater, Unsure
from receipts.ports.store import StoreUnavailable
from receipts.rulebook.schema import Sending
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.worker.circuit_breaker import Watch
from tests.conftest import TestClock

RULES = Sending(demote_after=3, probe_after_seconds=(5, 15))
LATER = TryLater("kannel 503")
TIMER = Timer("retry", Msisdn("+8613802880000"), "5-1")


@pytest.fixture
def watches(built: Services, clock: TestClock) -> list[Watch]:
    """Two workers."""
    names = ["kannel", "twilio"]
    return [Watch(built.memory.lines, names, RULES, clock) for _ in range(2)]


def fail(watch: Watch, times: int = 3, name: str = "kannel") -> None:
    for _ in range(times):
        watch.failed(name, LATER)


def test_three_failures_in_a_row_demote_it_for_every_worker(watches: list[Watch]):
    mine, others = watches
    fail(mine, 2)
    mine.answered("kannel")
    fail(mine, 2)
    assert mine.closed == set()
    mine.failed("kannel", Unsure("no answer"))
    assert mine.closed == {"kannel"}
    assert others.closed == set()
    others.look()
    assert others.closed == {"kannel"}


def test_a_clear_no_is_about_the_receipt_and_not_about_the_provider(watches: list[Watch]):
    fail(watches[0], 2)
    watches[0].failed("kannel", Never("opted out"))
    fail(watches[0], 2)
    assert watches[0].closed == set()


def test_one_of_all_workers_tries_it_once_the_wait_is_over(watches: list[Watch], clock: TestClock):
    mine, others = watches
    fail(mine)
    others.look()
    assert not mine.try_it("kannel")
    clock.move(seconds=5)
    assert others.ready("kannel")
    assert [mine.try_it("kannel"), others.try_it("kannel"), mine.try_it("kannel")] == [
        True, False, False,
    ]  # fmt: skip
    mine.failed("kannel", LATER, probe=True)
    clock.move(seconds=14)
    assert not mine.ready("kannel")
    clock.move(seconds=1)
    others.look()
    assert others.try_it("kannel")
    # What was on its way before says nothing; the answer to the try does.
    mine.look()
    mine.answered("kannel")
    assert mine.closed == {"kannel"}
    others.answered("kannel", probe=True)
    assert others.closed == set()
    mine.look()
    assert mine.closed == set()


def test_what_was_to_be_tried_again_need_not_wait_once_the_provider_is_demoted(
    watches: list[Watch],
):
    mine, _ = watches
    fail(mine, 2)
    mine.waits("kannel", [TIMER])
    assert mine.freed() == []
    fail(mine, 1)
    assert mine.freed() == [TIMER]
    assert mine.freed() == []


def test_a_success_forgets_what_waited(watches: list[Watch]):
    mine, _ = watches
    fail(mine, 1)
    mine.waits("kannel", [TIMER])
    mine.answered("kannel")
    fail(mine, 3)
    assert mine.freed() == []


def test_while_nothing_is_wrong_nothing_is_written(
    watches: list[Watch], monkeypatch: pytest.MonkeyPatch
):
    def keep(*_: object) -> bool:
        raise AssertionError

    monkeypatch.setattr(RedisRateLimiter, "keep", keep)
    for _ in range(5):
        watches[0].answered("kannel")
    fail(watches[0], 2)


def test_a_store_out_of_reach_is_told_again_with_the_next_failure(
    watches: list[Watch], monkeypatch: pytest.MonkeyPatch
):
    def keep(*_: object) -> bool:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as gone:
        gone.setattr(RedisRateLimiter, "keep", keep)
        fail(watches[0])
        assert watches[0].closed == set()
    fail(watches[0], 1)
    assert watches[0].closed == {"kannel"}


def test_a_store_that_was_emptied_begins_anew(watches: list[Watch], raw: "redis.Redis"):
    fail(watches[0])
    raw.flushall()
    watches[0].look()
    assert watches[0].closed == set()
