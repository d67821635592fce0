"""Receipts of the archive as bytes, in a form that does not follow the store's."""

import datetime as dt
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from receipts.model.message import (
    FailureCause,
    MessageStatus,
    MessageTrace,
    NoReceiptReason,
    PartStatus,
    ReportEvent,
)
from receipts.model.receipt import MessageKind, Receipt, SendStep
from receipts.model.reported_time import ReportedTime, StatusEvent, TimePrecision
from receipts.model.vocabulary import (
    DisplayMode,
    FailureReason,
    Language,
    Msisdn,
    ReceiptOutcome,
)
from statemachines.receipt import ReceiptEvent, ReceiptState

_COMPRESSION = 6


class ArchivedStatus(Struct, frozen=True):
    """A status of a receipt's history."""

    at: dt.datetime
    raw_status: str


class ArchivedStep(Struct, frozen=True, omit_defaults=True):
    """A step of sending."""

    at: dt.datetime
    event: ReceiptEvent
    provider: str = ""
    detail: str = ""
    clerk: str = ""


class ArchivedTime(Struct, frozen=True, omit_defaults=True):
    """A reported time with its precision."""

    at: dt.datetime
    precision: TimePrecision = TimePrecision.SECOND


class ArchivedReport(Struct, frozen=True, omit_defaults=True):
    """A report in the trace of a text."""

    at: dt.datetime
    raw_status: str
    no_receipt_reason: NoReceiptReason | None = None
    unread: str = ""


class ArchivedPart(Struct, frozen=True, omit_defaults=True):
    """The end of a part of a long text."""

    part: int
    status: MessageStatus
    at: dt.datetime
    cause: FailureCause = FailureCause.UNKNOWN
    done: ArchivedTime | None = None


class ArchivedTrace(Struct, frozen=True, omit_defaults=True):
    """The trace of a text in its receipt, which is the only text of its id."""

    message_id: str = ""
    sender: str = ""
    recipient: str = ""
    version: int = 0
    status: MessageStatus = MessageStatus.UNDERWAY
    part_statuses: tuple[ArchivedPart, ...] = ()
    parts: int = 1
    receipt_id: str | None = None
    no_receipt_reason: NoReceiptReason | None = None
    history: tuple[ArchivedReport, ...] = ()
    submitted: ArchivedTime | None = None
    series: str = ""
    earlier: tuple[()] = ()
    dropped_events: int = 0
    dropped_texts: int = 0


class ArchivedReceipt(Struct, frozen=True, omit_defaults=True):
    """All fields of a receipt, by their own names: a later form of the store changes none."""

    id: str
    number: str
    text: str
    mode: DisplayMode
    language: Language
    created_at: dt.datetime
    version: int = 0
    kind: MessageKind = MessageKind.RECEIPT
    state: ReceiptState = ReceiptState.DUE
    message_id: str | None = None
    recipient: str | None = None
    outcome: ReceiptOutcome | None = None
    failure: FailureReason | None = None
    provider: str | None = None
    provider_id: str | None = None
    sent_as: DisplayMode | None = None
    attempts: int = 0
    requested_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    tariff: str | None = None
    price_fen: int = 0
    free_receipts: int = 0
    charge_fen: int = 0
    note: str | None = None
    history: tuple[ArchivedStatus, ...] = ()
    promotion: str | None = None
    members: tuple[str, ...] = ()
    digest: str | None = None
    refused_by: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None
    dated_text: str | None = None
    text_sent: ArchivedTime | None = None
    text_done: ArchivedTime | None = None
    send_log: tuple[ArchivedStep, ...] = ()
    trace: str = ""
    text_trace: ArchivedTrace | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[ArchivedReceipt])

#: The archive's own struct for each nested one of a receipt, and back.
_OUT: dict[type, type] = {
    StatusEvent: ArchivedStatus,
    SendStep: ArchivedStep,
    ReportedTime: ArchivedTime,
    ReportEvent: ArchivedReport,
    PartStatus: ArchivedPart,
    MessageTrace: ArchivedTrace,
    Msisdn: str,
}
_IN: dict[type, type] = {archived: own for own, archived in _OUT.items() if own is not Msisdn}


def pack(receipts: Sequence[Receipt]) -> bytes:
    """Receipts compressed together; a secret text is left out, sealed or not."""
    return zlib.compress(_encoder.encode([_archived(each) for each in receipts]), _COMPRESSION)


def unpack(raw: bytes) -> list[Receipt]:
    """The receipts that ``pack`` took. Raises ``zlib.error`` and ``msgspec.MsgspecError``."""
    return [_receipt(each) for each in _decoder.decode(zlib.decompress(raw))]


def as_archived(receipt: Receipt) -> Receipt:
    """The receipt as the archive returns it: without the text of a secret kind."""
    if not receipt.kind.is_secret:
        return receipt
    return msgspec.structs.replace(receipt, text="", dated_text=None)


def _archived(receipt: Receipt) -> ArchivedReceipt:
    return ArchivedReceipt(**_converted(as_archived(receipt), _OUT))


def _receipt(archived: ArchivedReceipt) -> Receipt:
    fields = _converted(archived, _IN)
    fields["number"] = Msisdn(archived.number)
    if archived.recipient is not None:
        fields["recipient"] = Msisdn(archived.recipient)
    return Receipt(**fields)


def _converted(value: Struct, kinds: dict[type, type]) -> dict[str, Any]:
    return {name: _of(each, kinds) for name, each in asdict(value).items()}


def _of(value: object, kinds: dict[type, type]) -> object:
    if isinstance(value, tuple):
        return tuple(_of(each, kinds) for each in value)
    kind = kinds.get(type(value))
    if kind is None:
        return value
    if not isinstance(value, Struct):
        return kind(value)
    fields = _converted(value, kinds)
    if kind is MessageTrace:
        fields |= {name: Msisdn(fields[name]) for name in ("sender", "recipient")}
    return kind(**fields)
