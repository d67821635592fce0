"""Lifecycle of a receipt: what is sent and charged, when it is retried, and when it ends."""

import datetime as dt

import pytest
from msgspec.structs import replace

from receipts.delivery.in_doubt import LOOKUP
from receipts.delivery.lifecycle import RETRY, ReceiptLifecycle
from receipts.delivery.notifications import build_notification
from receipts.delivery.routing import Router
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import DisplayMode, Language
from receipts.ports.changes import CommitStatus, OutboxEntry, Timer
from receipts.ports.provider import NoRouteError, ProviderError, ProviderStatus
from statemachines.receipt import ENDED, ReceiptState
from tests.conftest import TestClock
from tests.receipts.delivery.conftest import (
    FINAL,
    PERMANENT,
    RULES,
    TEMPORARY,
    UNKNOWN,
    accept,
    fail,
    is_idle,
    report,
)
from tests.support.sending import ANNA, Desk, ProviderDouble, mark_sending


def test_receipt_is_committed_as_sending_before_it_is_sent(desk: Desk):
    receipt = desk.post()
    entry = desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.state, now.attempts) == ("sending", 1)
    assert (now.provider, now.sent_as) == ("courier", DisplayMode.TEXT)
    assert now.requested_at is not None
    assert (desk.in_outbox(), desk.charges()) == ([entry], [])


def test_accepted_receipt_is_sent_and_charged(desk: Desk):
    now = accept(desk, desk.post())
    assert (now.state, now.provider_id, now.charge_fen) == ("sent", "SM1", 10)
    assert (now.sent_at, now.done_at) == (desk.clock.now(), None)
    charges = [(c.id, c.fen, c.kind, c.tariff) for c in desk.charges()]
    assert charges == [(f"receipt-{now.id}", 10, "receipt", "SX-1")]
    assert (desk.in_outbox(), desk.timers()) == ([], [])


def test_receipt_without_a_price_writes_no_charge(desk: Desk):
    assert accept(desk, desk.post(price_fen=0)).state == "sent"
    assert desk.charges() == []


def test_notification_is_never_charged(desk: Desk):
    notice = build_notification(desk.store, desk.delivery, ANNA, "a1", "已取消", Language.ZH)
    assert (notice.kind, notice.price_fen, notice.tariff) == (MessageKind.NOTICE, 0, None)
    sending = replace(notice, state=ReceiptState.SENDING)
    delivered = desk.delivery.apply_status(notice, ProviderStatus.DELIVERED, "delivered", "SM1")
    accepted = desk.delivery.accepted(sending, "SM1", OutboxEntry(5, "1-1", notice.id))
    assert (delivered.charges, accepted.charges) == ((), ())


def test_flash_is_sent_by_a_provider_with_flash(desk: Desk):
    receipt = desk.post(mode=DisplayMode.FLASH)
    desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.provider, now.sent_as, now.note) == ("flasher", DisplayMode.FLASH, None)
    assert desk.delivery.outbound_message(now).mode is DisplayMode.FLASH


def test_flash_without_a_provider_is_sent_as_ordinary_with_a_note(
    desk: Desk, courier: ProviderDouble, clock: TestClock
):
    desk.delivery = ReceiptLifecycle(Router([courier]), RULES, clock)
    now = accept(desk, desk.post(mode=DisplayMode.FLASH))
    assert (now.mode, now.sent_as, now.provider) == (DisplayMode.FLASH, DisplayMode.TEXT, "courier")
    assert now.note == "no provider for flash: sent as ordinary"
    assert desk.delivery.outbound_message(now).mode is DisplayMode.TEXT


@pytest.mark.parametrize("state", [s for s in ReceiptState if s in ENDED or s == "sent"])
def test_sent_or_ended_receipt_only_leaves_the_outbox(desk: Desk, state: ReceiptState):
    receipt = desk.post(state=state)
    desk.begin(receipt)
    assert (desk.now(receipt), desk.in_outbox()) == (receipt, [])


def test_receipt_past_its_age_limit_expires(desk: Desk):
    receipt = desk.post()
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.state, now.note, now.attempts) == ("expired", "too old to be of use", 0)
    assert now.done_at == desk.clock.now()
    assert is_idle(desk)


def test_receipt_at_its_age_limit_is_sent(desk: Desk):
    receipt = desk.post()
    desk.clock.move(hours=RULES.expire_after_hours)
    desk.begin(receipt)
    assert desk.now(receipt).state == "sending"


def test_temporary_errors_are_retried_by_the_rule_book_and_then_given_up(desk: Desk):
    receipt = desk.post()
    for attempt, seconds in enumerate(RULES.delays_seconds, 1):
        now = fail(desk, receipt, TEMPORARY)
        assert (now.state, now.attempts, now.note) == ("due", attempt, "busy")
        assert desk.in_outbox() == []
        (timer,) = desk.timers()
        at = desk.clock.now() + dt.timedelta(seconds=seconds)
        assert timer == Timer(RETRY, ANNA, receipt.id, at)
        desk.clock.move(seconds=seconds)
        desk.settle(desk.delivery.requeue(now, timer))
        assert desk.timers() == []
    now = fail(desk, receipt, TEMPORARY)
    assert (now.state, now.attempts, now.note) == ("failed", RULES.max_attempts, "given up: busy")
    assert now.done_at == desk.clock.now()
    assert is_idle(desk)


def test_permanent_error_fails_the_receipt_free_of_charge(desk: Desk):
    now = fail(desk, desk.post(), PERMANENT)
    assert (now.state, now.note, now.done_at) == ("failed", "opted out", desk.clock.now())
    assert is_idle(desk)


def test_receipt_without_a_route_at_one_provider_goes_to_the_next(
    desk: Desk, courier: ProviderDouble, flasher: ProviderDouble, clock: TestClock
):
    desk.delivery = ReceiptLifecycle(Router([flasher, courier]), RULES, clock)
    receipt = desk.post()
    now = fail(desk, receipt, NoRouteError("no route"))
    assert (now.state, now.refused_by, now.note) == ("due", ("flasher",), "no route")
    now = fail(desk, receipt, NoRouteError("no route either"))
    assert (now.state, now.refused_by) == ("failed", ("flasher", "courier"))
    assert is_idle(desk)


def test_failure_with_an_open_breaker_requeues_without_an_attempt_limit(desk: Desk):
    receipt = desk.post()
    for attempt in range(1, RULES.max_attempts + 3):
        now = fail(desk, receipt, TEMPORARY, "courier")
        assert (now.state, now.attempts, desk.timers()) == ("due", attempt, [])


def test_unknown_outcome_is_looked_up_also_with_an_open_breaker(desk: Desk):
    assert fail(desk, desk.post(), UNKNOWN, "courier").state == "unsure"
    assert ([timer.kind for timer in desk.timers()], desk.in_outbox()) == ([LOOKUP], [])


def test_deferred_receipts_are_fetched_by_age(desk: Desk, courier: ProviderDouble):
    receipt, older = desk.post(), desk.post(created_at=desk.clock.now() - dt.timedelta(hours=1))
    for each in (receipt, older):
        (entry,) = desk.outbox.fetch("desk", 1, 0)
        desk.settle(desk.delivery.defer(each, entry, courier.name))
    assert desk.in_outbox() == []
    (waiting,) = desk.outbox.backlog(["courier", "flasher"])
    assert (waiting.queue, waiting.count, waiting.oldest) == ("courier", 2, older.created_at)
    (first,) = desk.outbox.fetch_deferred("desk", "courier", 1)
    assert (first.receipt_id, first.deferred) == (older.id, True)
    desk.settle(mark_sending(desk.delivery, desk.now(older), first))
    desk.settle(desk.delivery.accepted(desk.now(older), "SM1", first))
    assert desk.outbox.reclaim("desk", 0, 1600) == []
    assert [e.receipt_id for e in desk.outbox.fetch_deferred("desk", "courier", 9)] == [receipt.id]


def test_receipt_being_sent_by_another_worker_is_not_deferred(desk: Desk, courier: ProviderDouble):
    receipt = desk.post()
    entry = desk.begin(receipt)
    deferred = desk.store.commit(desk.delivery.defer(receipt, entry, courier.name))
    assert deferred.status is CommitStatus.CONFLICT
    assert (desk.outbox.backlog(["courier"]), desk.in_outbox()) == ([], [entry])


def test_retry_timer_after_the_receipt_was_sent_requeues_no_receipt(desk: Desk):
    receipt = desk.post()
    fail(desk, receipt, TEMPORARY)
    now = report(desk, receipt, ProviderStatus.UNDERWAY)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.requeue(now, timer))
    assert (desk.in_outbox(), desk.timers()) == ([], [])


@pytest.mark.parametrize("failure", [TEMPORARY, PERMANENT, UNKNOWN], ids=lambda e: e.detail)
@pytest.mark.parametrize("status", [ProviderStatus.UNDERWAY, *FINAL], ids=str)
def test_failure_after_a_status_update_changes_no_record(
    desk: Desk, status: ProviderStatus, failure: ProviderError
):
    receipt = desk.post()
    entry = desk.begin(receipt)
    known = report(desk, receipt, status)
    desk.clock.move(seconds=9)
    desk.settle(desk.delivery.failed(known, failure, entry))
    assert (desk.now(receipt), desk.in_outbox(), desk.timers()) == (known, [], [])
