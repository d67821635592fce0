"""A person-to-person text as the network reported it."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.model.field_names import short
from receipts.model.receipt import News
from receipts.model.vocabulary import Msisdn


class Fate(StrEnum):
    """What the network says of a person-to-person text, in our words."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Report(msgspec.Struct, frozen=True):
    """One piece of news about one person-to-person text; ``word`` is the network's own."""

    message_id: str
    sender: Msisdn
    friend: Msisdn
    fate: Fate
    word: str
    at: dt.datetime
    part: int = 1
    parts: int = 1


class WhyNot(StrEnum):
    """Why a report gave no receipt; counted, and looked up by staff."""

    UNDERWAY = "underway"
    UNKNOWN_WORD = "unknown_word"
    PARTS_MISSING = "parts_missing"
    NOT_SUBSCRIBED = "not_subscribed"
    SUSPENDED = "suspended"
    SENDER_OFF_NET = "sender_off_net"
    FRIEND_OFF_NET = "friend_off_net"
    PROVINCE_CLOSED = "province_closed"
    REPEATED = "repeated"
    CONTRADICTED = "contradicted"


class Heard(News, frozen=True, array_like=True):
    """News of a person-to-person text, and why it gave no receipt; None when it gave one."""

    why_not: WhyNot | None = None


class Final(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What became of one part of a text, and when."""

    part: int
    fate: Fate
    at: dt.datetime


class Trail(Struct, frozen=True, omit_defaults=True, rename=short):
    """All the news of one person-to-person text, and what came of it."""

    message_id: str
    sender: Msisdn
    friend: Msisdn
    version: int = 0
    fate: Fate = Fate.UNDERWAY
    #: The final fates of the parts of a long text, and how many parts there are.
    finals: tuple[Final, ...] = ()
    parts: int = 1
    receipt_id: str | None = None
    why_not: WhyNot | None = None
    history: tuple[Heard, ...] = ()
