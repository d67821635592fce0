"""Outcomes written back together: nothing is lost, held too short, or decided on old news."""

import threading
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, OutboxEntry
from receipts.ports.store import StoreUnavailableError
from receipts.store.redis_store import RedisStore
from receipts.worker.result_writer import ResultWriter, SendResult
from tests.support.sending import ANNA, Desk


@pytest.fixture
def released() -> list[OutboxEntry]:
    return []


@pytest.fixture
def outcomes(desk: Desk, released: list[OutboxEntry]) -> ResultWriter:
    return ResultWriter(desk.store, released.append)


@pytest.fixture
def taken(desk: Desk) -> Callable[[str], SendResult]:
    """What came of a receipt that a provider has just taken."""

    def make(message: str) -> SendResult:
        receipt = desk.post()
        posted = desk.begin(receipt)
        return SendResult(
            desk.now(receipt), posted, lambda now: desk.delivery.accepted(now, message, posted)
        )

    return make


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many changes were written in each round trip."""
    sizes: list[int] = []
    real = RedisStore.commit_all

    def commit_all(self: RedisStore, changes: list[ChangeSet]) -> object:
        sizes.append(len(changes))
        return real(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", commit_all)
    return sizes


def test_what_comes_while_one_is_written_is_written_together(
    outcomes: ResultWriter, taken: Callable[[str], SendResult], desk: Desk,
    released: list[OutboxEntry], commits: list[int],
):  # fmt: skip
    given = [taken(f"SM{n}") for n in range(5)]
    commits.clear()
    on_the_way = threading.Event()

    def slowly(now: Receipt, decide: Callable[[Receipt], ChangeSet]) -> ChangeSet:
        on_the_way.wait(5)
        return decide(now)

    slow = replace(given[0], decide=lambda now: slowly(now, given[0].decide))
    writing = threading.Thread(target=outcomes.submit, args=(slow,))
    writing.start()
    for outcome in given[1:]:
        outcomes.submit(outcome)  # returns at once: another writes
    assert released == []
    on_the_way.set()
    writing.join(5)
    assert sum(commits) == 5
    assert len(commits) <= 2
    assert sorted(p.entry for p in released) == sorted(each.entry.entry for each in given)
    assert {desk.now(each.receipt).state for each in given} == {"sent"}


def test_one_that_cannot_be_told_takes_none_of_the_others_with_it(
    outcomes: ResultWriter,
    taken: Callable[[str], SendResult],
    desk: Desk,
    released: list[OutboxEntry],
):
    good, bad = taken("SM1"), taken("SM2")

    def together(now: Receipt) -> ChangeSet:
        outcomes.submit(replace(bad, decide=lambda _: 1 / 0))  # type: ignore[arg-type,return-value]
        return good.decide(now)

    outcomes.submit(replace(good, decide=together))
    assert desk.now(good.receipt).state == "sent"
    assert desk.now(bad.receipt).state == "sending"
    assert len(desk.in_outbox()) == 1, "whoever finds it there looks it up"
    assert len(released) == 2


def test_news_that_came_first_is_what_an_outcome_is_decided_on(
    outcomes: ResultWriter,
    taken: Callable[[str], SendResult],
    desk: Desk,
    released: list[OutboxEntry],
):
    outcome = taken("SM1")
    known = outcome.receipt
    desk.settle(
        ChangeSet(
            ANNA, records=(msgspec.structs.replace(known, version=known.version + 1, note="news"),)
        )
    )
    outcomes.submit(outcome)
    now = desk.now(known)
    assert (now.state, now.provider_id, now.note, len(released)) == ("sent", "SM1", "news", 1)


def test_a_failure_of_its_own_ends_nobodys_turn_to_write(
    outcomes: ResultWriter,
    taken: Callable[[str], SendResult],
    desk: Desk,
    released: list[OutboxEntry],
):
    def odd(_: ChangeSet) -> None:
        raise ZeroDivisionError

    outcomes.submit(replace(taken("SM1"), on_written=odd))
    after = taken("SM2")
    outcomes.submit(after)
    assert desk.now(after.receipt).state == "sent"
    assert len(released) == 2


def test_it_is_held_until_a_store_that_was_away_has_it(
    outcomes: ResultWriter,
    taken: Callable[[str], SendResult],
    desk: Desk,
    released: list[OutboxEntry],
    monkeypatch: pytest.MonkeyPatch,
):
    outcome = taken("SM1")
    real = RedisStore.commit_all

    def away(_: RedisStore, __: list[ChangeSet]) -> object:
        assert released == []
        monkeypatch.setattr(RedisStore, "commit_all", real)
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(RedisStore, "commit_all", away)
    outcomes.submit(outcome)
    assert (desk.now(outcome.receipt).state, len(released)) == ("sent", 1)
