"""Worker and store: lost races, unconfirmed commits, outages, and errors of a single record."""

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from receipts.model.vocabulary import DisplayMode
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.store import StoreUnavailableError
from receipts.store.redis_store import RedisStore
from receipts.worker import result_writer
from receipts.worker.timers import TimerService
from statemachines.receipt import ReceiptState
from tests.receipts.worker.conftest import Rig
from tests.support.sending import ANNA

pytestmark = pytest.mark.usefixtures("short_intervals")


def before_first_commit(rig: Rig, action: Callable[[Callable[[], object]], object]) -> None:
    """Run ``action`` before the first commit; it gets that commit as a callable."""
    real = RedisStore.commit_all

    def first(store: RedisStore, changes: list[ChangeSet]) -> object:
        rig.monkeypatch.setattr(RedisStore, "commit_all", real)
        action(lambda: real(store, changes))
        return real(store, changes)

    rig.monkeypatch.setattr(RedisStore, "commit_all", first)


def test_commit_repeated_over_a_lost_connection_is_no_conflict(rig: Rig):
    receipt = rig.desk.post(mode=DisplayMode.FLASH)
    before_first_commit(rig, lambda commit: commit())
    rig.run_until(lambda: rig.flasher.sent)
    assert (len(rig.flasher.sent), rig.desk.now(receipt).attempts) == (1, 1)


def test_unconfirmed_claim_is_retried_and_not_in_doubt(rig: Rig):
    receipt = rig.desk.post(mode=DisplayMode.FLASH)

    def unconfirmed(commit: Callable[[], object]) -> None:
        commit()
        raise StoreUnavailableError("no replica took the change in time")

    before_first_commit(rig, unconfirmed)
    with rig.at_work(rig.hire()):
        rig.until(lambda: rig.desk.now(receipt).note == "the store did not confirm in time")
        assert (rig.state(receipt), rig.flasher.sent) == ("due", [])
        rig.desk.clock.move(minutes=1)
        rig.until(lambda: rig.flasher.sent)
    assert (len(rig.flasher.sent), rig.desk.now(receipt).attempts) == (1, 1)


def test_unconfirmed_claim_does_not_revert_another_workers_claim(rig: Rig):
    receipt = rig.desk.post(mode=DisplayMode.FLASH)
    other = replace(receipt, version=2, state=ReceiptState.SENDING, provider="kannel", attempts=1)
    rig.outage("commit_all")
    worker = rig.hire()
    with pytest.raises(StoreUnavailableError):
        worker._fetch()  # noqa: SLF001 - one round without the loop
    rig.desk.settle(ChangeSet(ANNA, records=(other,)))
    worker._fetch()  # noqa: SLF001
    rig.finish(worker)
    assert (rig.desk.now(receipt), rig.flasher.sent) == (other, [])


def test_receipt_of_a_lost_race_is_not_sent_and_stays_in_the_outbox(rig: Rig):
    receipt = rig.desk.post()
    other = ChangeSet(ANNA, records=(replace(receipt, version=2, note="another's"),))
    before_first_commit(rig, lambda _: rig.desk.settle(other))
    worker = rig.hire()
    worker._fetch()  # noqa: SLF001 - one round without the loop
    rig.finish(worker)
    assert (rig.courier.sent, rig.desk.now(receipt).note) == ([], "another's")
    assert len(rig.desk.in_outbox()) == 1


def test_result_is_written_once_the_store_is_back(rig: Rig):
    receipt = rig.desk.post()
    left = rig.outage("commit_all", times=2, after=lambda: rig.courier.sent)
    rig.run_until_state("sent", receipt)
    assert (len(rig.courier.sent), left, len(rig.desk.charges())) == (1, [], 1)


def test_worker_goes_on_once_the_store_is_back(rig: Rig):
    receipt = rig.desk.post()
    left = rig.outage("receipts")
    rig.run_until(lambda: not left and rig.state(receipt) == "sent")


def test_result_that_cannot_be_written_for_long_is_left_to_a_look_up(rig: Rig):
    receipt = rig.desk.post()
    rig.monkeypatch.setattr(result_writer, "WRITE_RETRY_SECONDS", 0.1)
    left = rig.outage("commit_all", times=10_000, after=lambda: rig.courier.sent)
    with rig.at_work(rig.hire()) as worker:
        rig.until(lambda: rig.courier.sent and not worker._in_progress)  # noqa: SLF001
        left.clear()
        rig.until(lambda: rig.state(receipt) == "unsure")
    assert len(rig.courier.sent) == 1


def test_receipt_whose_adapter_raises_is_left_to_a_look_up(rig: Rig):
    receipt = rig.desk.post()
    rig.courier.ends.append(ZeroDivisionError())
    rig.run_until_state("unsure", receipt)
    assert len(rig.courier.sent) == 1


def test_timer_due_during_an_outage_fires_later(rig: Rig):
    rig.desk.settle(ChangeSet(ANNA, timers=(Timer("lapse", ANNA, "", rig.desk.clock.now()),)))
    left = rig.outage("load")
    rig.run_until(lambda: rig.desk.timers() == [])
    assert left == []


def test_failing_timer_stays_due_and_stops_no_other_work(rig: Rig):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    timer = Timer("lapse", ANNA, "", rig.desk.clock.now())
    rig.desk.settle(ChangeSet(ANNA, timers=(timer,)))
    rig.monkeypatch.setattr(TimerService, "fire", fail)
    receipt = rig.desk.post()
    with rig.at_work(rig.hire()):
        rig.until(lambda: rig.state(receipt) == "sent")
        time.sleep(0.7)  # longer than a round of the worker
    assert rig.desk.timers() == [timer]
