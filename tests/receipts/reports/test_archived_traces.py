"""Reports that come again after their receipt has moved to the archive."""

import datetime as dt
import shutil

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from app.storage.archive import archive_mover
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.reported_time import ReportedTime
from receipts.ports.changes import ChangeSet
from receipts.ports.store import ReportQuery
from statemachines.receipt import ReceiptState
from tests.conftest import Network, TestClock
from tests.support.reports import ANNA, FRIEND

DAY = dt.timedelta(days=1)


@pytest.fixture
def report(network: Network, clock: TestClock) -> DeliveryReport:
    """The only report on a text, with its times."""
    network.open()
    sent, done = (ReportedTime(clock.now() - dt.timedelta(seconds=back)) for back in (20, 5))
    return DeliveryReport(
        "7f6e0001", ANNA, FRIEND, MessageStatus.DELIVERED, "DELIVRD 000", clock.now(),
        submitted=sent, done=done,
    )  # fmt: skip


def receipts(built: Container) -> list[Receipt]:
    return built.history.receipts_of(ANNA, None, MessageKind.RECEIPT).receipts


def archived(built: Container, clock: TestClock) -> Receipt:
    """Archive the only receipt."""
    (receipt,) = receipts(built)
    ended = replace(receipt, version=receipt.version + 1, state=ReceiptState.DELIVERED)
    built.store.commit(ChangeSet(ANNA, records=(ended,)))
    clock.move(days=32)
    sum(archive_mover(built.clients, built.settings, built.clock).run())
    assert built.store.receipts([receipt.id]) == [None]
    return ended


def own_trace(built: Container, report: DeliveryReport) -> object:
    query = ReportQuery(report.sender, report.recipient, report.message_id)
    return built.store.load_many([query])[0].trace


def again(built: Container, report: DeliveryReport, **but: object) -> int:
    """Report once more, now; return how many reports were new."""
    repeated = replace(report, at=built.clock.now(), **but)
    return built.report_service.ingest_batch([repeated]).accepted


def test_report_with_its_time_is_compared_with_the_archive(
    built: Container, clock: TestClock, report: DeliveryReport
):
    built.report_service.ingest(report)
    receipt = archived(built, clock)
    assert own_trace(built, report) is None
    assert again(built, report) == 0
    clock.move(days=60)
    assert again(built, report, message_id="0X7F6E0001") == 0
    assert receipts(built) == [receipt]


def test_contradiction_of_an_archived_receipt_is_kept_and_gives_none(
    built: Container, clock: TestClock, report: DeliveryReport
):
    built.report_service.ingest(report)
    receipt = archived(built, clock)
    assert again(built, report, status=MessageStatus.FAILED, raw_status="UNDELIV 001") == 1
    assert receipts(built) == [receipt]
    trace = own_trace(built, report)
    assert [(e.raw_status, e.no_receipt_reason) for e in trace.history] == [
        ("DELIVRD 000", None), ("UNDELIV 001", "contradicted"),
    ]  # fmt: skip
    assert again(built, report) == 0


def test_another_text_under_the_id_of_an_archived_one_gives_its_receipt(
    built: Container, clock: TestClock, report: DeliveryReport
):
    built.report_service.ingest(report)
    receipt = archived(built, clock)
    other = ReportedTime(report.submitted.at - 2 * DAY)
    assert again(built, report, submitted=other, done=None) == 1
    newer, older = receipts(built)
    assert older == receipt
    assert newer.id != receipt.id


@pytest.mark.parametrize("reports", ["without a time", "in two steps", "as it happened"])
def test_trace_stays_in_the_store_where_reports_do_not_lead_to_the_archive(
    built: Container, clock: TestClock, report: DeliveryReport, reports: str
):
    if reports == "without a time":
        report = replace(report, submitted=None)
    elif reports == "as it happened":
        report = replace(report, submitted=ReportedTime(report.at), live=True)
    else:
        underway = replace(report, status=MessageStatus.UNDERWAY, raw_status="ACCEPTD")
        built.report_service.ingest(underway)
    built.report_service.ingest(report)
    receipt = archived(built, clock)
    assert own_trace(built, report) is not None
    assert again(built, report, submitted=None) == 0
    assert receipts(built) == [receipt]


def test_old_reports_are_taken_while_the_archive_is_missing(
    built: Container, clock: TestClock, report: DeliveryReport, capsys: pytest.CaptureFixture[str]
):
    built.report_service.ingest(report)
    archived(built, clock)
    shutil.rmtree(built.settings.archive_dir)
    assert again(built, report) == 1
    assert "old reports were not compared" in capsys.readouterr().out
    assert len(receipts(built)) == 1


def test_journey_of_an_archived_receipt_shows_its_reports(
    built: Container, clock: TestClock, report: DeliveryReport
):
    built.report_service.ingest(report)
    receipt = archived(built, clock)
    before = [built.journeys.of_id(receipt.id), built.journeys.of_pair(ANNA, FRIEND)]
    for (journey,) in before:
        assert journey.archived
        assert not journey.of_stranger
        assert journey.trace.submitted == report.submitted
        assert [each.raw_status for each in journey.trace.history] == ["DELIVRD 000"]
