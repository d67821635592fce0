"""Receipts and other texts that the service sends."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.field_names import STORED_NAMES
from receipts.model.message import MessageTrace
from receipts.model.reported_time import ReportedTime, StatusEvent
from receipts.model.vocabulary import (
    DisplayMode,
    FailureReason,
    Language,
    Msisdn,
    ReceiptOutcome,
)
from statemachines.receipt import ReceiptEvent, ReceiptState

_NOBODY = Msisdn("")


class MessageKind(StrEnum):
    """The kind of a text that the service sends."""

    RECEIPT = "receipt"
    NOTICE = "notice"
    DIGEST = "digest"
    #: A text passed on for ``number`` to ``recipient``: erased once sent.
    RELAY = "relay"
    #: A one-time passcode: its text is erased once sent, and it is in no list.
    CODE = "code"

    @property
    def is_secret(self) -> bool:
        """Whether its text is sealed in the store, shown to no one, and erased once sent."""
        return self is MessageKind.CODE or self is MessageKind.RELAY


class SendStep(Struct, frozen=True, array_like=True, omit_defaults=True):
    """A step of sending that a later one hides: an error, a look-up, an act of staff.

    ``detail`` is the provider's own error, or the reason that staff stated.
    """

    at: dt.datetime
    event: ReceiptEvent
    provider: str = ""
    detail: str = ""
    clerk: str = ""


class Receipt(Struct, frozen=True, omit_defaults=True, rename=STORED_NAMES):
    """A text to a customer's own phone, with its delivery state, price and charge in fen.

    ``mode`` is the requested display, ``sent_as`` the real one; ``price_fen`` is the tariff's.
    """

    id: str
    number: Msisdn
    text: str
    mode: DisplayMode
    language: Language
    created_at: dt.datetime
    version: int = 0
    kind: MessageKind = MessageKind.RECEIPT
    state: ReceiptState = ReceiptState.DUE
    message_id: str | None = None
    recipient: Msisdn | None = None
    outcome: ReceiptOutcome | None = None
    #: Why the customer's text failed; None in records of earlier versions too.
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
    #: The monthly allowance of free delivered receipts; counted when this one has been sent.
    free_receipts: int = 0
    charge_fen: int = 0
    note: str | None = None
    history: tuple[StatusEvent, ...] = ()
    #: The name in the rule book of the promotion appended to it.
    promotion: str | None = None
    #: A digest has ``members``; each member has the ``digest`` and shares its state.
    members: tuple[str, ...] = ()
    digest: str | None = None
    #: Names of the providers that reject it for good.
    refused_by: tuple[str, ...] = ()
    #: The end of its usefulness; None for the default of the sending rules.
    expires_at: dt.datetime | None = None
    #: The text to send on a later day than it was written: each of its times has its day.
    dated_text: str | None = None
    #: When the customer's own text was sent and got its outcome, as the network reported it.
    text_sent: ReportedTime | None = None
    text_done: ReportedTime | None = None
    #: The newest steps of sending; the last attempt, if accepted, is in the fields above.
    send_log: tuple[SendStep, ...] = ()
    #: The context of the report's trace if that is sampled: ``receipts.ports.trace_context``.
    trace: str = ""
    #: The trace of the customer's text as it was at its end, without what is in fields above;
    #: once more is reported, the trace has a record of its own.
    text_trace: MessageTrace | None = None

    def with_text_trace(self, trace: MessageTrace) -> "Receipt":
        """The receipt with the final trace of its text in it, the only text of its id."""
        kept = replace(
            trace, message_id="", sender=_NOBODY, recipient=_NOBODY, version=0, receipt_id=None
        )
        return replace(self, text_trace=kept)

    @property
    def full_text_trace(self) -> MessageTrace | None:
        """The trace in it with ids and numbers; its version is 0, as it has no record."""
        if self.text_trace is None or self.message_id is None or self.recipient is None:
            return None
        about = (self.message_id, self.number, self.recipient)
        return replace(self.text_trace.named(*about), receipt_id=self.id)
