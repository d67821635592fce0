"""Status updates of a receipt: a final state stays, duplicates are dropped, one charge at most."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.calendar import month_of
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import ProviderStatus
from statemachines.receipt import ENDED, ReceiptState
from tests.conftest import TestClock
from tests.receipts.delivery.conftest import RULES, TEMPORARY, raw_statuses, report
from tests.support.sending import ANNA, FRIEND, Desk, ProviderDouble

_S = ProviderStatus


@pytest.fixture
def sending(desk: Desk) -> Receipt:
    """A receipt that is being sent."""
    receipt = desk.post()
    desk.begin(receipt)
    return receipt


@pytest.mark.parametrize("status", [_S.UNDERWAY, _S.DELIVERED], ids=str)
def test_status_before_the_response_charges_and_the_response_adds_no_charge(
    desk: Desk, sending: Receipt, status: ProviderStatus
):
    (entry,) = desk.in_outbox()
    known = report(desk, sending, status)
    assert (known.provider_id, known.charge_fen, known.sent_at) == ("SM1", 10, desk.clock.now())
    desk.clock.move(seconds=3)
    desk.settle(desk.delivery.accepted(known, "SM1", entry))
    now = desk.now(sending)
    assert (now.state, now.sent_at, now.done_at) == (known.state, known.sent_at, known.done_at)
    assert [charge.fen for charge in desk.charges()] == [10]
    assert desk.in_outbox() == []


@pytest.mark.parametrize("status", [_S.FAILED, _S.UNDELIVERED], ids=str)
def test_failure_status_before_the_response_is_free(
    desk: Desk, sending: Receipt, status: ProviderStatus
):
    (entry,) = desk.in_outbox()
    failed = report(desk, sending, status)
    sent_at = desk.clock.now() if status is _S.UNDELIVERED else None
    assert (failed.state, failed.sent_at) == ("undelivered", sent_at)
    assert failed.done_at == desk.clock.now()
    desk.settle(desk.delivery.accepted(failed, "SM1", entry))
    now = desk.now(sending)
    assert (now.state, now.provider_id, now.charge_fen) == ("undelivered", "SM1", 0)
    assert desk.charges() == []


@pytest.mark.parametrize("status", [_S.FAILED, _S.UNDELIVERED], ids=str)
def test_receipt_that_does_not_arrive_is_credited_once_in_the_month_of_the_news(
    desk: Desk, sending: Receipt, status: ProviderStatus
):
    (entry,) = desk.in_outbox()
    desk.settle(desk.delivery.accepted(desk.now(sending), "SM1", entry))
    charges = desk.charges()
    desk.clock.move(days=31)
    for raw in ("undelivered 30034", "undelivered 30003"):
        report(desk, desk.now(sending), status, raw)
    assert (desk.now(sending).charge_fen, desk.now(sending).note) == (0, "undelivered 30034")
    (charge,), (credit,) = charges, desk.charges()
    assert (charge.fen, credit.fen, credit.kind) == (10, -10, "credit")
    assert (credit.charge_id, credit.month) == (charge.id, month_of(desk.clock.now()))


def test_news_of_a_failure_after_the_delivery_gives_no_credit(desk: Desk, sending: Receipt):
    (entry,) = desk.in_outbox()
    desk.settle(desk.delivery.accepted(desk.now(sending), "SM1", entry))
    for status in (_S.DELIVERED, _S.UNDELIVERED):
        report(desk, desk.now(sending), status)
    assert [charge.fen for charge in desk.charges()] == [10]


def test_repeated_status_changes_no_record(desk: Desk, sending: Receipt):
    for status, raw in ((_S.UNDERWAY, "sent"), (_S.UNKNOWN, "odd"), (_S.DELIVERED, "delivered")):
        known = report(desk, sending, status, raw)
        desk.clock.move(seconds=1)
        assert report(desk, sending, status, raw) == known


def test_late_status_is_kept_and_moves_no_state_back(desk: Desk, sending: Receipt):
    final = report(desk, sending, _S.DELIVERED)
    desk.clock.move(seconds=5)
    now = report(desk, sending, _S.UNDERWAY, "sent")
    assert (now.state, now.done_at, now.sent_at) == ("delivered", final.done_at, final.sent_at)
    history = [(update.raw_status, update.at) for update in now.history]
    assert history == [("delivered", final.done_at), ("sent", desk.clock.now())]


def test_first_final_status_stays_and_a_contradiction_is_kept(desk: Desk, sending: Receipt):
    report(desk, sending, _S.UNDELIVERED, "undelivered 30003")
    now = report(desk, sending, _S.DELIVERED)
    assert (now.state, now.note, desk.charges()) == ("undelivered", "undelivered 30003", [])
    assert raw_statuses(now) == ["undelivered 30003", "delivered"]


def test_unknown_status_is_kept_raw_and_moves_no_state(desk: Desk, sending: Receipt):
    now = report(desk, sending, _S.UNKNOWN, "partially_delivered")
    assert (now.state, now.charge_fen, now.done_at) == ("sending", 0, None)
    assert raw_statuses(now) == ["partially_delivered"]


def test_history_is_limited_to_the_newest_twenty(desk: Desk):
    receipt = desk.post()
    for turn in range(30):
        now = report(desk, receipt, _S.UNKNOWN, f"word {turn}")
    assert raw_statuses(now) == [f"word {turn}" for turn in range(10, 30)]


@pytest.mark.parametrize(
    ("status", "state", "fen"),
    [
        (_S.UNDERWAY, "sent", 10),
        (_S.DELIVERED, "delivered", 10),
        (_S.UNDELIVERED, "undelivered", 0),
        (_S.FAILED, "expired", 0),
    ],
)
def test_expired_receipt_still_takes_a_status(
    desk: Desk, status: ProviderStatus, state: str, fen: int
):
    receipt = desk.post(state=ReceiptState.EXPIRED, done_at=desk.clock.now())
    desk.clock.move(hours=1)
    now = report(desk, receipt, status)
    ended_at = {"sent": None, "expired": receipt.done_at}.get(state, desk.clock.now())
    assert (now.state, now.charge_fen, now.done_at) == (state, fen, ended_at)


def test_same_raw_status_after_a_second_attempt_is_new(desk: Desk, sending: Receipt):
    entry = desk.in_outbox()[0]
    report(desk, sending, _S.UNKNOWN, "sent")
    desk.settle(desk.delivery.failed(desk.now(sending), TEMPORARY, entry))
    assert report(desk, sending, _S.UNDERWAY, "sent").state == "sent"


STATUSES = {
    "underway": _S.UNDERWAY, "delivered": _S.DELIVERED, "undelivered": _S.UNDELIVERED,
    "failed": _S.FAILED, "odd": _S.UNKNOWN,
}  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(["response", *STATUSES]), min_size=1, max_size=8))
def test_receipt_is_charged_at_most_once_in_any_order_of_events(events: list[str]):
    provider = ProviderDouble("c", flash=False, lookup=True)
    lifecycle = ReceiptLifecycle(Router([provider]), RULES, TestClock())
    receipt = Receipt(
        "5-1", ANNA, "t", DisplayMode.TEXT, Language.ZH, TestClock().now(),
        version=1, state=ReceiptState.SENDING, message_id="SM1", recipient=FRIEND, price_fen=10,
    )  # fmt: skip
    charges = []
    for event in events:
        if event == "response":
            change = lifecycle.accepted(receipt, "SM1", OutboxEntry(5, "1-1", "5-1"))
        else:
            change = lifecycle.apply_status(receipt, STATUSES[event], event, "SM1")
        charges += change.charges
        for moved in change.records:
            assert isinstance(moved, Receipt)
            assert moved.version == receipt.version + 1
            assert not (receipt.state in ENDED and moved.state is not receipt.state)
            receipt = moved
    finals = [event for event in events if event in {"delivered", "undelivered", "failed"}]
    if finals:
        assert receipt.state == ("delivered" if finals[0] == "delivered" else "undelivered")
    known = [event for event in events if event != "odd"]
    expected = 10 if known and receipt.state != "undelivered" else 0
    assert [charge.fen for charge in charges] in ([], [10], [10, -10])
    assert sum(charge.fen for charge in charges) == receipt.charge_fen == expected
