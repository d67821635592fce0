"""A receipt that left: its charge, or its credit if it did not arrive."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.charges import count_receipt, credit_for, for_receipt
from receipts.delivery.end_of_life import ended_at, text_after_sending
from receipts.delivery.results import sent_figures
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet
from statemachines.receipt import ReceiptState


def mark_sent(
    receipt: Receipt,
    state: ReceiptState,
    owner: Subscription | None,
    now: dt.datetime,
    *,
    failed: bool,
) -> ChangeSet:
    """Record that a receipt left: the first such event charges it, a failure credits it."""
    first = receipt.sent_at is None and not failed
    moved = replace(
        receipt,
        version=receipt.version + 1,
        state=state,
        text=text_after_sending(receipt),
        dated_text=None,
        sent_at=now if first else receipt.sent_at,
        done_at=ended_at(receipt, state, now),
    )
    if state is ReceiptState.UNDELIVERED:
        uncharged = replace(moved, charge_fen=0)
        given_back = credit_for(receipt, now)
        return ChangeSet(receipt.number, records=(uncharged,), charges=given_back)
    figures = sent_figures(receipt, now) if first else ()
    if not first or receipt.price_fen == 0:
        return ChangeSet(receipt.number, records=(moved,), figures=figures)
    counted, used = count_receipt(owner, now) if receipt.free_receipts else (None, 0)
    charge = for_receipt(receipt, used, now)
    records = (replace(moved, charge_fen=charge.fen), *((counted,) if counted else ()))
    return ChangeSet(receipt.number, records=records, charges=(charge,), figures=figures)
