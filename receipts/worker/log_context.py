"""Ids in the log lines about one receipt."""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

from receipts.model.receipt import Receipt


def about(receipt: Receipt) -> AbstractContextManager[None]:
    """Bind the ids of a receipt, and of the text that it is about, to the lines in the block."""
    if receipt.message_id is None:
        return bound_contextvars(receipt=receipt.id)
    return bound_contextvars(receipt=receipt.id, message=receipt.message_id)
