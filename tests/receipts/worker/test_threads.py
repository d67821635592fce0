"""Thread pools of a worker: order, concurrency, failures, and shutdown."""

import threading
import time

import pytest

from receipts.ports.changes import Timer
from receipts.worker.in_doubt import InDoubtResolver
from receipts.worker.result_writer import ResultWriter, SendResult
from receipts.worker.timers import TimerService
from tests.receipts.delivery.conftest import UNKNOWN, fail
from tests.receipts.worker.conftest import Rig
from tests.support.product import PATIENCE_SECONDS


def test_receipts_are_sent_in_the_order_of_their_age(rig: Rig):
    posted = []
    for _ in range(9):
        posted.append(rig.desk.post())
        rig.desk.clock.move(seconds=1)
    rig.run_until(lambda: len(rig.courier.sent) == len(posted), threads=1)
    assert [message.id for message in rig.courier.sent] == [receipt.id for receipt in posted]


def test_as_many_receipts_are_sent_at_once_as_there_are_threads(rig: Rig):
    meeting = threading.Barrier(4)
    rig.before_send(lambda: meeting.wait(PATIENCE_SECONDS))
    posted = [rig.desk.post() for _ in range(3)]
    with rig.at_work(rig.hire(threads=3)):
        meeting.wait(PATIENCE_SECONDS)
    assert [rig.state(receipt) for receipt in posted] == ["sent"] * 3


def test_stopped_worker_sends_all_receipts_that_it_has_marked(rig: Rig):
    stopped = threading.Event()
    rig.before_send(lambda: stopped.wait(PATIENCE_SECONDS))
    posted = [rig.desk.post(), rig.desk.post()]
    with rig.at_work(rig.hire(threads=1)) as worker:
        rig.until(lambda: all(rig.state(receipt) == "sending" for receipt in posted))
        worker.stop()
        stopped.set()
    assert [message.id for message in rig.courier.sent] == [receipt.id for receipt in posted]
    assert [rig.state(receipt) for receipt in posted] == ["sent", "sent"]


def test_failed_task_is_logged_and_costs_no_thread(rig: Rig, capsys: pytest.CaptureFixture[str]):
    real = ResultWriter.submit

    def submit(self: ResultWriter, result: SendResult) -> None:
        real(self, result)
        raise ZeroDivisionError

    rig.monkeypatch.setattr(ResultWriter, "submit", submit)
    posted = [rig.desk.post() for _ in range(3)]
    rig.run_until(lambda: all(rig.state(receipt) == "sent" for receipt in posted), threads=1)
    logged = capsys.readouterr().out
    assert logged.count("a task failed") == len(posted)
    assert "ZeroDivisionError" in logged


class SlowLookUp:
    """A look-up that waits for ``answered`` and finds no message."""

    def __init__(self) -> None:
        self.answered, self.requests = threading.Event(), 0

    def find(self, *_: object) -> None:
        self.requests += 1
        self.answered.wait(PATIENCE_SECONDS)


@pytest.fixture
def look_up(rig: Rig) -> SlowLookUp:
    slow = SlowLookUp()
    rig.monkeypatch.setattr(rig.courier, "find", slow.find)
    return slow


def put_in_doubt(rig: Rig, count: int) -> None:
    """Receipts in doubt of so many customers, with due look-ups."""
    for tail in range(count):
        fail(rig.desk, rig.notification(f"+86138028802{tail:02}"), UNKNOWN)
    rig.desk.clock.move(seconds=1)


def test_slow_look_ups_delay_no_receipt(rig: Rig, look_up: SlowLookUp):
    put_in_doubt(rig, 9)
    with rig.at_work(rig.hire()):
        rig.until(lambda: look_up.requests > 1)
        receipt = rig.desk.post()
        rig.until(lambda: rig.state(receipt) == "sent")
        look_up.answered.set()


def test_stopped_worker_leaves_queued_look_ups_to_their_timers(rig: Rig, look_up: SlowLookUp):
    close = InDoubtResolver.close

    def close_later(self: InDoubtResolver) -> None:
        threading.Timer(0.3, look_up.answered.set).start()
        close(self)

    rig.monkeypatch.setattr(InDoubtResolver, "close", close_later)
    put_in_doubt(rig, 5)
    with rig.at_work(rig.hire(threads=2)) as worker:  # one thread for look-ups
        rig.until(lambda: look_up.requests)
        worker.stop()
    assert look_up.requests == 1
    due = {timer.number for timer in rig.desk.outbox.due_timers(rig.desk.clock.now(), 50)}
    assert len(due) == 4


def test_worker_that_fails_itself_writes_the_results_of_its_tasks(rig: Rig):
    began = threading.Event()

    def slow() -> None:
        began.set()
        time.sleep(0.3)

    def due_timers(*_: object) -> list[Timer]:
        if began.is_set():
            raise ZeroDivisionError
        return []

    rig.before_send(slow)
    rig.monkeypatch.setattr(TimerService, "due_timers", due_timers)
    receipt = rig.desk.post()
    with pytest.raises(ZeroDivisionError):
        rig.hire().run()
    assert rig.state(receipt) == "sent"
    assert not [each for each in threading.enumerate() if each.name.startswith(("send", "look"))]
