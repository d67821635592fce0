"""Batched result writer: group commit, lost races, failing results and store outages."""

import threading
from dataclasses import replace

import msgspec
import pytest

from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, OutboxEntry
from receipts.store.redis_store import RedisStore
from receipts.worker import result_writer
from receipts.worker.result_writer import ResultWriter, SendResult
from tests.receipts.worker.conftest import Rig
from tests.support.product import PATIENCE_SECONDS
from tests.support.sending import ANNA, Desk


class Writer(ResultWriter):
    """A result writer with the entries that it has released."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.released = desk, list[OutboxEntry]()
        super().__init__(desk.store, self.released.append)

    def accepted(self, message: str) -> SendResult:
        """Result of a receipt that its provider has accepted."""
        receipt, delivery = self.desk.post(), self.desk.delivery
        entry = self.desk.begin(receipt)
        sending = self.desk.now(receipt)
        return SendResult(sending, entry, lambda now: delivery.accepted(now, message, entry))


@pytest.fixture
def writer(desk: Desk) -> Writer:
    return Writer(desk)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of changes of each commit."""
    seen: list[int] = []
    real = RedisStore.commit_all

    def commit_all(store: RedisStore, changes: list[ChangeSet]) -> object:
        seen.append(len(changes))
        return real(store, changes)

    monkeypatch.setattr(RedisStore, "commit_all", commit_all)
    return seen


def test_results_submitted_during_a_write_share_a_commit(
    writer: Writer, commits: list[int], rig: Rig
):
    results = [writer.accepted(f"SM{n}") for n in range(5)]
    commits.clear()
    proceed = threading.Event()

    def slowly(now: Receipt) -> ChangeSet:
        proceed.wait(PATIENCE_SECONDS)
        return results[0].decide(now)

    writing = threading.Thread(target=writer.submit, args=(replace(results[0], decide=slowly),))
    writing.start()
    for result in results[1:]:
        writer.submit(result)  # returns at once: the other thread writes
    assert writer.released == []
    proceed.set()
    writing.join(PATIENCE_SECONDS)
    assert sum(commits) == 5
    assert len(commits) <= 2
    assert sorted(e.entry for e in writer.released) == sorted(each.entry.entry for each in results)
    assert {rig.state(each.receipt) for each in results} == {"sent"}


def test_result_that_cannot_be_decided_loses_no_other_result(writer: Writer):
    good, bad = writer.accepted("SM1"), writer.accepted("SM2")

    def together(now: Receipt) -> ChangeSet:
        writer.submit(replace(bad, decide=lambda _: 1 / 0))  # type: ignore[arg-type,return-value]
        return good.decide(now)

    writer.submit(replace(good, decide=together))
    assert writer.desk.now(good.receipt).state == "sent"
    assert writer.desk.now(bad.receipt).state == "sending"
    assert len(writer.desk.in_outbox()) == 1, "the entry is reclaimed and looked up"
    assert len(writer.released) == 2


def test_result_is_decided_on_the_newest_record(writer: Writer):
    result = writer.accepted("SM1")
    known = result.receipt
    changed = msgspec.structs.replace(known, version=known.version + 1, note="news")
    writer.desk.settle(ChangeSet(ANNA, records=(changed,)))
    writer.submit(result)
    now = writer.desk.now(known)
    assert (now.state, now.provider_id, now.note) == ("sent", "SM1", "news")
    assert len(writer.released) == 1


def test_failing_callback_does_not_stop_the_writer(writer: Writer):
    writer.submit(replace(writer.accepted("SM1"), on_written=lambda _: 1 / 0))  # type: ignore[arg-type]
    after = writer.accepted("SM2")
    writer.submit(after)
    assert writer.desk.now(after.receipt).state == "sent"
    assert len(writer.released) == 2


def test_entry_is_held_until_the_store_is_back(writer: Writer, rig: Rig):
    result = writer.accepted("SM1")
    left = rig.outage("commit_all", after=lambda: writer.released == [])
    writer.submit(result)
    assert (rig.state(result.receipt), len(writer.released), left) == ("sent", 1, [])


def test_results_that_come_within_a_moment_share_a_commit(
    writer: Writer, commits: list[int], rig: Rig
):
    results = [writer.accepted(f"SM{n}") for n in range(3)]
    commits.clear()
    rig.monkeypatch.setattr(result_writer, "_GATHER_SECONDS", 0.3)
    writing = threading.Thread(target=writer.submit, args=(results[0],))
    writing.start()
    rig.until(lambda: writer.unwritten)
    for result in results[1:]:
        writer.submit(result)
    writing.join(5)
    assert commits == [3]
