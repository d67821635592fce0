"""State table of a receipt, from the outbox to the phone; its status never goes back."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Row, Stay, Table, refuse


class ReceiptState(StrEnum):
    """Delivery state of an outgoing text."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNSURE = "unsure"
    EXPIRED = "expired"


class ReceiptEvent(StrEnum):
    """Steps of our own, status updates of a provider (``TOLD_…``), acts of staff (``STAFF_…``)."""

    SEND = "send"
    ACCEPTED = "accepted"
    TRY_LATER = "try_later"
    GIVE_UP = "give_up"
    NEVER = "never"
    LOST_SIGHT = "lost_sight"
    FOUND = "found"
    NOT_FOUND = "not_found"
    TOO_OLD = "too_old"
    TOLD_UNDERWAY = "told_underway"
    TOLD_DELIVERED = "told_delivered"
    TOLD_UNDELIVERED = "told_undelivered"
    TOLD_FAILED = "told_failed"
    STAFF_SENT = "staff_sent"
    STAFF_NOT_SENT = "staff_not_sent"
    STAFF_RESEND = "staff_resend"


_S, _E = ReceiptState, ReceiptEvent

#: States without further sending; late status updates may still change EXPIRED.
ENDED = frozenset({_S.DELIVERED, _S.UNDELIVERED, _S.FAILED, _S.EXPIRED})

#: Reason of a refusal while a worker is sending the receipt, or has ended while sending it.
UNDER_WAY = "under_way"

#: Acts of staff.
STAFF = frozenset({_E.STAFF_SENT, _E.STAFF_NOT_SENT, _E.STAFF_RESEND})

#: Status updates while the fate of the text is open. One may arrive before the answer to the send
#: request, and a provider that answered with a temporary error may have sent the text anyway.
_TOLD: dict[ReceiptEvent, Row[ReceiptState]] = {
    _E.TOLD_UNDERWAY: Move(_S.SENT),
    _E.TOLD_DELIVERED: Move(_S.DELIVERED),
    _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
    _E.TOLD_FAILED: Move(_S.UNDELIVERED),
}

_ROWS: dict[ReceiptState, dict[ReceiptEvent, Row[ReceiptState]]] = {
    _S.DUE: {
        _E.SEND: Move(_S.SENDING),
        _E.GIVE_UP: Move(_S.FAILED),
        _E.TOO_OLD: Move(_S.EXPIRED),
        **_TOLD,
        **refuse("not_asked", _E.ACCEPTED, _E.TRY_LATER, _E.NEVER, _E.LOST_SIGHT),
        **refuse("not_asked", _E.FOUND, _E.NOT_FOUND),
        **refuse("still_due", *STAFF),
    },
    _S.SENDING: {
        _E.ACCEPTED: Move(_S.SENT),
        _E.TRY_LATER: Move(_S.DUE),
        _E.GIVE_UP: Move(_S.FAILED),
        _E.NEVER: Move(_S.FAILED),
        _E.LOST_SIGHT: Move(_S.UNSURE),
        _E.FOUND: Move(_S.SENT),
        **_TOLD,
        **refuse(UNDER_WAY, _E.SEND, _E.NOT_FOUND, _E.TOO_OLD, *STAFF),
    },
    _S.SENT: {
        **_TOLD,
        _E.ACCEPTED: Stay(),
        _E.FOUND: Stay(),
        _E.TOLD_UNDERWAY: Stay(),
        **refuse("already_sent", _E.SEND, _E.TRY_LATER, _E.GIVE_UP, _E.NEVER, _E.LOST_SIGHT),
        **refuse("already_sent", _E.NOT_FOUND, _E.TOO_OLD, *STAFF),
    },
    _S.DELIVERED: {**refuse("final", *_E), _E.ACCEPTED: Stay()},
    # It did not arrive: staff may have it sent once more, without another charge.
    _S.UNDELIVERED: {
        **refuse("final", *_E),
        _E.ACCEPTED: Stay(),
        _E.STAFF_RESEND: Move(_S.DUE),
    },
    # The text was never sent and cannot arrive; a contradicting status goes to the history.
    _S.FAILED: {**refuse("final", *_E), _E.STAFF_RESEND: Move(_S.DUE)},
    # It may have been sent. A look-up or a status update of the provider decides, or staff.
    _S.UNSURE: {
        _E.SEND: Refuse("unsure"),
        _E.ACCEPTED: Move(_S.SENT),
        _E.TRY_LATER: Stay(),
        _E.GIVE_UP: Stay(),
        _E.NEVER: Move(_S.FAILED),
        _E.LOST_SIGHT: Stay(),
        _E.FOUND: Move(_S.SENT),
        _E.NOT_FOUND: Move(_S.DUE),
        _E.TOO_OLD: Stay(),
        _E.STAFF_SENT: Move(_S.SENT),
        _E.STAFF_NOT_SENT: Move(_S.FAILED),
        _E.STAFF_RESEND: Move(_S.DUE),
        **_TOLD,
    },
    # Not final: a late status update can still show that the text arrived.
    _S.EXPIRED: {
        **refuse("expired", *_E),
        **_TOLD,
        _E.ACCEPTED: Move(_S.SENT),
        _E.TOLD_FAILED: Refuse("expired"),
        _E.STAFF_RESEND: Move(_S.DUE),
    },
}

RECEIPT = Table("receipt", _S, _E, _ROWS, start=_S.DUE)
