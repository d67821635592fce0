"""Charge records: the id of each tells what it is for, so it can be written only once."""

import datetime as dt

from receipts.model import (
    Charge,
    ChargeKind,
    Receipt,
    Subscription,
    month_of,
    month_start,
    next_month,
)
from receipts.provinces import Province
from receipts.tariff import tariff_on
from statemachines.subscription import RECEIVING


def monthly(
    customer: Subscription,
    province: Province,
    month: str,
    at: dt.datetime,
    why: str,
    cap_fen: int,
) -> tuple[Charge, ...]:
    """The fee of one calendar month, at the tariff of its first day with the service; maybe none.

    One a number and month, whatever happened in it: the id says the month.
    """
    begins = month_start(month)
    since = customer.charged_from
    if customer.trial or since is None or since >= next_month(begins):
        return ()
    tariff = tariff_on(province, max(begins, since))
    if begins <= since and customer.tariff:
        # In the month of the yes the price is the one that was shown, even if it changed since.
        tariff = province.tariff(customer.tariff) or tariff
    fen = min(tariff.monthly_fen, cap_fen)
    if fen == 0:
        return ()
    charge = Charge(
        f"monthly-{month}",
        customer.number,
        ChargeKind.MONTHLY,
        fen,
        month,
        why,
        at,
        tariff.version,
    )
    return (charge,)


def on_leaving(
    customer: Subscription, province: Province | None, now: dt.datetime, cap_fen: int
) -> tuple[Charge, ...]:
    """What a customer who leaves still owes: this month, and the last one if nobody billed it.

    A month that was charged already is not charged again: its id is taken.
    """
    if province is None or customer.state not in RECEIVING:
        return ()
    this = month_of(now)
    last = month_of(month_start(this) - dt.timedelta(days=1))
    return tuple(
        charge
        for month in (last, this)
        if customer.charged_from is not None and customer.charged_from <= now
        for charge in monthly(customer, province, month, now, "month of leaving", cap_fen)
    )


def for_receipt(receipt: Receipt, used: int, at: dt.datetime) -> Charge:
    """The fee of a receipt that went out, in the month in which it did.

    ``used`` is how many delivered receipts the month had before; the free ones are written too,
    at nothing, so that the list explains itself.
    """
    free = used < receipt.free_receipts
    about = f"receipt for message {receipt.message_id}"
    why = f"{about}: {used + 1} of {receipt.free_receipts} free" if free else about
    return Charge(
        f"receipt-{receipt.id}",
        receipt.number,
        ChargeKind.RECEIPT,
        0 if free else receipt.price_fen,
        month_of(at),
        why,
        at,
        receipt.tariff or "",
    )
