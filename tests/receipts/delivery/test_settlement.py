"""Acts of staff on a receipt: settled as sent or not, sent again; once, audited, never twice."""

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery.settlement import RESEND_AFTER, Settlement, StaffDecision
from receipts.model.receipt import MessageKind, Receipt
from receipts.ports.changes import ChangeSet
from receipts.ports.provider import ProviderStatus
from receipts.subscriptions.consent import first_broken_link
from statemachines.receipt import ReceiptEvent, ReceiptState
from tests.conftest import TestClock
from tests.receipts.delivery.conftest import PERMANENT, TEMPORARY, UNKNOWN, accept, fail, report
from tests.support.sending import ANNA, Desk

SENT, NOT_SENT = ReceiptEvent.STAFF_SENT, ReceiptEvent.STAFF_NOT_SENT
RESEND = ReceiptEvent.STAFF_RESEND


@pytest.fixture
def settlement(desk: Desk, clock: TestClock) -> Settlement:
    return Settlement(desk.store, desk.delivery, clock)


def act(receipt: Receipt, event: ReceiptEvent, event_id: str = "form-1") -> StaffDecision:
    return StaffDecision(receipt.id, event, "olga", "the carrier says so", event_id)


def in_doubt(desk: Desk, **given: object) -> Receipt:
    """A receipt in doubt whose request left long enough ago."""
    receipt = desk.post(**given)
    now = fail(desk, receipt, UNKNOWN)
    return _changed(desk, now, requested_at=desk.clock.wall_clock() - RESEND_AFTER)


def _changed(desk: Desk, receipt: Receipt, **but: object) -> Receipt:
    moved = replace(receipt, version=receipt.version + 1, **but)
    desk.settle(ChangeSet(receipt.number, records=(moved,)))
    return moved


def test_receipt_settled_as_sent_is_charged_and_its_look_ups_end(
    desk: Desk, settlement: Settlement
):
    receipt = in_doubt(desk)
    assert desk.timers()
    assert settlement.apply(act(receipt, SENT)) == "done"
    now = desk.now(receipt)
    assert (now.state, now.charge_fen) == (ReceiptState.SENT, 10)
    assert [charge.fen for charge in desk.charges()] == [10]
    assert (desk.timers(), desk.in_outbox()) == ([], [])
    assert report(desk, receipt, ProviderStatus.FAILED).state is ReceiptState.UNDELIVERED
    assert sum(charge.fen for charge in desk.charges()) == 0


def test_receipt_settled_as_not_sent_costs_nothing(desk: Desk, settlement: Settlement):
    receipt = in_doubt(desk)
    assert settlement.apply(act(receipt, NOT_SENT)) == "done"
    now = desk.now(receipt)
    assert (now.state, now.done_at) == (ReceiptState.FAILED, desk.clock.now())
    assert (desk.charges(), desk.timers(), desk.in_outbox()) == ([], [], [])


@pytest.mark.parametrize("ended", ["unsure", "failed", "undelivered"])
def test_receipt_is_sent_again_with_all_attempts(desk: Desk, settlement: Settlement, ended: str):
    if ended == "unsure":
        receipt = in_doubt(desk)
    elif ended == "failed":
        receipt = fail(desk, desk.post(), PERMANENT)
    else:
        receipt = report(desk, accept(desk, desk.post()), ProviderStatus.FAILED)
    assert receipt.state == ended
    desk.clock.move(hours=1)
    assert settlement.apply(act(receipt, RESEND)) == "done"
    now = desk.now(receipt)
    assert (now.state, now.attempts, now.done_at) == (ReceiptState.DUE, 0, None)
    assert [(s.event, s.clerk, s.detail) for s in now.send_log][-1] == (
        RESEND, "olga", "the carrier says so",
    )  # fmt: skip
    again = accept(desk, receipt)
    assert again.state is ReceiptState.SENT
    # The charge of a text that did not arrive was given back, and the second one is free.
    assert sum(charge.fen for charge in desk.charges()) == (0 if ended == "undelivered" else 10)
    assert desk.timers() == []


def test_form_sent_twice_acts_once(desk: Desk, settlement: Settlement, built: Container):
    receipt = fail(desk, desk.post(), PERMANENT)
    assert settlement.apply(act(receipt, RESEND)) == "done"
    fail(desk, receipt, PERMANENT)
    assert settlement.apply(act(receipt, RESEND)) == "done"
    assert desk.now(receipt).state is ReceiptState.FAILED
    assert desk.in_outbox() == []
    assert len(built.clients.bulk_reader.consent(ANNA)) == 1


def test_due_receipt_and_one_under_way_are_never_sent_again(desk: Desk, settlement: Settlement):
    receipt = desk.post()
    assert settlement.apply(act(receipt, RESEND, "1")) == "still_due"
    desk.begin(receipt)
    assert settlement.apply(act(receipt, RESEND, "2")) == "under_way"
    other = desk.post()
    accept(desk, other)
    for event in (RESEND, SENT, NOT_SENT):
        assert settlement.apply(act(other, event, f"3 {event}")) == "already_sent"
    report(desk, other, ProviderStatus.DELIVERED)
    assert settlement.apply(act(other, RESEND, "4")) == "final"


def test_receipt_in_doubt_is_not_sent_again_while_its_worker_may_live(
    desk: Desk, settlement: Settlement
):
    receipt = fail(desk, desk.post(), UNKNOWN)
    assert settlement.apply(act(receipt, RESEND, "1")) == "just_asked"
    assert settlement.apply(act(receipt, SENT, "2")) == "done"


def test_refusal_changes_no_record(desk: Desk, settlement: Settlement, built: Container):
    receipt = fail(desk, desk.post(), TEMPORARY)
    assert settlement.apply(act(receipt, SENT)) == "still_due"
    assert desk.now(receipt) == receipt
    assert built.clients.bulk_reader.consent(ANNA) == []
    unknown = act(receipt, SENT)
    gone = StaffDecision("a-ffff", SENT, "olga", "", unknown.event_id)
    assert settlement.apply(gone) == "gone"


def test_passcode_and_a_text_of_another_day_are_not_sent_again(
    desk: Desk, settlement: Settlement, clock: TestClock
):
    code = fail(desk, desk.post(kind=MessageKind.CODE), PERMANENT)
    assert settlement.apply(act(code, RESEND, "1")) == "passcode"
    receipt = report(desk, accept(desk, desk.post()), ProviderStatus.FAILED)
    clock.move_to_next_morning()
    assert settlement.apply(act(receipt, RESEND, "2")) == "day_passed"


def test_receipt_that_failed_is_sent_with_the_day_on_a_later_day(
    desk: Desk, settlement: Settlement, clock: TestClock
):
    receipt = fail(desk, desk.post(dated_text="您的短信已于11月22日送达"), PERMANENT)
    clock.move_to_next_morning()
    assert settlement.apply(act(receipt, RESEND)) == "done"
    desk.begin(receipt)
    assert desk.now(receipt).text == "您的短信已于11月22日送达"


def test_acts_are_in_the_customers_chain_with_clerk_and_reason(
    desk: Desk, settlement: Settlement, built: Container
):
    first, second = in_doubt(desk), in_doubt(desk)
    settlement.apply(act(first, SENT, "1"))
    settlement.apply(act(second, NOT_SENT, "2"))
    chain = built.clients.bulk_reader.consent(ANNA)
    assert [(e.clerk, e.reply_text, e.action, e.shown_text) for e in chain] == [
        ("olga", "the carrier says so", "staff_sent", "unsure > sent"),
        ("olga", "the carrier says so", "staff_not_sent", "unsure > failed"),
    ]
    assert first_broken_link(chain, desk.store.load(ANNA).subscription.chain) is None


def test_settling_a_digest_settles_and_charges_its_members(desk: Desk, settlement: Settlement):
    members = [desk.post(free_receipts=1) for _ in range(2)]
    for entry in desk.outbox.fetch("desk", 32, 0):
        desk.outbox.discard([entry])
    digest = desk.post(kind=MessageKind.DIGEST, members=tuple(m.id for m in members), price_fen=0)
    for member in members:
        _changed(desk, member, digest=digest.id)
    fail(desk, digest, UNKNOWN)
    assert settlement.apply(act(members[0], SENT, "1")) == "in_digest"
    assert settlement.apply(act(digest, SENT, "2")) == "done"
    assert [desk.now(m).state for m in members] == [ReceiptState.SENT] * 2
    assert sorted(charge.fen for charge in desk.charges()) == [0, 10]
    assert desk.store.load(ANNA).subscription.receipts_this_month == 2
