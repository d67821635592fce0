"""The steps of one text on one line of time: reports, decision, receipt, attempts, fate, charge."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from receipts.delivery.results import NO_CODE, FailureReader
from receipts.model.charge import Charge, ChargeKind
from receipts.model.message import MessageTrace, ReportEvent
from receipts.model.receipt import Receipt, SendStep
from receipts.model.reported_time import ReportedTime, TimePrecision
from receipts.reports.message_trace import done_time
from statemachines.receipt import STAFF, ReceiptEvent, ReceiptState

#: The entry of a trace's history when the wait for a final report has ended.
_NO_REPORT = re.compile(r"\(none in time: receipt (\S+)\)")

_LOOKUPS = frozenset({ReceiptEvent.FOUND, ReceiptEvent.NOT_FOUND})


class StepKind(StrEnum):
    """Kinds of steps, in the order of steps at one moment."""

    TEXT_SENT = "text_sent"
    TEXT_DONE = "text_done"
    REPORT = "report"
    NO_REPORT = "no_report"
    DECISION = "decision"
    RECEIPT = "receipt"
    ATTEMPT = "attempt"
    LOOKUP = "lookup"
    STAFF = "staff"
    SENDING = "sending"
    ACCEPTED = "accepted"
    STATUS = "status"
    END = "end"
    CHARGE = "charge"
    CREDIT = "credit"


class JourneyStep(Struct, frozen=True, omit_defaults=True):
    """One step; only the fields of its kind are set.

    ``status`` is a raw status, or the name of an event or a state. ``reason`` tells why a report
    gave no receipt. ``code`` and ``meaning`` are read from ``detail``, the provider's own answer.
    """

    at: dt.datetime
    kind: StepKind
    status: str = ""
    reason: str = ""
    receipt_id: str = ""
    outcome: str = ""
    text: str = ""
    mode: str = ""
    language: str = ""
    provider: str = ""
    provider_id: str = ""
    code: str = ""
    meaning: str = ""
    detail: str = ""
    clerk: str = ""
    fen: int | None = None
    price_fen: int | None = None
    month: str = ""
    #: The network reported the day alone.
    is_day: bool = False


def sorted_steps(steps: Iterable[JourneyStep]) -> tuple[JourneyStep, ...]:
    """Steps by time, those of one moment in the order of their kinds."""
    order = {kind: rank for rank, kind in enumerate(StepKind)}
    return tuple(sorted(steps, key=lambda step: (step.at, order[step.kind])))


def steps_of_text(text: MessageTrace) -> Iterator[JourneyStep]:
    """Times of the network, reports as they came, and the decision."""
    for kind, time in (
        (StepKind.TEXT_SENT, text.submitted),
        (StepKind.TEXT_DONE, done_time(text)),
    ):
        if time is not None:
            yield _network_time(kind, time)
    for event in text.history:
        if found := _NO_REPORT.fullmatch(event.raw_status):
            yield JourneyStep(event.at, StepKind.NO_REPORT, receipt_id=found[1])
        else:
            reason = event.no_receipt_reason or ""
            yield JourneyStep(event.at, StepKind.REPORT, status=event.raw_status, reason=reason)
    decided = next((e for e in text.history if _decides(text, e)), None)
    if decided is not None:
        yield JourneyStep(
            decided.at,
            StepKind.DECISION,
            receipt_id=text.receipt_id or "",
            reason=text.no_receipt_reason or "",
        )


def _network_time(kind: StepKind, time: ReportedTime) -> JourneyStep:
    return JourneyStep(time.at, kind, is_day=time.precision is TimePrecision.DAY)


def _decides(text: MessageTrace, event: ReportEvent) -> bool:
    if _NO_REPORT.fullmatch(event.raw_status):
        return False
    if text.receipt_id is not None:
        return event.no_receipt_reason is None
    return text.no_receipt_reason is not None and (
        event.no_receipt_reason is text.no_receipt_reason
    )


def steps_of_receipt(
    receipt: Receipt, sender: Receipt, read_failure: FailureReader
) -> Iterator[JourneyStep]:
    """Creation, attempts, provider's updates and end; ``sender`` is the digest it is part of.

    Without a digest, ``sender`` is the receipt itself.
    """
    secret = receipt.kind.is_secret
    yield JourneyStep(
        receipt.created_at,
        StepKind.RECEIPT,
        receipt_id=receipt.id,
        outcome=receipt.outcome or "",
        text="" if secret else receipt.text,
        mode=receipt.mode,
        language=receipt.language,
        detail=f"digest {receipt.digest}" if receipt.digest else "",
        price_fen=receipt.price_fen,
    )
    for step in sender.send_log:
        yield _of_log(step, receipt, read_failure)
    yield from _last_attempt(receipt, sender)
    for update in sender.history:
        code, meaning = read_failure(receipt.provider or "", update.raw_status)
        failed = receipt.state is ReceiptState.UNDELIVERED and code != NO_CODE
        yield JourneyStep(
            update.at,
            StepKind.STATUS,
            status=update.raw_status,
            receipt_id=receipt.id,
            provider=receipt.provider or "",
            code=code if failed else "",
            meaning=meaning if failed else "",
        )
    if receipt.done_at is not None:
        yield JourneyStep(
            receipt.done_at, StepKind.END, status=receipt.state, receipt_id=receipt.id
        )


def _of_log(step: SendStep, receipt: Receipt, read_failure: FailureReader) -> JourneyStep:
    kind = StepKind.ATTEMPT
    if step.event in _LOOKUPS:
        kind = StepKind.LOOKUP
    elif step.event in STAFF:
        kind = StepKind.STAFF
    code, meaning = NO_CODE, ""
    if kind is StepKind.ATTEMPT:
        code, meaning = read_failure(step.provider, step.detail)
    known = code != NO_CODE
    return JourneyStep(
        step.at,
        kind,
        status=step.event,
        receipt_id=receipt.id,
        provider=step.provider,
        code=code if known else "",
        meaning=meaning if known else "",
        detail=step.detail,
        clerk=step.clerk,
    )


def _last_attempt(receipt: Receipt, sender: Receipt) -> Iterator[JourneyStep]:
    """The attempt that was accepted, or the one without an answer yet."""
    name, provider = receipt.id, receipt.provider or ""
    if receipt.sent_at is not None:
        yield JourneyStep(
            receipt.sent_at,
            StepKind.ACCEPTED,
            receipt_id=name,
            provider=provider,
            mode=receipt.sent_as or "",
            provider_id=sender.provider_id or "",
        )
    if receipt.state is ReceiptState.SENDING and receipt.requested_at is not None:
        # By the machine's clock, which a demonstration does not move.
        latest = max((s.at for s in sender.send_log), default=receipt.created_at)
        at = max(receipt.requested_at, latest)
        yield JourneyStep(at, StepKind.SENDING, receipt_id=name, provider=provider)


def steps_of_charges(charges: Sequence[Charge]) -> Iterator[JourneyStep]:
    """The charge of a receipt, and its credit."""
    for charge in charges:
        kind = StepKind.CREDIT if charge.kind is ChargeKind.CREDIT else StepKind.CHARGE
        yield JourneyStep(charge.at, kind, fen=charge.fen, month=charge.month, detail=charge.reason)
