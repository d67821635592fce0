"""The log of a receipt's sending: errors, look-ups, acts of staff."""

import datetime as dt

from receipts.model.receipt import Receipt, SendStep
from statemachines.receipt import ReceiptEvent

#: Steps kept of one receipt; older ones are dropped.
MAX_STEPS = 20

#: Characters kept of a provider's error.
_MAX_DETAIL = 300


def logged(
    receipt: Receipt, event: ReceiptEvent, at: dt.datetime, detail: str = "", clerk: str = ""
) -> tuple[SendStep, ...]:
    """The log of a receipt with one more step; its provider is that of the last attempt."""
    step = SendStep(at, event, receipt.provider or "", detail[:_MAX_DETAIL], clerk)
    return (*receipt.send_log, step)[-MAX_STEPS:]
