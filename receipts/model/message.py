"""A person-to-person text as the network reported it."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.model.field_names import stored_name
from receipts.model.receipt import StatusEvent
from receipts.model.vocabulary import Msisdn


class MessageStatus(StrEnum):
    """What the network says of a person-to-person text, in our words."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class DeliveryReport(msgspec.Struct, frozen=True):
    """One piece of news about one person-to-person text; ``word`` is the network's own."""

    message_id: str
    sender: Msisdn
    recipient: Msisdn
    status: MessageStatus
    raw_status: str
    at: dt.datetime
    part: int = 1
    parts: int = 1


class NoReceiptReason(StrEnum):
    """Why a report gave no receipt; counted, and looked up by staff."""

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
    """News of a person-to-person text, and why it gave no receipt; None when it gave one."""

    no_receipt_reason: NoReceiptReason | None = None


class PartStatus(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What became of one part of a text, and when."""

    part: int
    status: MessageStatus
    at: dt.datetime


class MessageTrace(Struct, frozen=True, omit_defaults=True, rename=stored_name):
    """All the news of one person-to-person text, and what came of it."""

    message_id: str
    sender: Msisdn
    recipient: Msisdn
    version: int = 0
    status: MessageStatus = MessageStatus.UNDERWAY
    #: The final fates of the parts of a long text, and how many parts there are.
    part_statuses: tuple[PartStatus, ...] = ()
    parts: int = 1
    receipt_id: str | None = None
    no_receipt_reason: NoReceiptReason | None = None
    history: tuple[ReportEvent, ...] = ()
