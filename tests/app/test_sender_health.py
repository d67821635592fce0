"""A sender that fails as a whole is told by a metric within 20 failures; each code is counted."""

import pytest

from app.bootstrap import Container
from app.sender_health import OTHER_CODES, SenderHealth, bounded
from receipts.ports.changes import DeliveryResult
from receipts.ports.provider import PermanentError, TemporaryError
from receipts.reports.reconciliation import Reconciliation
from statemachines.receipt import ReceiptState
from tests.conftest import Network, TestClock
from tests.support.metrics import metrics_page
from tests.support.sending import Desk


@pytest.fixture
def desk(built: Container, clock: TestClock) -> Desk:
    return Desk(built.store, built.clients.outbox, built.lifecycle, clock)


def sent(desk: Desk, provider: str = "twilio") -> str:
    desk.clock.move(seconds=1)
    return desk.post(state=ReceiptState.SENT, provider=provider, sent_at=desk.clock.now()).id


def told(network: Network, receipt_id: str, status: str = "delivered", code: str = "") -> None:
    path = f"/receipts/{receipt_id}/status"
    code_field = {"ErrorCode": code} if code else {}
    done = network.post(path, MessageSid="SM1", MessageStatus=status, **code_field)
    assert done.status_code == 204


def failing(built: Container) -> bool:
    line = next(
        each
        for each in metrics_page(built).splitlines()
        if each.startswith('sms_receipt_sender_failing{provider="twilio"}')
    )
    return line.endswith(" 1.0")


def test_cause_is_kept_on_the_receipt_and_counted_by_code_once(
    network: Network, desk: Desk, built: Container
):
    for status, code in (("undelivered", "30034"), ("failed", "30007"), ("undelivered", "")):
        receipt_id = sent(desk)
        for _ in range(2):
            told(network, receipt_id, status, code)
        (receipt,) = built.store.receipts([receipt_id])
        assert receipt is not None
        assert receipt.note is not None
        assert receipt.note.startswith(f"{status} {code}".strip())
        assert ("(" in receipt.note) == bool(code)
    page = metrics_page(built)
    for code in ("30034", "30007", "none"):
        assert f'sms_receipt_failures_total{{code="{code}",provider="twilio"}} 1.0' in page
    assert Reconciliation.from_counts(built.clients.bulk_reader.counts()).missing == 0


@pytest.mark.parametrize("code", ["30034", "30007", "21610", "30003", "99999", ""])
def test_sender_that_begins_to_fail_is_told_within_20_failures_and_its_recovery_too(
    network: Network, desk: Desk, built: Container, code: str
):
    for _ in range(25):
        told(network, sent(desk))
    assert not failing(built)
    for _ in range(20):
        told(network, sent(desk), "undelivered", code)
    assert failing(built)
    for _ in range(3):
        told(network, sent(desk))
    assert not failing(built)


def test_single_failures_make_no_failing_sender(network: Network, desk: Desk, built: Container):
    for turn in range(30):
        told(network, sent(desk), "undelivered" if turn % 2 else "delivered", "")
    assert not failing(built)


def test_sender_without_any_delivery_is_told_after_ten_failures(
    network: Network, desk: Desk, built: Container
):
    for turn in range(10):
        assert not failing(built), turn
        told(network, sent(desk), "failed", "30032")
    assert failing(built)


def test_refusals_are_counted_by_attempt_and_only_ends_judge_the_sender(
    desk: Desk, built: Container
):
    receipt = desk.post(provider="twilio")
    for failure in (TemporaryError("twilio 400/21609"), PermanentError("twilio 400/21614")):
        entry = desk.begin(receipt)
        desk.settle(built.lifecycle.failed(desk.now(receipt), failure, entry))
        if isinstance(failure, TemporaryError):
            (timer,) = desk.timers()
            assert "PUBLIC_URL" in (desk.now(receipt).note or "")
            desk.settle(built.lifecycle.requeue(desk.now(receipt), timer))
    assert "not a mobile" in (desk.now(receipt).note or "")
    counts = built.clients.bulk_reader.counts()
    assert (counts["failed:twilio:21609"], counts["failed:twilio:21614"]) == (1, 1)
    (result,) = built.clients.bulk_reader.results("twilio")
    assert result.code == "21614"


def test_delivery_by_another_provider_does_not_hide_a_failing_one(
    network: Network, desk: Desk, built: Container
):
    for _ in range(20):
        told(network, sent(desk), "undelivered", "30034")
        told(network, sent(desk, "kannel"))
    assert failing(built)
    assert not built.clients.bulk_reader.results("kannel")[0].code


def test_codes_of_a_metric_are_bounded_and_their_sum_is_kept():
    counts = {("kannel", str(code)): 1 for code in range(900)} | {("twilio", "30034"): 5}
    shown = bounded(counts)
    assert len(shown) < 60
    assert sum(shown.values()) == 905
    assert shown["kannel", OTHER_CODES] > 800


def test_causes_name_the_most_frequent_code_first(clock: TestClock):
    codes = ["30034"] * 12 + [""] * 1 + ["30007"] * 2
    health = SenderHealth.from_results(
        "twilio", [DeliveryResult("twilio", clock.now(), code) for code in codes]
    )
    assert health.causes().startswith("12 by 30034: ")
    assert "2 by 30007: " in health.causes()
