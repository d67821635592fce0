"""The journey of one text: found in each way, with every step on one line of time."""

import datetime as dt

import pytest

from app.bootstrap import Container
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Msisdn
from receipts.ports.provider import PermanentError, ProviderStatus, TemporaryError
from receipts.reports.journey import Journey
from tests.conftest import UNICOM, TestClock
from tests.receipts.reports.conftest import ReportRig
from tests.support.fixtures import SHANXI
from tests.support.reports import ANNA, FRIEND
from tests.support.sending import mark_sending

OTHER = Msisdn("+8613903112345")


def steps(journey: Journey) -> list[str]:
    return [step.kind.value for step in journey.steps]


def only(found: list[Journey]) -> Journey:
    (journey,) = found
    return journey


class Sender:
    """Sends the receipts in the outbox, a step at a time."""

    def __init__(self, built: Container) -> None:
        self.built, self.lifecycle = built, built.lifecycle

    def try_once(self, error: Exception | None, provider_id: str = "SM9") -> Receipt:
        outbox, store = self.built.clients.outbox, self.built.store
        (entry,) = outbox.fetch("test", 16, 0)
        (receipt,) = store.receipts([entry.receipt_id])
        assert receipt is not None
        store.commit(mark_sending(self.lifecycle, receipt, entry))
        (receipt,) = store.receipts([entry.receipt_id])
        assert receipt is not None
        if isinstance(error, TemporaryError | PermanentError):
            change = self.lifecycle.failed(receipt, error, entry)
        else:
            owner = store.load(receipt.number).subscription
            change = self.lifecycle.accepted(receipt, provider_id, entry, owner)
        store.commit(change)
        return receipt

    def report(self, receipt: Receipt, status: ProviderStatus, raw: str) -> None:
        (now,) = self.built.store.receipts([receipt.id])
        assert now is not None
        self.built.store.commit(self.lifecycle.apply_status(now, status, raw, "SM9"))


@pytest.fixture
def sender(built: Container) -> Sender:
    return Sender(built)


def test_every_step_is_on_one_line_of_time(rig: ReportRig, sender: Sender, clock: TestClock):
    """Two parts, an attempt that fails, one that is accepted, a charge, and its credit."""
    number = Msisdn(SHANXI)
    rig.stand(number=number, mode="text")
    rig.report("ACCEPTD", message="0x1F", sender=number)
    for part in (1, 2):
        clock.move(seconds=10)
        rig.report("DELIVRD", message="31", sender=number, part=part, parts=2)
    clock.move(seconds=1)
    sender.try_once(TemporaryError("HTTP 429 20429 too many requests"))
    clock.move(minutes=1)
    timers = rig.built.timer_service()
    assert all(timers.fire(timer) for timer in timers.due_timers(10))
    receipt = sender.try_once(None)
    clock.move(seconds=5)
    sender.report(receipt, ProviderStatus.UNDERWAY, "sent")
    clock.move(seconds=5)
    sender.report(receipt, ProviderStatus.FAILED, "undelivered 30003")
    journey = only(rig.built.journeys.of_id("0x1f"))
    assert steps(journey) == [
        "report", "report", "report", "decision", "receipt", "attempt", "accepted", "charge",
        "status", "status", "end", "credit",
    ]  # fmt: skip
    assert [s.at for s in journey.steps] == sorted(s.at for s in journey.steps)
    reports = [(s.status, s.reason) for s in journey.steps if s.kind == "report"]
    assert reports == [
        ("ACCEPTD", "underway"), ("1/2 DELIVRD", "parts_missing"), ("2/2 DELIVRD", ""),
    ]  # fmt: skip
    attempt = next(s for s in journey.steps if s.kind == "attempt")
    assert (attempt.provider, attempt.status, attempt.code) == ("twilio", "try_later", "20429")
    assert attempt.detail == "HTTP 429 20429 too many requests"
    accepted = next(s for s in journey.steps if s.kind == "accepted")
    assert (accepted.provider, accepted.provider_id, accepted.mode) == ("twilio", "SM9", "text")
    fens = [s.fen for s in journey.steps if s.kind in {"charge", "credit"}]
    assert fens[0] == -fens[1] > 0
    assert [s.status for s in journey.steps if s.kind == "end"] == ["undelivered"]


@pytest.mark.parametrize("name", ["0xFF", "255", "00255", "0x00ff", " 255 "])
def test_text_is_found_by_any_spelling_of_its_id(rig: ReportRig, name: str):
    rig.stand()
    rig.report("DELIVRD", message="0xff")
    journey = only(rig.built.journeys.of_id(name))
    assert (journey.number, journey.recipient, journey.message_id) == (ANNA, FRIEND, "0xff")


def test_text_is_found_by_its_receipt(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD")
    rig.report("DELIVRD", message="2")
    for receipt in rig.receipts():
        journey = only(rig.built.journeys.of_id(f" {receipt.id.upper()} "))
        assert [each.id for each in journey.receipts] == [receipt.id]
        assert journey.message_id == receipt.message_id


def test_texts_of_a_pair_come_newest_first_and_without_those_to_others(
    rig: ReportRig, clock: TestClock
):
    rig.stand()
    for message in ("1", "2", "3"):
        rig.report("ACCEPTD", message=message)
        rig.report("ACCEPTD", message=f"9{message}", friend=OTHER)
        clock.move(minutes=10)
    found = rig.built.journeys.of_pair(ANNA, FRIEND)
    assert [journey.message_id for journey in found] == ["3", "2", "1"]
    assert rig.built.journeys.of_pair(FRIEND, ANNA) == []


def test_time_finds_the_nearest_text(rig: ReportRig, clock: TestClock):
    rig.stand()
    begun = clock.now()
    for message in ("1", "2", "3"):
        rig.report("DELIVRD", message=message)
        clock.move(minutes=10)
    exactly = rig.built.journeys.of_pair(ANNA, FRIEND, begun + dt.timedelta(minutes=10, seconds=30))
    assert only(exactly).message_id == "2"
    between = rig.built.journeys.of_pair(ANNA, FRIEND, begun + dt.timedelta(minutes=14))
    assert [journey.message_id for journey in between] == ["2", "3", "1"]


def test_time_of_the_network_counts_where_it_is_known(rig: ReportRig, clock: TestClock):
    rig.stand()
    sent = clock.now() - dt.timedelta(hours=5)
    rig.built.report_service.ingest_batch([rig_report(rig, "7", sent)])
    rig.report("DELIVRD", message="8")
    assert only(rig.built.journeys.of_pair(ANNA, FRIEND, sent)).message_id == "7"


def rig_report(rig: ReportRig, message: str, sent: dt.datetime) -> DeliveryReport:
    return DeliveryReport(
        message, ANNA, FRIEND, MessageStatus.DELIVERED, "DELIVRD", rig.clock.now(),
        submitted=ReportedTime(sent),
    )  # fmt: skip


def test_text_whose_reports_have_expired_is_found_by_its_receipt(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", message="0x1F")
    (receipt,) = rig.receipts()
    rig.forget_reports()
    by_pair = only(rig.built.journeys.of_pair(ANNA, FRIEND))
    by_receipt = only(rig.built.journeys.of_id(receipt.id))
    for journey in (by_pair, by_receipt):
        assert journey.trace is None
        assert steps(journey) == ["receipt"]


def test_wait_that_ended_and_a_late_report_are_both_told(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.fire_timeout()
    rig.clock.move(minutes=1)
    rig.report("DELIVRD")
    journey = only(rig.built.journeys.of_pair(ANNA, FRIEND))
    assert steps(journey) == ["report", "no_report", "receipt", "report", "decision", "receipt"]
    assert [str(r.outcome) for r in journey.receipts] == ["no_answer", "delivered"]
    assert only(rig.built.journeys.of_id(journey.receipts[0].id)) == journey


@pytest.mark.parametrize(
    ("state", "friend", "reason"),
    [("active", UNICOM, "friend_off_net"), ("suspended", FRIEND, "suspended")],
)
def test_decision_tells_why_there_is_no_receipt(
    rig: ReportRig, state: str, friend: str, reason: str
):
    rig.stand(state)
    rig.report("DELIVRD", friend=friend)
    journey = only(rig.built.journeys.of_id("1"))
    assert [(s.kind.value, s.reason) for s in journey.steps] == [
        ("report", reason), ("decision", reason),
    ]  # fmt: skip
    assert journey.receipts == ()


def test_strangers_text_is_found_by_both_numbers_and_id_alone(rig: ReportRig):
    rig.stand("none")
    rig.report("DELIVRD", message="0x1F")
    journeys = rig.built.journeys
    assert journeys.of_id("0x1F") == []
    assert journeys.of_pair(ANNA, FRIEND) == []
    journey = only(journeys.of_text(ANNA, FRIEND, "31"))
    assert journey.of_stranger
    assert steps(journey) == ["report", "decision"]


def test_notice_has_a_journey_of_its_own(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", friend=UNICOM)
    (notice,) = rig.notices()
    journey = only(rig.built.journeys.of_id(notice.id))
    assert steps(journey) == ["receipt"]


def test_unknown_names_find_no_text(rig: ReportRig):
    rig.stand()
    for name in ("", " ", "a-ffff", "0x", "-", "短信", "x" * 5000, "\ud800", "\x00"):
        assert rig.built.journeys.of_id(name) == []
        assert rig.built.journeys.of_text(ANNA, FRIEND, name) == []


def test_texts_that_shared_an_id_have_journeys_of_their_own(rig: ReportRig, clock: TestClock):
    rig.stand()
    rig.report("DELIVRD")
    clock.move(days=5)
    rig.report("UNDELIV")
    found = rig.built.journeys.of_pair(ANNA, FRIEND)
    assert [str(journey.receipts[0].outcome) for journey in found] == ["failed", "delivered"]
    assert len(rig.built.journeys.of_id("1")) == 2
    first = only(rig.built.journeys.of_id(found[1].receipts[0].id))
    assert first == found[1]


def test_work_is_bounded_for_a_customer_with_very_many_texts(
    rig: ReportRig, clock: TestClock, monkeypatch: pytest.MonkeyPatch
):
    """Three thousand texts of one customer."""
    rig.stand()
    reports = [
        DeliveryReport(
            str(n), ANNA, FRIEND, MessageStatus.DELIVERED, "DELIVRD",
            clock.now() + dt.timedelta(seconds=n),
        )
        for n in range(3000)
    ]  # fmt: skip
    rig.built.report_service.ingest_batch(reports)
    trips: list[int] = []
    execute = rig.built.clients.connection.execute

    def counted(*commands: tuple[object, ...]) -> list[object]:
        trips.append(len(commands))
        return execute(*commands)

    monkeypatch.setattr(rig.built.clients.connection, "execute", counted)
    assert len(rig.built.journeys.of_pair(ANNA, FRIEND)) == 20
    assert len(trips) <= 10
    del trips[:]
    assert len(rig.built.journeys.of_id("1234")) == 1
    assert len(trips) <= 10
