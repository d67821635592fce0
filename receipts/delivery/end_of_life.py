"""End of a receipt: its age limit, its end time, and the text stored after it was sent."""

import datetime as dt

from receipts.model.receipt import MessageKind, Receipt
from statemachines.receipt import ENDED, ReceiptState


def is_too_old(receipt: Receipt, now: dt.datetime, expire_after_hours: int) -> bool:
    """Whether a receipt has passed its own expiry time or, without one, the rule book's."""
    if receipt.expires_at is not None:
        return now > receipt.expires_at
    return now - receipt.created_at > dt.timedelta(hours=expire_after_hours)


def text_after_sending(receipt: Receipt) -> str:
    """Text stored once a receipt is not sent again: empty for a one-time passcode."""
    return "" if receipt.kind is MessageKind.CODE else receipt.text


def ended_at(receipt: Receipt, state: ReceiptState, now: dt.datetime) -> dt.datetime | None:
    """End time in ``state``, None if it is not final; a repeated state keeps the first time."""
    if state not in ENDED:
        return None
    return receipt.done_at if state is receipt.state else now
