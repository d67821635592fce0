"""A receipt, or another text of ours, from its making to its end."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.model.field_names import stored_name
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from statemachines.receipt import ReceiptState


class MessageKind(StrEnum):
    """What a thing we send is: a receipt, word of an order, several receipts, a one-time code."""

    RECEIPT = "receipt"
    NOTICE = "notice"
    DIGEST = "digest"
    #: Its words are forgotten once it went out, and it is on no list.
    CODE = "code"


class StatusEvent(msgspec.Struct, frozen=True, array_like=True):
    """One thing a vendor or the network told us, kept raw for staff."""

    at: dt.datetime
    raw_status: str


class Receipt(Struct, frozen=True, omit_defaults=True, rename=stored_name):
    """Something we send to a customer's own phone, and how far it got.

    ``mode`` is what the customer wants, ``sent_as`` what really went out; ``price_fen`` is the
    tariff's price, ``charge_fen`` what was charged once it was sent.
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
    provider: str | None = None
    provider_id: str | None = None
    sent_as: DisplayMode | None = None
    attempts: int = 0
    requested_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    tariff: str | None = None
    price_fen: int = 0
    #: How many delivered receipts a month cost nothing; the count is made when it has gone out.
    free_receipts: int = 0
    charge_fen: int = 0
    note: str | None = None
    history: tuple[StatusEvent, ...] = ()
    #: The operator's message that it carries besides, by its name in the rule book.
    promotion: str | None = None
    #: Until when it waits for others to join its flash; None once it is in the outbox.
    waits_until: dt.datetime | None = None
    #: Of a digest: the receipts told in it. Of such a receipt: the digest, whose fate is its own.
    members: tuple[str, ...] = ()
    digest: str | None = None
    #: Providers that will never take it; others may.
    refused_by: tuple[str, ...] = ()
    #: From when on it is of no use to anybody; None for what the sending rules say.
    expires_at: dt.datetime | None = None
