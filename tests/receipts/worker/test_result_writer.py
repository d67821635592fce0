"""Outcomes written back together: nothing is lost, held too short, or decided on old news."""

import threading
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from receipts.model.receipt import Receipt
from receipts.ports.changes import Change, Posted
from receipts.ports.store import StoreUnavailable
from receipts.store.redis_store import RedisStore
from receipts.worker.result_writer import Outcome, Outcomes
from tests.support.sending import ANNA, Desk


@pytest.fixture
def released() -> list[Posted]:
    return []


@pytest.fixture
def outcomes(desk: Desk, released: list[Posted]) -> Outcomes:
    return Outcomes(desk.store, released.append)


@pytest.fixture
def taken(desk: Desk) -> Callable[[str], Outcome]:
    """What came of a receipt that a provider has just taken."""

    def make(message: str) -> Outcome:
        receipt = desk.post()
        posted = desk.begin(receipt)
        return Outcome(
            desk.now(receipt), posted, lambda now: desk.delivery.accepted(now, message, posted)
        )

    return make


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many changes were written in each round trip."""
    sizes: list[int] = []
    real = RedisStore.commit_all

    def commit_all(self: RedisStore, changes: list[Change]) -> object:
        sizes.append(len(changes))
        return real(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", commit_all)
    return sizes


def test_what_comes_while_one_is_written_is_written_together(
    outcomes: Outcomes, taken: Callable[[str], Outcome], desk: Desk,
    released: list[Posted], commits: list[int],
):  # fmt: skip
    given = [taken(f"SM{n}") for n in range(5)]
    commits.clear()
    on_the_way = threading.Event()

    def slowly(now: Receipt, decide: Callable[[Receipt], Change]) -> Change:
        on_the_way.wait(5)
        return decide(now)

    slow = replace(given[0], decide=lambda now: slowly(now, given[0].decide))
    writing = threading.Thread(target=outcomes.bring, args=(slow,))
    writing.start()
    for outcome in given[1:]:
        outcomes.bring(outcome)  # returns at once: another writes
    assert released == []
    on_the_way.set()
    writing.join(5)
    assert sum(commits) == 5
    assert len(commits) <= 2
    assert sorted(p.entry for p in released) == sorted(each.posted.entry for each in given)
    assert {desk.now(each.receipt).state for each in given} == {"sent"}


def test_one_that_cannot_be_told_takes_none_of_the_others_with_it(
    outcomes: Outcomes, taken: Callable[[str], Outcome], desk: Desk, released: list[Posted]
):
    good, bad = taken("SM1"), taken("SM2")

    def together(now: Receipt) -> Change:
        outcomes.bring(replace(bad, decide=lambda _: 1 / 0))  # type: ignore[arg-type,return-value]
        return good.decide(now)

    outcomes.bring(replace(good, decide=together))
    assert desk.now(good.receipt).state == "sent"
    assert desk.now(bad.receipt).state == "sending"
    assert len(desk.in_outbox()) == 1, "whoever finds it there looks it up"
    assert len(released) == 2


def test_news_that_came_first_is_what_an_outcome_is_decided_on(
    outcomes: Outcomes, taken: Callable[[str], Outcome], desk: Desk, released: list[Posted]
):
    outcome = taken("SM1")
    known = outcome.receipt
    desk.settle(
        Change(
            ANNA, records=(msgspec.structs.replace(known, version=known.version + 1, note="news"),)
        )
    )
    outcomes.bring(outcome)
    now = desk.now(known)
    assert (now.state, now.provider_id, now.note, len(released)) == ("sent", "SM1", "news", 1)


def test_a_failure_of_its_own_ends_nobodys_turn_to_write(
    outcomes: Outcomes, taken: Callable[[str], Outcome], desk: Desk, released: list[Posted]
):
    def odd(_: Change) -> None:
        raise ZeroDivisionError

    outcomes.bring(replace(taken("SM1"), written=odd))
    after = taken("SM2")
    outcomes.bring(after)
    assert desk.now(after.receipt).state == "sent"
    assert len(released) == 2


def test_it_is_held_until_a_store_that_was_away_has_it(
    outcomes: Outcomes, taken: Callable[[str], Outcome], desk: Desk, released: list[Posted],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    outcome = taken("SM1")
    real = RedisStore.commit_all

    def away(_: RedisStore, __: list[Change]) -> object:
        assert released == []
        monkeypatch.setattr(RedisStore, "commit_all", real)
        raise StoreUnavailable("gone")

    monkeypatch.setattr(RedisStore, "commit_all", away)
    outcomes.bring(outcome)
    assert (desk.now(outcome.receipt).state, len(released)) == ("sent", 1)
