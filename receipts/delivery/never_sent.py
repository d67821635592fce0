"""Receipts that can never be sent again, whatever is tried."""

from collections.abc import Collection

from receipts.model.receipt import MessageKind, Receipt


def why_never_sent(receipt: Receipt, trial_people: Collection[str]) -> str:
    """Why a receipt can never be sent again, for its note; empty if it can."""
    ends = {receipt.number, receipt.recipient}
    if receipt.kind is MessageKind.RELAY and not ends.issubset(trial_people):
        return "its sender or its recipient has left the trial"
    if not receipt.text:
        return "its sealed text cannot be opened: SECRET_KEY here is not that of `serve`"
    return ""
