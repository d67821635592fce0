"""Receipts that staff settle or have sent again, with an entry in the customer's audit log."""

import datetime as dt

from msgspec import Struct
from msgspec.structs import replace

from receipts.delivery.end_of_life import ended_at, text_after_sending
from receipts.delivery.lifecycle import RETRY, ReceiptLifecycle
from receipts.delivery.relays import with_followers
from receipts.delivery.send_log import logged
from receipts.delivery.sent_receipts import mark_sent
from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.consent import append_to_chain
from receipts.wording.times import is_same_day
from statemachines.receipt import ENDED, RECEIPT, ReceiptEvent, ReceiptState

#: A worker may still be sending a receipt in doubt for so long: longer than any provider time-out.
RESEND_AFTER = dt.timedelta(seconds=60)

#: Channel of these entries in the audit log.
CONSOLE = "console"


class StaffDecision(Struct, frozen=True):
    """An act of staff on one receipt; ``event_id`` is unique to the form."""

    receipt_id: str
    event: ReceiptEvent
    clerk: str
    reason: str
    event_id: str


class Settlement:
    """Applies acts of staff, each once. The reply names the result: done or a refusal."""

    def __init__(self, store: Store, lifecycle: ReceiptLifecycle, clock: Clock) -> None:
        self._store, self._lifecycle, self._clock = store, lifecycle, clock

    def apply(self, act: StaffDecision) -> str:
        """Commit an act; ``done``, or the reason of a refusal. Raises StoreUnavailableError.

        Reasons are those of the receipt's state table, ``gone``, ``in_digest``, ``passcode``,
        ``erased``, ``day_passed`` and ``just_asked``.
        """
        (receipt,) = self._store.receipts([act.receipt_id])
        if receipt is None:
            return "gone"
        reply = run_in_transaction(
            self._store,
            receipt.number,
            lambda snapshot: self._decide(snapshot, act),
            f"settle:{act.event_id}",
        )
        return reply.next

    def _decide(self, snapshot: Snapshot, act: StaffDecision) -> ChangeSet:
        (receipt,) = self._store.receipts([act.receipt_id])
        reason = self._refusal(receipt, act) if receipt else "gone"
        if receipt is None or reason:
            return ChangeSet(snapshot.number, reply=Reply(next=reason))
        owner = snapshot.subscription
        change = with_followers(self._store, self._settled(receipt, act, owner))
        settled = next(r for r in change.records if isinstance(r, Receipt) and r.id == receipt.id)
        entry = AuditEntry(
            self._clock.now(),
            receipt.number,
            CONSOLE,
            f"receipt:{receipt.id}",
            owner.state.value,
            owner.state.value,
            shown_text=f"{receipt.state} > {settled.state}",
            reply_text=act.reason,
            clerk=act.clerk,
            action=act.event.value,
        )
        change = _with_audit(change, owner, entry)
        return replace(change, idempotency_key=f"settle:{act.event_id}", reply=Reply(next="done"))

    def _settled(self, receipt: Receipt, act: StaffDecision, owner: Subscription) -> ChangeSet:
        """Fire an act: the receipt counts as sent, or as not sent, or is sent again.

        Its look-ups and retries end. Sent again, it has all attempts and its whole life anew.
        """
        now, event = self._clock.now(), act.event
        log = logged(receipt, event, now, act.reason, act.clerk)
        marked = replace(receipt, note=f"staff: {act.reason}", send_log=log)
        state = RECEIPT.fire(receipt.state, event).state
        if event is ReceiptEvent.STAFF_SENT:
            change = mark_sent(marked, state, owner, now, failed=False)
        else:
            moved = replace(
                marked,
                version=receipt.version + 1,
                state=state,
                text=text_after_sending(receipt) if state in ENDED else receipt.text,
                done_at=ended_at(receipt, state, now),
            )
            change = ChangeSet(receipt.number, records=(moved,))
        if event is ReceiptEvent.STAFF_RESEND:
            expires_at = now + dt.timedelta(hours=self._lifecycle.rules.expire_after_hours)
            moved = replace(moved, attempts=0, refused_by=(), expires_at=expires_at)
            change = replace(change, records=(moved,), outbox=(receipt.id,))
        lookups = self._lifecycle.in_doubt.lookups(receipt)
        retry = Timer(RETRY, receipt.number, receipt.id)
        return replace(change, cancelled_timers=(*lookups, retry))

    def _refusal(self, receipt: Receipt, act: StaffDecision) -> str:
        """The reason why an act is not possible, empty if it is."""
        if receipt.digest is not None:
            return "in_digest"
        if reason := RECEIPT.fire(receipt.state, act.event).reason:
            return reason
        if act.event is not ReceiptEvent.STAFF_RESEND:
            return ""
        if receipt.kind is MessageKind.CODE or not receipt.text:
            return "passcode" if receipt.kind is MessageKind.CODE else "erased"
        if receipt.sent_at and not is_same_day(receipt.created_at, self._clock.now()):
            return "day_passed"  # its text names times of that day, without the day
        asked = receipt.requested_at if receipt.state is ReceiptState.UNSURE else None
        return "just_asked" if asked and asked + RESEND_AFTER > self._clock.wall_clock() else ""


def _with_audit(change: ChangeSet, owner: Subscription, entry: AuditEntry) -> ChangeSet:
    """The change with an entry in the customer's chain; it may count receipts of the customer."""
    counted = next((r for r in change.records if isinstance(r, Subscription)), None)
    others = tuple(record for record in change.records if record is not counted)
    customer = counted or replace(owner, version=owner.version + 1)
    audit, head = append_to_chain((entry,), customer.chain)
    return replace(change, records=(*others, replace(customer, chain=head)), audit=audit)
