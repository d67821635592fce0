"""Age of a receipt: its limit, its end time, and its text when and after it is sent."""

import datetime as dt

from msgspec.structs import replace

from receipts.model.receipt import Receipt
from receipts.wording.times import is_same_day
from statemachines.receipt import ENDED, ReceiptState


def is_too_old(receipt: Receipt, now: dt.datetime, expire_after_hours: int) -> bool:
    """Whether a receipt has passed its own expiry time or, without one, the rule book's."""
    if receipt.expires_at is not None:
        return now > receipt.expires_at
    return now - receipt.created_at > dt.timedelta(hours=expire_after_hours)


def as_of(receipt: Receipt, now: dt.datetime) -> Receipt:
    """Receipt with the text to send now: after its first day, each of its times has its day.

    The longer text has no room for a promotion, whose days may be over too.
    """
    if receipt.dated_text is None or is_same_day(receipt.created_at, now):
        return receipt
    return replace(receipt, text=receipt.dated_text, dated_text=None, promotion=None)


def text_after_sending(receipt: Receipt) -> str:
    """Text stored once a receipt is not sent again: empty for a passcode and a relayed text."""
    return "" if receipt.kind.is_secret else receipt.text


def ended_at(receipt: Receipt, state: ReceiptState, now: dt.datetime) -> dt.datetime | None:
    """End time in ``state``, None if it is not final; a repeated state keeps the first time."""
    if state not in ENDED:
        return None
    return receipt.done_at if state is receipt.state else now
