"""Delivery reports on person-to-person texts, and their trace."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

from receipts.model.field_names import STORED_NAMES
from receipts.model.receipt import StatusEvent
from receipts.model.vocabulary import Msisdn


class MessageStatus(StrEnum):
    """Delivery status of a person-to-person text."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class DeliveryReport(Struct, frozen=True):
    """A delivery report (DLR) on one part of a text; ``raw_status`` is the network's own word."""

    message_id: str
    sender: Msisdn
    recipient: Msisdn
    status: MessageStatus
    raw_status: str
    at: dt.datetime
    part: int = 1
    parts: int = 1


class NoReceiptReason(StrEnum):
    """The reason why a report gave no receipt; counted, and shown to staff."""

    UNDERWAY = "underway"
    UNKNOWN_STATUS = "unknown_word"
    PARTS_MISSING = "parts_missing"
    NOT_SUBSCRIBED = "not_subscribed"
    SUSPENDED = "suspended"
    SENDER_OFF_NET = "sender_off_net"
    RECIPIENT_OFF_NET = "friend_off_net"
    PROVINCE_CLOSED = "province_closed"
    REPEATED = "repeated"
    CONTRADICTED = "contradicted"


class ReportEvent(StatusEvent, frozen=True, array_like=True):
    """A delivery report in the history of a trace; no reason when it gave a receipt."""

    no_receipt_reason: NoReceiptReason | None = None


class PartStatus(Struct, frozen=True, array_like=True, order=True):
    """The final status of one part of a long text."""

    part: int
    status: MessageStatus
    at: dt.datetime


class MessageTrace(Struct, frozen=True, omit_defaults=True, rename=STORED_NAMES):
    """The delivery reports on one person-to-person text, and their result."""

    message_id: str
    sender: Msisdn
    recipient: Msisdn
    version: int = 0
    status: MessageStatus = MessageStatus.UNDERWAY
    #: The final parts of a long text, out of ``parts``.
    part_statuses: tuple[PartStatus, ...] = ()
    parts: int = 1
    receipt_id: str | None = None
    no_receipt_reason: NoReceiptReason | None = None
    history: tuple[ReportEvent, ...] = ()
