"""Leases of a worker: reclaim, heartbeat, shutdown, and receipts that are not sent."""

import threading
import time

import pytest
import redis

from receipts.ports.changes import ChangeSet
from receipts.worker.dispatcher import SendTask
from receipts.worker.worker import Worker
from statemachines.receipt import ReceiptState
from tests.receipts.worker.conftest import SHORT_LEASE_SECONDS, Rig
from tests.support.product import PATIENCE_SECONDS
from tests.support.sending import ANNA

pytestmark = pytest.mark.usefixtures("short_intervals")


def test_receipt_marked_by_a_dead_worker_is_looked_up_and_not_sent_twice(rig: Rig):
    receipt = rig.desk.post()
    rig.desk.begin(receipt)
    rig.courier.finds.append("found-1")
    with rig.at_work(rig.hire()):
        rig.until(lambda: rig.state(receipt) == "unsure")
        rig.desk.clock.move(seconds=1)
        rig.until(lambda: rig.state(receipt) == "sent")
    assert (rig.courier.sent, len(rig.courier.sought)) == ([], 1)
    assert (rig.desk.now(receipt).provider_id, len(rig.desk.charges())) == ("found-1", 1)


def test_receipt_only_fetched_by_a_dead_worker_is_sent(rig: Rig):
    receipt = rig.desk.post()
    rig.desk.take()
    rig.run_until_state("sent", receipt)
    assert [message.id for message in rig.courier.sent] == [receipt.id]


def test_heartbeat_keeps_entries_of_a_slow_provider_from_being_reclaimed(rig: Rig):
    rig.before_send(lambda: time.sleep(2 * SHORT_LEASE_SECONDS))
    posted = [rig.desk.post() for _ in range(3)]
    with rig.at_work(rig.hire("two")):
        rig.run_until_state("sent", *posted)
    assert sorted(message.id for message in rig.courier.sent) == sorted(r.id for r in posted)
    assert all(rig.desk.now(receipt).attempts == 1 for receipt in posted)


def test_stopped_worker_finishes_its_tasks(rig: Rig):
    began = threading.Event()

    def slow() -> None:
        began.set()
        time.sleep(1.3 * SHORT_LEASE_SECONDS)

    rig.before_send(slow)
    receipt = rig.desk.post()
    with rig.at_work(rig.hire("two")), rig.at_work(rig.hire("one")) as one:
        assert began.wait(PATIENCE_SECONDS)
        one.stop()
    assert (rig.state(receipt), rig.desk.now(receipt).attempts) == ("sent", 1)
    assert len(rig.courier.sent) == 1


def test_two_workers_send_many_receipts_over_many_shards_once_each(rig: Rig):
    posted = [rig.notification(f"+86138028801{tail:02}", f"第{tail}条") for tail in range(80)]
    with rig.at_work(rig.hire("one")), rig.at_work(rig.hire("two")):
        rig.until(lambda: len(rig.courier.sent) >= 80)
    texts = sorted(message.text for message in rig.courier.sent)
    assert texts == sorted(f"第{n}条" for n in range(80))
    assert {rig.state(receipt) for receipt in posted} == {"sent"}


def test_equal_entry_ids_of_two_shards_are_leased_both(rig: Rig, raw: "redis.Redis"):
    """The server numbers the entries of each stream independently."""
    proceed = threading.Event()
    rig.before_send(lambda: proceed.wait(PATIENCE_SECONDS))
    for tail in range(2):
        receipt = rig.notification(f"+861380288000{tail}", queued=False)
        raw.xadd(f"{{s{int(receipt.id[0], 16)}}}:outbox", {"id": receipt.id}, id="7-7")
    worker = rig.hire()
    for _ in range(2):
        worker._fetch()  # noqa: SLF001 - one round without the loop
    try:
        assert len(worker._renew_leases()) == 2  # noqa: SLF001
    finally:
        proceed.set()
        rig.finish(worker)


def test_entry_without_a_record_is_discarded(rig: Rig, raw: "redis.Redis"):
    gone = rig.desk.store.receipt_id(ANNA, "ff")
    rig.desk.settle(ChangeSet(ANNA, outbox=(gone, "not-ours", "")))
    rig.run_until(lambda: raw.xlen(f"{{s{int(gone[0], 16)}}}:outbox") == 0)
    assert rig.courier.sent == []


def test_receipt_past_its_age_limit_expires_unsent(rig: Rig):
    receipt = rig.desk.post()
    rig.desk.clock.move(hours=25)
    rig.run_until_state("expired", receipt)
    assert (rig.courier.sent, rig.desk.in_outbox()) == ([], [])


@pytest.fixture
def leased(rig: Rig) -> tuple[Worker, SendTask]:
    """A worker outside its loop, and a task that it has marked as being sent."""
    receipt = rig.desk.post()
    entry = rig.desk.begin(receipt)
    route = rig.desk.delivery.router.choose(receipt)
    return rig.hire(), SendTask(rig.desk.now(receipt), entry, route, 1, ReceiptState.SENDING)


def test_task_past_its_lease_is_not_sent_although_a_heartbeat_follows(
    rig: Rig, leased: tuple[Worker, SendTask]
):
    worker, task = leased
    leased_at = time.monotonic() - SHORT_LEASE_SECONDS - 0.1
    worker._send(task, leased_at)  # noqa: SLF001
    assert (rig.courier.sent, rig.state(task.receipt)) == ([], "sending")
    worker._renew_leases()  # noqa: SLF001
    worker._send(task, leased_at)  # noqa: SLF001
    assert (rig.courier.sent, rig.state(task.receipt)) == ([], "sending")
    worker._send(task, time.monotonic())  # noqa: SLF001
    assert (len(rig.courier.sent), rig.state(task.receipt)) == (1, "sent")
    rig.finish(worker)


def test_timely_heartbeats_extend_the_lease_of_a_task(rig: Rig, leased: tuple[Worker, SendTask]):
    worker, task = leased
    worker._renew_leases()  # noqa: SLF001
    leased_at = time.monotonic()
    for _ in range(3):
        time.sleep(0.5 * SHORT_LEASE_SECONDS)
        worker._renew_leases()  # noqa: SLF001
    worker._send(task, leased_at)  # noqa: SLF001
    assert (len(rig.courier.sent), rig.state(task.receipt)) == (1, "sent")
    rig.finish(worker)
