"""Charge records. The id of a charge tells what it is for, so it can be written only once."""

import datetime as dt

from receipts.model import Charge, ChargeKind, Msisdn, Receipt, month_of


def monthly(number: Msisdn, fen: int, tariff: str, at: dt.datetime, why: str) -> Charge:
    """The fee of the calendar month of ``at``: one a number and month, whatever happened in it."""
    month = month_of(at)
    return Charge(f"monthly-{month}", number, ChargeKind.MONTHLY, fen, month, why, at, tariff)


def for_receipt(receipt: Receipt, at: dt.datetime) -> Charge:
    """The fee of a receipt that went out, in the month in which it did."""
    return Charge(
        f"receipt-{receipt.id}",
        receipt.number,
        ChargeKind.RECEIPT,
        receipt.price_fen,
        month_of(at),
        f"receipt {receipt.id} for message {receipt.message_id}",
        at,
        receipt.tariff or "",
    )
