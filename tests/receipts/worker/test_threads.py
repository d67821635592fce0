"""Thread pools of a worker: order, concurrency, failures, and their end."""

import threading
import time

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.provider import OutboundMessage, UnknownOutcomeError
from receipts.worker.in_doubt import InDoubtResolver
from receipts.worker.result_writer import ResultWriter, SendResult
from receipts.worker.timers import TimerService
from tests.receipts.conftest import AtWork, Hire, Until
from tests.support.sending import Courier, Desk


def test_receipts_are_sent_in_the_order_of_their_age(
    hire: Hire, at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    posted = []
    for _ in range(9):
        posted.append(desk.post())
        desk.clock.move(seconds=1)
    with at_work(hire(threads=1)):
        until(lambda: len(courier.sent) == len(posted))
    assert [parcel.id for parcel in courier.sent] == [receipt.id for receipt in posted]


def test_as_many_receipts_are_sent_at_once_as_there_are_threads(
    hire: Hire, at_work: AtWork, desk: Desk, courier: Courier, monkeypatch: pytest.MonkeyPatch
):
    meeting = threading.Barrier(4)
    monkeypatch.setattr(courier, "send", lambda parcel: f"{parcel.id}{meeting.wait(5)}")
    posted = [desk.post() for _ in range(3)]
    with at_work(hire(threads=3)):
        meeting.wait(5)
    assert [desk.now(receipt).state for receipt in posted] == ["sent"] * 3


def test_worker_that_stops_sends_all_that_it_has_taken(
    hire: Hire, at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    stopped, done = threading.Event(), list[str]()

    def send(parcel: OutboundMessage) -> str:
        stopped.wait(5)
        done.append(parcel.id)
        return f"courier-{len(done)}"

    monkeypatch.setattr(courier, "send", send)
    posted = [desk.post(), desk.post()]
    with at_work(hire(threads=1)) as worker:
        until(lambda: all(desk.now(receipt).state == "sending" for receipt in posted))
        worker.stop()
        stopped.set()
    assert done == [receipt.id for receipt in posted]
    assert [desk.now(receipt).state for receipt in posted] == ["sent", "sent"]


def test_failed_task_is_logged_and_costs_no_thread(
    hire: Hire, at_work: AtWork, until: Until, desk: Desk,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    real = ResultWriter.submit

    def bring(self: ResultWriter, outcome: SendResult) -> None:
        real(self, outcome)
        raise ZeroDivisionError

    monkeypatch.setattr(ResultWriter, "submit", bring)
    posted = [desk.post() for _ in range(3)]
    with at_work(hire(threads=1)):
        until(lambda: all(desk.now(receipt).state == "sent" for receipt in posted))
    logged = capsys.readouterr().out
    assert logged.count("a task failed") == len(posted)
    assert "ZeroDivisionError" in logged


class SlowLookUp:
    """A look-up that answers "not found" when it is told to."""

    def __init__(self) -> None:
        self.answered, self.asked = threading.Event(), 0

    def find(self, *_: object) -> None:
        self.asked += 1
        self.answered.wait(10)


@pytest.fixture
def look_up(courier: Courier, monkeypatch: pytest.MonkeyPatch) -> SlowLookUp:
    slow = SlowLookUp()
    monkeypatch.setattr(courier, "find", slow.find)
    return slow


def in_doubt(desk: Desk, built: Container, count: int) -> None:
    """Receipts of so many customers that may have been sent, and whose look-ups are due."""
    for tail in range(count):
        number = Msisdn(f"+86138028802{tail:02}")
        ident = built.store.receipt_id(number, str(tail))
        lost = desk.delivery.build_notification(ident, number, "t", DisplayMode.TEXT, Language.ZH)
        desk.settle(ChangeSet(number, records=(lost,), outbox=(ident,)))
        posted = desk.begin(lost)
        desk.settle(desk.delivery.failed(desk.now(lost), UnknownOutcomeError("lost"), posted))
    desk.clock.move(seconds=1)


def test_slow_look_ups_delay_no_receipt(
    hire: Hire, at_work: AtWork, until: Until, desk: Desk, built: Container,
    look_up: SlowLookUp,
):  # fmt: skip
    in_doubt(desk, built, 9)
    with at_work(hire()):
        until(lambda: look_up.asked > 1)
        receipt = desk.post()
        until(lambda: desk.now(receipt).state == "sent")
        look_up.answered.set()


def test_worker_that_stops_leaves_queued_look_ups_to_their_timers(
    hire: Hire, at_work: AtWork, until: Until, desk: Desk, built: Container, look_up: SlowLookUp,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    close = InDoubtResolver.close

    def closing(self: InDoubtResolver) -> None:
        threading.Timer(0.3, look_up.answered.set).start()
        close(self)

    monkeypatch.setattr(InDoubtResolver, "close", closing)
    in_doubt(desk, built, 5)
    with at_work(hire(threads=2)) as worker:  # one thread for look-ups
        until(lambda: look_up.asked)
        worker.stop()
    assert look_up.asked == 1
    due = {timer.number for timer in desk.outbox.due_timers(desk.clock.now(), 50)}
    assert len(due) == 4


def test_worker_that_fails_itself_writes_back_what_it_was_sending(
    hire: Hire, desk: Desk, courier: Courier, monkeypatch: pytest.MonkeyPatch
):
    began = threading.Event()

    def send(parcel: OutboundMessage) -> str:
        began.set()
        time.sleep(0.3)
        return f"courier-{parcel.id}"

    def broken(*_: object) -> list[Timer]:
        if began.is_set():
            raise ZeroDivisionError
        return []

    monkeypatch.setattr(courier, "send", send)
    monkeypatch.setattr(TimerService, "due_timers", broken)
    receipt = desk.post()
    with pytest.raises(ZeroDivisionError):
        hire().run()
    assert desk.now(receipt).state == "sent"
    assert not [each for each in threading.enumerate() if each.name.startswith(("send", "look"))]
