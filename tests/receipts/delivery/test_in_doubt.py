"""Receipts in doubt: look-ups, a second attempt after the last one, and their end."""

import datetime as dt

import pytest

from app.bootstrap import Container
from receipts.delivery.in_doubt import LOOKUP
from receipts.model.vocabulary import DisplayMode
from receipts.ports.changes import CommitStatus, Timer
from receipts.ports.provider import FoundMessage, ProviderStatus
from statemachines.receipt import ReceiptState
from tests.receipts.delivery.conftest import FINAL, RULES, UNKNOWN, fail, is_idle, look_up, report
from tests.support.sending import ANNA, Desk, mark_sending


def test_message_found_for_one_receipt_is_not_found_for_another(desk: Desk):
    """Two workers look up equal texts at the same moment, and both find the same message."""
    first, second = desk.post(), desk.post()
    for entry in desk.outbox.fetch("desk", 32, 0):
        (receipt,) = desk.store.receipts([entry.receipt_id])
        desk.settle(mark_sending(desk.delivery, receipt, entry))
        desk.settle(desk.delivery.failed(desk.now(receipt), UNKNOWN, entry))
    commits = [
        desk.store.commit(desk.delivery.lookup_found(desk.now(receipt), FoundMessage("SM1"), timer))
        for receipt in (first, second)
        for timer in desk.timers()
        if timer.subject.startswith(receipt.id)
    ]
    assert [c.status for c in commits] == [CommitStatus.COMMITTED, CommitStatus.DUPLICATE]
    assert (desk.now(first).state, desk.now(second).state) == ("sent", "unsure")
    assert len(desk.timers()) == 1


def test_receipt_is_listed_as_in_doubt_until_its_outcome_is_known(desk: Desk, built: Container):
    receipt = desk.post()
    fail(desk, receipt, UNKNOWN)
    count, oldest = built.clients.bulk_reader.unsure(10)
    assert (count, [r.id for r in oldest]) == (1, [receipt.id])
    report(desk, receipt, ProviderStatus.DELIVERED)
    assert built.clients.bulk_reader.unsure(10) == (0, [])


def test_receipt_is_sent_again_only_after_every_look_up_missed(desk: Desk):
    receipt = desk.post()
    now = fail(desk, receipt, UNKNOWN)
    assert (now.state, now.note, now.done_at) == ("unsure", "unsure: no answer", None)
    assert desk.in_outbox() == []
    for turn, seconds in enumerate(RULES.look_after_seconds):
        (timer,) = desk.timers()
        assert timer.subject == f"{receipt.id}/{turn}"
        assert timer.at == desk.clock.now() + dt.timedelta(seconds=seconds)
        desk.clock.move(seconds=seconds)
        now = look_up(desk, receipt, None)
    assert (now.state, now.note) == ("due", "not found at the provider")
    assert desk.timers() == []
    desk.begin(receipt)
    assert desk.now(receipt).attempts == 2


def test_found_receipt_is_sent_and_charged(desk: Desk):
    receipt = desk.post()
    fail(desk, receipt, UNKNOWN)
    now = look_up(desk, receipt, "SM7")
    assert (now.state, now.provider_id, now.charge_fen) == ("sent", "SM7", 10)
    assert (desk.timers(), desk.in_outbox(), len(desk.charges())) == ([], [], 1)


def test_failed_look_up_is_repeated_later(desk: Desk):
    now = fail(desk, desk.post(), UNKNOWN)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.in_doubt.reschedule_lookup(now, timer))
    (later,) = desk.timers()
    last = dt.timedelta(seconds=RULES.look_after_seconds[-1])
    assert (later.subject, later.at) == (timer.subject, desk.clock.now() + last)


def test_look_ups_end_at_the_age_limit(desk: Desk):
    receipt = desk.post()
    now = fail(desk, receipt, UNKNOWN)
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.in_doubt.reschedule_lookup(now, timer))
    assert (desk.timers(), desk.now(receipt).state) == ([], "unsure")


def test_without_look_ups_a_receipt_in_doubt_waits_for_its_report(desk: Desk):
    receipt = desk.post(mode=DisplayMode.FLASH)
    assert fail(desk, receipt, UNKNOWN).state == "unsure"
    assert is_idle(desk)
    now = report(desk, receipt, ProviderStatus.DELIVERED)
    assert (now.state, now.charge_fen, len(desk.charges())) == ("delivered", 10, 1)


def test_receipt_in_doubt_does_not_expire(desk: Desk):
    receipt = desk.post(state=ReceiptState.UNSURE, provider="courier")
    desk.clock.move(days=3)
    desk.begin(receipt)
    assert (desk.now(receipt).state, desk.in_outbox()) == ("unsure", [])


def test_receipt_marked_by_a_dead_worker_is_looked_up(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    (entry,) = desk.in_outbox()
    desk.settle(mark_sending(desk.delivery, desk.now(receipt), entry))
    now, note = desk.now(receipt), "unsure: its worker ended while sending"
    assert (now.state, now.note, now.attempts) == ("unsure", note, 1)
    assert ([timer.kind for timer in desk.timers()], desk.in_outbox()) == ([LOOKUP], [])


@pytest.mark.parametrize("status", FINAL, ids=str)
def test_look_up_after_a_final_status_changes_no_record(desk: Desk, status: ProviderStatus):
    receipt = desk.post()
    fail(desk, receipt, UNKNOWN)
    known = report(desk, receipt, status)
    (timer,) = desk.timers()
    last = Timer(LOOKUP, ANNA, f"{receipt.id}/{len(RULES.look_after_seconds) - 1}")
    found = desk.delivery.lookup_found(known, FoundMessage("SM9"), timer)
    missed = desk.delivery.in_doubt.lookup_missed(known, last)
    for change in (found, missed):
        written = (change.records, change.charges, change.outbox, change.timers)
        assert written == ((), (), (), ())
        assert change.fired_timer is not None
