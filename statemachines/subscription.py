"""The life of a subscription: opened with a second confirmation, cancelled freely."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Stay, Table


class SubscriptionState(StrEnum):
    """Where a customer stands with the service."""

    NONE = "none"
    PENDING = "pending"
    ACTIVE = "active"
    ENDING = "ending"
    SUSPENDED = "suspended"


class SubscriptionEvent(StrEnum):
    """What can happen to a subscription."""

    ORDER = "order"
    CONFIRM = "confirm"
    CONFIRM_LATE = "confirm_late"
    DECLINE = "decline"
    LAPSE = "lapse"
    CANCEL_NOW = "cancel_now"
    CANCEL_AT_MONTH_END = "cancel_at_month_end"
    MONTH_ENDED = "month_ended"
    SET_MODE = "set_mode"
    SUSPEND = "suspend"
    RESUME = "resume"
    PORT_OUT = "port_out"
    RENEW = "renew"
    CONSENT = "consent"
    WITHDRAW = "withdraw"


_S, _E = SubscriptionState, SubscriptionEvent

#: Where texts give receipts: until the last day of the last month.
RECEIVING = frozenset({_S.ACTIVE, _S.ENDING})

#: Where there is something a customer may still cancel, whatever network the number is on now.
HOLDING = frozenset({_S.PENDING, _S.ACTIVE, _S.ENDING, _S.SUSPENDED})

SUBSCRIPTION = Table(
    "subscription",
    _S,
    _E,
    {
        _S.NONE: {
            _E.ORDER: Move(_S.PENDING),
            _E.CONFIRM: Refuse("no_order"),
            # A late yes is never an order by itself: it is answered with a fresh offer.
            _E.CONFIRM_LATE: Move(_S.PENDING),
            _E.DECLINE: Refuse("no_order"),
            _E.LAPSE: Refuse("no_order"),
            _E.CANCEL_NOW: Refuse("not_open"),
            _E.CANCEL_AT_MONTH_END: Refuse("not_open"),
            _E.MONTH_ENDED: Refuse("not_ending"),
            _E.SET_MODE: Refuse("not_open"),
            _E.SUSPEND: Refuse("not_open"),
            _E.RESUME: Refuse("not_suspended"),
            _E.PORT_OUT: Refuse("not_open"),
            _E.RENEW: Refuse("not_open"),
            # Messages ride on receipts, and consent to them ends with the service it was given in;
            # to withdraw it is never refused.
            _E.CONSENT: Refuse("not_open"),
            _E.WITHDRAW: Stay(),
        },
        _S.PENDING: {
            _E.ORDER: Stay(),
            _E.CONFIRM: Move(_S.ACTIVE),
            _E.CONFIRM_LATE: Stay(),
            _E.DECLINE: Move(_S.NONE),
            _E.LAPSE: Move(_S.NONE),
            # Nothing runs yet, so there is no month to run on to.
            _E.CANCEL_NOW: Move(_S.NONE),
            _E.CANCEL_AT_MONTH_END: Move(_S.NONE),
            _E.MONTH_ENDED: Refuse("not_ending"),
            _E.SET_MODE: Refuse("not_open"),
            _E.SUSPEND: Refuse("not_open"),
            _E.RESUME: Refuse("not_suspended"),
            _E.PORT_OUT: Move(_S.NONE),
            _E.RENEW: Refuse("not_open"),
            _E.CONSENT: Refuse("not_open"),
            _E.WITHDRAW: Stay(),
        },
        _S.ACTIVE: {
            _E.ORDER: Refuse("already_open"),
            # An order stands beside a running service only while a trial asks for its second
            # yes: a no lets the trial run out, silence ends the service before anything is charged.
            _E.CONFIRM: Stay(),
            _E.CONFIRM_LATE: Refuse("already_open"),
            _E.DECLINE: Move(_S.ENDING),
            _E.LAPSE: Move(_S.NONE),
            _E.CANCEL_NOW: Move(_S.NONE),
            _E.CANCEL_AT_MONTH_END: Move(_S.ENDING),
            _E.MONTH_ENDED: Refuse("not_ending"),
            _E.SET_MODE: Stay(),
            _E.SUSPEND: Move(_S.SUSPENDED),
            _E.RESUME: Refuse("not_suspended"),
            _E.PORT_OUT: Move(_S.NONE),
            _E.RENEW: Stay(),
            _E.CONSENT: Stay(),
            _E.WITHDRAW: Stay(),
        },
        # Receipts go on until the month's end, so an order here is kept beside the state:
        # a no, or silence, leaves the end where it was.
        _S.ENDING: {
            _E.ORDER: Stay(),
            _E.CONFIRM: Move(_S.ACTIVE),
            _E.CONFIRM_LATE: Stay(),
            _E.DECLINE: Stay(),
            _E.LAPSE: Stay(),
            _E.CANCEL_NOW: Move(_S.NONE),
            _E.CANCEL_AT_MONTH_END: Refuse("already_ending"),
            _E.MONTH_ENDED: Move(_S.NONE),
            _E.SET_MODE: Stay(),
            _E.SUSPEND: Refuse("already_ending"),
            _E.RESUME: Refuse("not_suspended"),
            _E.PORT_OUT: Move(_S.NONE),
            _E.RENEW: Refuse("already_ending"),
            _E.CONSENT: Stay(),
            _E.WITHDRAW: Stay(),
        },
        _S.SUSPENDED: {
            _E.ORDER: Refuse("unpaid"),
            _E.CONFIRM: Refuse("unpaid"),
            _E.CONFIRM_LATE: Refuse("unpaid"),
            _E.DECLINE: Refuse("no_order"),
            _E.LAPSE: Refuse("no_order"),
            # No receipts come while suspended, so a cancel has nothing to wait for.
            _E.CANCEL_NOW: Move(_S.NONE),
            _E.CANCEL_AT_MONTH_END: Move(_S.NONE),
            _E.MONTH_ENDED: Refuse("not_ending"),
            _E.SET_MODE: Stay(),
            _E.SUSPEND: Refuse("already_suspended"),
            _E.RESUME: Move(_S.ACTIVE),
            _E.PORT_OUT: Move(_S.NONE),
            _E.RENEW: Refuse("unpaid"),
            _E.CONSENT: Stay(),
            _E.WITHDRAW: Stay(),
        },
    },
    start=_S.NONE,
)
