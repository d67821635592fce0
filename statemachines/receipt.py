"""The way of a receipt from the outbox to a phone. Status only climbs; final stays final."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Stay, Table


class ReceiptState(StrEnum):
    """How far something we send has got."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNSURE = "unsure"
    EXPIRED = "expired"


class ReceiptEvent(StrEnum):
    """What we do with it, and what a provider says of it."""

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


_S, _E = ReceiptState, ReceiptEvent

#: Nothing more is done about it here; silence may still be broken by late news.
ENDED = frozenset({_S.DELIVERED, _S.UNDELIVERED, _S.FAILED, _S.EXPIRED})

#: The reason a table gives when somebody is sending it, or died while doing so.
UNDER_WAY = "under_way"

RECEIPT = Table(
    "receipt",
    _S,
    _E,
    {
        _S.DUE: {
            _E.SEND: Move(_S.SENDING),
            _E.ACCEPTED: Refuse("not_asked"),
            _E.TRY_LATER: Refuse("not_asked"),
            _E.GIVE_UP: Move(_S.FAILED),
            _E.NEVER: Refuse("not_asked"),
            _E.LOST_SIGHT: Refuse("not_asked"),
            _E.FOUND: Refuse("not_asked"),
            _E.NOT_FOUND: Refuse("not_asked"),
            _E.TOO_OLD: Move(_S.EXPIRED),
            # A provider that said "later" may have sent it all the same: its news counts.
            _E.TOLD_UNDERWAY: Move(_S.SENT),
            _E.TOLD_DELIVERED: Move(_S.DELIVERED),
            _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
            _E.TOLD_FAILED: Move(_S.UNDELIVERED),
        },
        _S.SENDING: {
            _E.SEND: Refuse(UNDER_WAY),
            _E.ACCEPTED: Move(_S.SENT),
            _E.TRY_LATER: Move(_S.DUE),
            _E.GIVE_UP: Move(_S.FAILED),
            _E.NEVER: Move(_S.FAILED),
            _E.LOST_SIGHT: Move(_S.UNSURE),
            _E.FOUND: Move(_S.SENT),
            _E.NOT_FOUND: Refuse(UNDER_WAY),
            _E.TOO_OLD: Refuse(UNDER_WAY),
            # The callback may overtake the answer to our own request.
            _E.TOLD_UNDERWAY: Move(_S.SENT),
            _E.TOLD_DELIVERED: Move(_S.DELIVERED),
            _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
            _E.TOLD_FAILED: Move(_S.UNDELIVERED),
        },
        _S.SENT: {
            _E.SEND: Refuse("already_sent"),
            _E.ACCEPTED: Stay(),
            _E.TRY_LATER: Refuse("already_sent"),
            _E.GIVE_UP: Refuse("already_sent"),
            _E.NEVER: Refuse("already_sent"),
            _E.LOST_SIGHT: Refuse("already_sent"),
            _E.FOUND: Stay(),
            _E.NOT_FOUND: Refuse("already_sent"),
            _E.TOO_OLD: Refuse("already_sent"),
            _E.TOLD_UNDERWAY: Stay(),
            _E.TOLD_DELIVERED: Move(_S.DELIVERED),
            _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
            _E.TOLD_FAILED: Move(_S.UNDELIVERED),
        },
        _S.DELIVERED: dict.fromkeys(_E, Refuse("final")) | {_E.ACCEPTED: Stay()},
        _S.UNDELIVERED: dict.fromkeys(_E, Refuse("final")) | {_E.ACCEPTED: Stay()},
        # Nothing left us, so nothing can arrive; a contradicting word is kept for staff.
        _S.FAILED: dict.fromkeys(_E, Refuse("final")),
        # It may have gone out. Only the provider's own word moves it: a look-up or a report.
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
            _E.TOLD_UNDERWAY: Move(_S.SENT),
            _E.TOLD_DELIVERED: Move(_S.DELIVERED),
            _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
            _E.TOLD_FAILED: Move(_S.UNDELIVERED),
        },
        # Silence is not final: one that ran out here can still turn out to have arrived.
        _S.EXPIRED: dict.fromkeys(_E, Refuse("expired"))
        | {
            _E.ACCEPTED: Move(_S.SENT),
            _E.TOLD_UNDERWAY: Move(_S.SENT),
            _E.TOLD_DELIVERED: Move(_S.DELIVERED),
            _E.TOLD_UNDELIVERED: Move(_S.UNDELIVERED),
        },
    },
    start=_S.DUE,
)
