"""One person-to-person text as the network tells of it: its id, its parts, its fate."""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from receipts.model.message import (
    DeliveryReport,
    MessageStatus,
    MessageTrace,
    NoReceiptReason,
    PartStatus,
    ReportEvent,
)
from receipts.model.vocabulary import ReceiptOutcome

#: What the receipt tells of each final fate; running out of time is a failure to the sender.
OUTCOME_OF: dict[MessageStatus, ReceiptOutcome] = {
    MessageStatus.DELIVERED: ReceiptOutcome.DELIVERED,
    MessageStatus.EXPIRED: ReceiptOutcome.FAILED,
    MessageStatus.FAILED: ReceiptOutcome.FAILED,
    MessageStatus.REJECTED: ReceiptOutcome.REJECTED,
}

#: News kept with a text of one part, and more for each part of a long one; a network that says
#: more than this is repeating itself.
_HISTORY, _HISTORY_A_PART = 40, 4

#: Message centres count in 64 bits. A longer id is a random one, written in one way only.
_NUMBER = re.compile(r"(0x)?0*([0-9a-f]{1,20})", re.ASCII)
_TOO_LARGE = 2**64


@lru_cache(maxsize=16_384)  # of each text asked several times, between reading and writing
def normalise_message_id(message_id: str) -> str:
    """The one form in which all spellings of an id are compared: hex or not, padded, any case.

    Only an id with a hex letter or 0x is hex; two plain numbers are never taken for one
    (decision 008).
    """
    plain = message_id.strip().lower()
    number = _NUMBER.fullmatch(plain)
    if number is None:
        return plain
    marked, digits = number.groups()
    value = int(digits, 16 if marked or not digits.isdigit() else 10)
    return str(value) if value < _TOO_LARGE else plain


def raw_status(report: DeliveryReport) -> str:
    """What a report says, by which a repeat of it is known."""
    return (
        f"{report.part}/{report.parts} {report.raw_status}"
        if report.parts > 1
        else report.raw_status
    )


def is_duplicate(trace: MessageTrace, report: DeliveryReport) -> bool:
    """Whether the very same was said of this text before."""
    status_text = raw_status(report)
    return any(event.raw_status == status_text for event in trace.history)


def with_event(
    trace: MessageTrace,
    report: DeliveryReport,
    why_not: NoReceiptReason | None,
    *,
    version: int,
    ended: bool,
) -> MessageTrace:
    """The trail with one more piece of news, and why that one gave no receipt.

    Where its fate is known now, ``over``, that is why the whole text gave none.
    """
    parts = trace.parts if is_final(trace) else max(trace.parts, report.parts)
    kept = max(_HISTORY, _HISTORY_A_PART * parts)
    event = ReportEvent(report.at, raw_status(report), why_not)
    return replace(
        trace,
        version=version,
        parts=parts,
        history=(*trace.history, event)[-kept:],
        no_receipt_reason=why_not if ended else trace.no_receipt_reason,
    )


def with_part(trace: MessageTrace, report: DeliveryReport) -> MessageTrace:
    """The trail with the fate of one more part; the text's own fate once it has all of them."""
    parts = max(trace.parts, report.parts)
    finals = (*trace.part_statuses, PartStatus(report.part, report.status, report.at))
    return replace(trace, parts=parts, part_statuses=finals, status=_overall_status(finals, parts))


def is_final(trace: MessageTrace) -> bool:
    """Whether the fate of the whole text is known: from then on it stands."""
    return trace.status in OUTCOME_OF


def _overall_status(finals: Sequence[PartStatus], parts: int) -> MessageStatus:
    """The fate of a whole text: final when all its parts are, failed when one of them is."""
    if len(finals) < parts:
        return MessageStatus.UNDERWAY
    # Of several failed parts the first one speaks, so that their order of arrival does not matter.
    failed = [final for final in finals if final.status is not MessageStatus.DELIVERED]
    return min(failed).status if failed else MessageStatus.DELIVERED


def ignored_because(trace: MessageTrace, report: DeliveryReport) -> NoReceiptReason | None:
    """Why a report tells no fate that we did not know; None when it does."""
    if report.status is MessageStatus.UNKNOWN:
        return NoReceiptReason.UNKNOWN_STATUS
    if report.status not in OUTCOME_OF:
        return NoReceiptReason.UNDERWAY
    of_part = {final.part: final.status for final in trace.part_statuses}
    known = of_part.get(report.part, trace.status if is_final(trace) else None)
    if known is None:
        return None
    return NoReceiptReason.REPEATED if known is report.status else NoReceiptReason.CONTRADICTED
