"""Trace of one person-to-person text: message id, parts, report history and status."""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from receipts.model.message import (
    DeliveryReport,
    FailureCause,
    MessageStatus,
    MessageTrace,
    NoReceiptReason,
    PartStatus,
    ReportEvent,
)
from receipts.model.reported_time import ReportedTime, TimePrecision, is_before
from receipts.model.vocabulary import ReceiptOutcome

#: Outcome of each final status; to the sender, an expired text is a failed one.
OUTCOME_OF: dict[MessageStatus, ReceiptOutcome] = {
    MessageStatus.DELIVERED: ReceiptOutcome.DELIVERED,
    MessageStatus.EXPIRED: ReceiptOutcome.FAILED,
    MessageStatus.FAILED: ReceiptOutcome.FAILED,
    MessageStatus.REJECTED: ReceiptOutcome.REJECTED,
}

#: Reports kept per text, and per part of a long text; older ones are dropped.
_MAX_HISTORY, _MAX_HISTORY_PER_PART = 40, 4

#: An SMSC counts in 64 bits. A longer id is random and has a single notation.
_NUMBER = re.compile(r"(0x)?0*([0-9a-f]{1,20})", re.ASCII)
_MAX_SMSC_ID = 2**64


@lru_cache(maxsize=16_384)  # several calls per text between load and commit
def normalise_message_id(message_id: str) -> str:
    """Canonical form of a message id, for any case, padding and base.

    Only an id with a hex letter or 0x is hex, so plain numbers stay distinct (decision 009).
    """
    plain = message_id.strip().lower()
    number = _NUMBER.fullmatch(plain)
    if number is None:
        return plain
    marked, digits = number.groups()
    value = int(digits, 16 if marked or not digits.isdigit() else 10)
    return str(value) if value < _MAX_SMSC_ID else plain


def raw_status(report: DeliveryReport) -> str:
    """Raw status as kept in the history, with ``part/parts`` for a long text."""
    prefix = f"{report.part}/{report.parts} " if report.parts > 1 else ""
    return f"{prefix}{report.raw_status}"


def is_duplicate(trace: MessageTrace, report: DeliveryReport) -> bool:
    """Whether the history already has this raw status for the same part."""
    raw = raw_status(report)
    return any(event.raw_status == raw for event in trace.history)


def with_event(
    trace: MessageTrace,
    report: DeliveryReport,
    reason: NoReceiptReason | None,
    *,
    version: int,
    ended: bool,
) -> MessageTrace:
    """Add one report to the history, with its reason for no receipt.

    With ``ended``, the report made the status final; its reason applies to the whole text.
    """
    parts = trace.parts if is_final(trace) else max(trace.parts, report.parts)
    limit = max(_MAX_HISTORY, _MAX_HISTORY_PER_PART * parts)
    history = *trace.history, ReportEvent(report.at, raw_status(report), reason, report.unread)
    return replace(
        trace,
        version=version,
        parts=parts,
        submitted=_submitted(trace, report),
        history=history[-limit:],
        dropped_events=trace.dropped_events + max(0, len(history) - limit),
        no_receipt_reason=reason if ended else trace.no_receipt_reason,
    )


def with_part(trace: MessageTrace, report: DeliveryReport) -> MessageTrace:
    """Add the final status of one part; the text is final once all its parts are."""
    parts = max(trace.parts, report.parts)
    done = report.done or (ReportedTime(report.at) if report.live else None)
    sent = _submitted(trace, report)
    if done and sent and is_before(done, sent):
        done = None
    final = PartStatus(report.part, report.status, report.at, report.cause, done)
    finals = (*trace.part_statuses, final)
    return replace(trace, parts=parts, part_statuses=finals, status=_overall_status(finals, parts))


def _submitted(trace: MessageTrace, report: DeliveryReport) -> ReportedTime | None:
    """Time at which the text was sent: the first one reported, or the first live report's.

    A final status that comes first may be long after the sending.
    """
    if report.live and not trace.history and report.status not in OUTCOME_OF:
        return ReportedTime(report.at)
    return trace.submitted or report.submitted


def is_final(trace: MessageTrace) -> bool:
    """Whether the status of the whole text is final; it then never changes."""
    return trace.status in OUTCOME_OF


def _overall_status(finals: Sequence[PartStatus], parts: int) -> MessageStatus:
    if len(finals) < parts:
        return MessageStatus.UNDERWAY
    failed = _failed_part(finals)
    return failed.status if failed else MessageStatus.DELIVERED


def _failed_part(finals: Sequence[PartStatus]) -> PartStatus | None:
    """The lowest failed part, which makes the result independent of the report order."""
    failed = [final for final in finals if final.status is not MessageStatus.DELIVERED]
    return min(failed, key=lambda final: final.part) if failed else None


def failure_cause(trace: MessageTrace) -> FailureCause:
    """Cause of a final failure, UNKNOWN where no code of the network states one."""
    failed = _failed_part(trace.part_statuses)
    return failed.cause if failed else FailureCause.UNKNOWN


def done_time(trace: MessageTrace) -> ReportedTime | None:
    """Time of a final status in the network; None where it is not known or cannot be true.

    A text is delivered with its last part, and has failed with the part that decides.
    """
    failed = _failed_part(trace.part_statuses)
    times = [part.done for part in ([failed] if failed else trace.part_statuses)]
    known = [each for each in times if each is not None]
    if not known or len(known) < len(times):
        return None
    latest = _latest(known) if len(known) > 1 else known[0]
    return None if trace.submitted and is_before(latest, trace.submitted) else latest


def _latest(times: Sequence[ReportedTime]) -> ReportedTime:
    """The latest of several times; known to the day only if one of them is."""
    latest = max(times, key=lambda each: each.at)
    if any(each.precision is TimePrecision.DAY for each in times):
        return ReportedTime(latest.at, TimePrecision.DAY)
    return latest


def ignored_because(trace: MessageTrace, report: DeliveryReport) -> NoReceiptReason | None:
    """Reason why a report adds no final status; None if it does."""
    if report.status is MessageStatus.UNKNOWN:
        return NoReceiptReason.UNKNOWN_STATUS
    if report.status not in OUTCOME_OF:
        return NoReceiptReason.UNDERWAY
    by_part = {final.part: final.status for final in trace.part_statuses}
    known = by_part.get(report.part, trace.status if is_final(trace) else None)
    if known is None:
        return None
    return NoReceiptReason.REPEATED if known is report.status else NoReceiptReason.CONTRADICTED
