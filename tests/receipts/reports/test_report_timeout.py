"""Report time-out: one free "no answer yet", and a receipt for a later final report."""

import pytest

from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.vocabulary import DisplayMode, Network
from tests.conftest import BEIJING, GUANGDONG, UNICOM
from tests.receipts.reports.conftest import ReportRig
from tests.support.reports import ANNA, FRIEND, PATIENCE, swept, trail


@pytest.mark.parametrize("raw_status", ["ACCEPTD", "DELETED", "WEIRD"])
def test_no_answer_receipt_is_sent_once_and_free_after_validity_and_margin(
    rig: ReportRig, raw_status: str
):
    rig.stand()
    rig.report(raw_status)
    rig.clock.move(hours=PATIENCE, seconds=-1)
    assert swept(rig.built) == 0
    rig.clock.move(seconds=2)
    assert swept(rig.built) == 1
    (receipt,) = rig.receipts()
    assert (receipt.outcome, receipt.price_fen, receipt.message_id) == ("no_answer", 0, "1")
    assert (receipt.recipient, receipt.mode, receipt.state) == (FRIEND, DisplayMode.FLASH, "due")
    assert "仍无送达结果" in receipt.text
    assert rig.fire_timeout() == 0
    rig.report("ENROUTE")
    assert rig.fire_timeout() == 0
    assert rig.outcomes() == ["no_answer"]


@pytest.mark.parametrize("message", ["a|b|+8613800138000", "0x1F", "007", "SM" + "0" * 32])
def test_timeout_finds_its_text_by_any_message_id(rig: ReportRig, message: str):
    rig.stand()
    rig.report("ACCEPTD", message=message)
    rig.fire_timeout()
    assert [receipt.message_id for receipt in rig.receipts()] == [message]


def test_concurrent_timeouts_make_one_receipt(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.clock.move(hours=PATIENCE + 1)
    services = (rig.built.timer_service(), rig.built.timer_service())
    due = [(service, timer) for service in services for timer in service.due_timers(100)]
    assert len(due) == 2
    for service, timer in due:
        service.fire(timer)
    assert rig.outcomes() == ["no_answer"]
    assert len(rig.built.clients.outbox.fetch("test", 100, 0.001)) == 1


@pytest.mark.parametrize(
    ("raw_status", "outcome"),
    [("DELIVRD", "delivered"), ("EXPIRED", "failed"), ("REJECTD", "rejected")],
)
def test_final_report_after_the_timeout_gives_its_receipt(
    rig: ReportRig, raw_status: str, outcome: str
):
    rig.stand()
    rig.report("ACCEPTD")
    rig.fire_timeout()
    rig.clock.move(days=3)
    for _ in range(2):
        rig.report(raw_status)
    assert rig.outcomes() == ["no_answer", outcome]
    history = [event.raw_status for event in trail(rig.built).history]
    assert (history[0], history[2]) == ("ACCEPTD", raw_status)
    assert rig.receipts()[0].id in history[1]


def test_final_report_cancels_the_timeout(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.report("DELIVRD", message="0000001")
    assert not rig.has_timers()
    assert rig.fire_timeout() == 0
    assert rig.outcomes() == ["delivered"]


def test_long_text_with_a_missing_part_times_out_once(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", part=2, parts=3)
    rig.clock.move(hours=1)
    rig.report("DELIVRD", part=1, parts=3)
    rig.clock.move(hours=PATIENCE)
    assert swept(rig.built) == 1
    assert rig.outcomes() == ["no_answer"]
    rig.report("EXPIRED", part=3, parts=3)
    assert rig.outcomes() == ["no_answer", "failed"]


def test_first_and_final_report_in_one_batch_set_no_timer(rig: ReportRig):
    rig.stand()
    statuses = (MessageStatus.UNDERWAY, "ACCEPTD"), (MessageStatus.DELIVERED, "DELIVRD")
    reports = [DeliveryReport("1", ANNA, FRIEND, *each, rig.clock.now()) for each in statuses]
    rig.built.report_service.ingest_batch(reports)
    assert (rig.has_timers(), rig.outcomes()) == (False, ["delivered"])


@pytest.mark.parametrize("state", ["none", "pending", "suspended"])
def test_text_of_a_non_subscriber_sets_no_timer(rig: ReportRig, state: str):
    rig.stand(state)
    rig.report("ACCEPTD")
    assert not rig.has_timers()


@pytest.mark.parametrize("given", [{"friend": UNICOM}, {"sender": UNICOM}, {"sender": BEIJING}])
def test_text_that_gives_no_receipt_sets_no_timer(rig: ReportRig, given: dict[str, str]):
    for number in (GUANGDONG, UNICOM, BEIJING):
        rig.stand(number=number)
    rig.report("ACCEPTD", **given)
    assert not rig.has_timers()


def test_timeout_after_a_cancellation_sends_no_receipt(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.stand("none")
    assert (rig.fire_timeout(), rig.receipts(), swept(rig.built)) == (1, [], 0)


def test_timeout_of_a_recipient_now_off_net_sends_no_receipt(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.stand("none", number=FRIEND, network=Network.CHINA_UNICOM)
    rig.fire_timeout()
    assert rig.receipts() == []


def test_timeout_without_a_trace_ends_without_a_receipt(rig: ReportRig):
    rig.stand()
    rig.report("ACCEPTD")
    rig.raw.delete(*rig.raw.keys("*:trail:*"))
    assert (rig.fire_timeout(), swept(rig.built), rig.receipts()) == (1, 0, [])
