"""Status updates committed with optimistic locking, together where they arrive together."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from receipts.delivery import status_updates
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitResult
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError, StoreUnavailableError
from tests.receipts.delivery.conftest import raw_statuses
from tests.support.product import PATIENCE_SECONDS, until
from tests.support.sending import ANNA, Desk


def update(desk: Desk, receipt_id: str, raw: str = "delivered") -> bool:
    status = ProviderStatus.DELIVERED
    return StatusUpdates(desk.store, desk.delivery).apply(receipt_id, status, raw, "SM1")


def test_update_is_committed_and_a_repeat_changes_no_record(desk: Desk):
    receipt = desk.post()
    assert update(desk, receipt.id)
    known = desk.now(receipt)
    assert (known.state, known.provider_id) == ("delivered", "SM1")
    assert update(desk, receipt.id)
    assert desk.now(receipt) == known


@pytest.mark.parametrize("receipt_id", ["", "nobody", "5-ffff", "{s1}-1"])
def test_update_of_an_unknown_receipt_is_refused(desk: Desk, receipt_id: str):
    assert update(desk, receipt_id) is False


def test_concurrent_updates_charge_once(desk: Desk):
    receipt = desk.post()
    with ThreadPoolExecutor(12) as pool:
        raws = [f"delivered {turn % 3}" for turn in range(12)]
        assert all(pool.map(lambda raw: update(desk, receipt.id, raw), raws))
    now = desk.now(receipt)
    assert sorted(raw_statuses(now)) == ["delivered 0", "delivered 1", "delivered 2"]
    assert (now.state, now.charge_fen, len(desk.charges())) == ("delivered", 10, 1)


def test_update_that_loses_every_race_raises(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipt = desk.post()
    monkeypatch.setattr(status_updates, "_MAX_ATTEMPTS", 3)
    real = desk.delivery.apply_status

    def overtaken(was: Receipt, *args: object) -> ChangeSet:
        desk.settle(ChangeSet(ANNA, records=(replace(was, version=was.version + 1),)))
        return real(was, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.delivery, "apply_status", overtaken)
    with pytest.raises(ContentionError):
        update(desk, receipt.id)


class _SlowFirstCommit:
    """The store of a desk; its first commit waits until ``count`` updates have begun."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits: list[int] = []
        self.begun, self.entered = threading.Event(), threading.Event()
        real = desk.store.commit_all

        def commit_all(changes: Sequence[ChangeSet]) -> list[CommitResult]:
            self.commits.append(len(changes))
            self.entered.set()
            assert self.begun.wait(PATIENCE_SECONDS)
            return real(changes)

        monkeypatch.setattr(desk.store, "commit_all", commit_all)


def together(desk: Desk, slow: _SlowFirstCommit, ids: Sequence[str]) -> list[Future[bool]]:
    """Updates of these receipts: all but the first queue up behind its commit."""
    updates = StatusUpdates(desk.store, desk.delivery)

    def apply(receipt_id: str) -> bool:
        return updates.apply(receipt_id, ProviderStatus.DELIVERED, "delivered", "SM1")

    with ThreadPoolExecutor(len(ids)) as pool:
        first = pool.submit(apply, ids[0])
        assert slow.entered.wait(PATIENCE_SECONDS)
        rest = [pool.submit(apply, each) for each in ids[1:]]
        until(lambda: updates.waiting == len(rest), why="the others queue up")
        slow.begun.set()
    return [first, *rest]


def test_updates_that_queue_up_share_one_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipts = [desk.post() for _ in range(6)]
    slow = _SlowFirstCommit(desk, monkeypatch)
    found = together(desk, slow, [each.id for each in receipts])
    assert [each.result(PATIENCE_SECONDS) for each in found] == [True] * 6
    assert slow.commits == [1, 5]
    assert {desk.now(each).state for each in receipts} == {"delivered"}


def test_update_that_cannot_be_decided_fails_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipts = [desk.post() for _ in range(4)]
    slow, real = _SlowFirstCommit(desk, monkeypatch), desk.delivery.apply_status

    def broken(receipt: Receipt, *args: object) -> ChangeSet:
        if receipt.id == receipts[2].id:
            raise ZeroDivisionError
        return real(receipt, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.delivery, "apply_status", broken)
    found = together(desk, slow, [*(each.id for each in receipts), "5-ffff"])
    assert isinstance(found[2].exception(5), ZeroDivisionError)
    assert [found[n].result(5) for n in (0, 1, 3, 4)] == [True, True, True, False]
    assert [desk.now(each).state for each in receipts] == [*["delivered"] * 2, "due", "delivered"]


def test_updates_that_wait_hear_that_the_store_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipts = [desk.post() for _ in range(3)]
    slow = _SlowFirstCommit(desk, monkeypatch)

    def gone(_: Sequence[str]) -> list[Receipt | None]:
        raise StoreUnavailableError("gone")

    real = desk.store.receipts
    answers = iter([real])
    monkeypatch.setattr(desk.store, "receipts", lambda ids: next(answers, gone)(list(ids)))
    first, *rest = together(desk, slow, [each.id for each in receipts])
    assert first.result(5)
    assert all(isinstance(each.exception(5), StoreUnavailableError) for each in rest)
    # The next update finds no thread that writes for it for ever.
    monkeypatch.setattr(desk.store, "receipts", real)
    assert update(desk, receipts[1].id)
