"""Delivery reports on person-to-person texts, and their trace."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.field_names import STORED_NAMES
from receipts.model.reported_time import ReportedTime, StatusEvent
from receipts.model.vocabulary import Msisdn


class MessageStatus(StrEnum):
    """Delivery status of a person-to-person text."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    FAILED = "failed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class FailureCause(StrEnum):
    """The cause of a failure as the network's code states it; UNKNOWN where no code does."""

    UNKNOWN = "unknown"
    SWITCHED_OFF = "switched_off"
    UNKNOWN_NUMBER = "unknown_number"
    REFUSED = "refused"
    BARRED = "barred"


class DeliveryReport(Struct, frozen=True):
    """A delivery report (DLR) on one part of a text; ``raw_status`` is the network's own word.

    ``at`` is the time of its arrival here. ``submitted`` and ``done`` are times of the network,
    None where it gave none that can be true. ``unread`` keeps optional fields that had no meaning.
    """

    message_id: str
    sender: Msisdn
    recipient: Msisdn
    status: MessageStatus
    raw_status: str
    at: dt.datetime
    part: int = 1
    parts: int = 1
    cause: FailureCause = FailureCause.UNKNOWN
    submitted: ReportedTime | None = None
    done: ReportedTime | None = None
    unread: str = ""
    #: Reported as it happened, under an id that is never used again: arrival times are true times.
    live: bool = False


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
    #: Optional fields of the report that could not be read.
    unread: str = ""


class PartStatus(Struct, frozen=True, array_like=True):
    """The final status of one part of a long text; ``at`` is the arrival of its report."""

    part: int
    status: MessageStatus
    at: dt.datetime
    cause: FailureCause = FailureCause.UNKNOWN
    #: The time of the final status in the network, None where it is not known.
    done: ReportedTime | None = None


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
    #: The time at which the sender's network took the text, None where it is not known.
    submitted: ReportedTime | None = None
    #: Empty for the first text of its id; makes the receipt ids of later ones differ.
    series: str = ""
    #: Earlier texts under the same id between the same numbers, oldest first.
    earlier: tuple["MessageTrace", ...] = ()
    #: Older entries of ``history``, and of ``earlier``, that are no longer kept.
    dropped_events: int = 0
    dropped_texts: int = 0

    def named(self, message_id: str, sender: Msisdn, recipient: Msisdn) -> "MessageTrace":
        """The trace, and the earlier ones in it, with this id and these numbers."""
        earlier = tuple(text.named(message_id, sender, recipient) for text in self.earlier)
        about = {"message_id": message_id, "sender": sender, "recipient": recipient}
        return replace(self, **about, earlier=earlier)


class IndexedText(Struct, frozen=True):
    """A subscriber's text in the index of texts; ``begun`` is the arrival of its first report.

    ``indexed_on`` is the day by the machine's clock, by which the index is kept.
    """

    sender: Msisdn
    recipient: Msisdn
    message_id: str
    begun: dt.datetime
    indexed_on: dt.date


class StrangerTrace(Struct, frozen=True):
    """The trace of a text whose sender has not subscribed.

    It is kept for a few hours, without numbers and id, under a keyed hash of them: enough to tell
    a repeated report from a new one.
    """

    trace: MessageTrace

    @property
    def version(self) -> int:
        """The version of the stored record."""
        return self.trace.version

    def anonymous(self) -> MessageTrace:
        """The trace as it is stored, without numbers and id."""
        return self.trace.named("", Msisdn(""), Msisdn(""))
