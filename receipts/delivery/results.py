"""Ends of receipts by provider, and counts of failures by the provider's code."""

import datetime as dt
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from receipts.model.figure import ENDED, SENT, Figure, class_of, figure
from receipts.model.receipt import MessageKind, Receipt
from receipts.ports.changes import ChangeSet, DeliveryResult
from statemachines.receipt import ReceiptState

#: Reads a provider's raw status or error: its code, and the meaning with the next step.
FailureReader = Callable[[str, str], tuple[str, str]]

#: The counters ``failed:PROVIDER:CODE``.
FAILED = "failed:"

#: The code of a failure that came without one, or with one that cannot be read.
NO_CODE = "none"

_ENDS = {ReceiptState.DELIVERED, ReceiptState.UNDELIVERED, ReceiptState.FAILED}


def unread(provider: str, raw: str) -> tuple[str, str]:
    """The reader where no provider is known: no code and no meaning."""
    del provider, raw
    return NO_CODE, ""


def with_cause(raw: str, cause: str) -> str:
    """A note for staff: the provider's own status, and its meaning where it is known."""
    return f"{raw} ({cause})" if cause else raw


def with_result(
    change: ChangeSet, before: Receipt, state: ReceiptState, now: dt.datetime, code: str
) -> ChangeSet:
    """The change of a receipt that fails or ends; ``code`` is empty unless it failed."""
    provider = before.provider
    if provider is None or not change.records:
        return change
    ends = state is not before.state and state in _ENDS
    # Without a code, an attempt that is repeated may have failed on our side.
    counts = code and (ends or code != NO_CODE)
    counters = (*change.counters, f"{FAILED}{provider}:{code}") if counts else change.counters
    results = (DeliveryResult(provider, now, code, before.id),) if ends else ()
    ended = (figure(now, ENDED, provider, "failed" if code else "delivered"),) if ends else ()
    figures = change.figures + ended
    return replace(change, counters=counters, results=results, figures=figures)


def sent_figures(receipt: Receipt, now: dt.datetime) -> tuple[Figure, ...]:
    """The figure of a receipt that leaves now: tariff, outcome, and time since the report."""
    if receipt.kind is not MessageKind.RECEIPT:
        return ()
    waited = class_of((now - receipt.created_at).total_seconds())
    return (figure(now, SENT, receipt.tariff or "", receipt.outcome or "", waited),)


def failures_by_code(counts: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Counts of failures by provider and code."""
    named = ((name.split(":", 2), n) for name, n in counts.items() if name.startswith(FAILED))
    return {(provider, code): count for (_, provider, code), count in named}
