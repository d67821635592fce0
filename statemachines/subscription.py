"""State table of a subscription: opened by double opt-in, cancelled at any time."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Row, Stay, Table, refuse


class SubscriptionState(StrEnum):
    """State of a customer's subscription."""

    NONE = "none"
    PENDING = "pending"
    ACTIVE = "active"
    ENDING = "ending"
    SUSPENDED = "suspended"


class SubscriptionEvent(StrEnum):
    """Events of a subscription, from its customer, the operator or the clock."""

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
    FORGET = "forget"


_S, _E = SubscriptionState, SubscriptionEvent

#: States in which texts get receipts; ENDING does until the last day of its month.
RECEIVING = frozenset({_S.ACTIVE, _S.ENDING})

#: States with a subscription or an order to cancel, also after the number left the network.
HOLDING = frozenset({_S.PENDING, _S.ACTIVE, _S.ENDING, _S.SUSPENDED})

_ROWS: dict[SubscriptionState, dict[SubscriptionEvent, Row[SubscriptionState]]] = {
    _S.NONE: {
        _E.ORDER: Move(_S.PENDING),
        # A late yes is not a confirmation; the reply is a new offer.
        _E.CONFIRM_LATE: Move(_S.PENDING),
        # Promotions are sent within receipts, so consent to them needs a subscription.
        # Its withdrawal is never refused.
        _E.WITHDRAW: Stay(),
        _E.FORGET: Stay(),
        _E.MONTH_ENDED: Refuse("not_ending"),
        _E.RESUME: Refuse("not_suspended"),
        **refuse("no_order", _E.CONFIRM, _E.DECLINE, _E.LAPSE),
        **refuse("not_open", _E.CANCEL_NOW, _E.CANCEL_AT_MONTH_END, _E.SET_MODE, _E.SUSPEND),
        **refuse("not_open", _E.PORT_OUT, _E.RENEW, _E.CONSENT),
    },
    _S.PENDING: {
        _E.ORDER: Stay(),
        _E.CONFIRM: Move(_S.ACTIVE),
        _E.CONFIRM_LATE: Stay(),
        _E.DECLINE: Move(_S.NONE),
        _E.LAPSE: Move(_S.NONE),
        # No service runs yet, so it cannot end with a month.
        _E.CANCEL_NOW: Move(_S.NONE),
        _E.CANCEL_AT_MONTH_END: Move(_S.NONE),
        _E.PORT_OUT: Move(_S.NONE),
        _E.WITHDRAW: Stay(),
        _E.FORGET: Move(_S.NONE),
        _E.MONTH_ENDED: Refuse("not_ending"),
        _E.RESUME: Refuse("not_suspended"),
        **refuse("not_open", _E.SET_MODE, _E.SUSPEND, _E.RENEW, _E.CONSENT),
    },
    _S.ACTIVE: {
        # An order beside an active service exists only at the end of a trial period.
        # A no lets the trial run to its end; no answer ends the service before any charge.
        _E.CONFIRM: Stay(),
        _E.DECLINE: Move(_S.ENDING),
        _E.LAPSE: Move(_S.NONE),
        _E.CANCEL_NOW: Move(_S.NONE),
        _E.CANCEL_AT_MONTH_END: Move(_S.ENDING),
        _E.SET_MODE: Stay(),
        _E.SUSPEND: Move(_S.SUSPENDED),
        _E.PORT_OUT: Move(_S.NONE),
        _E.RENEW: Stay(),
        _E.CONSENT: Stay(),
        _E.WITHDRAW: Stay(),
        _E.MONTH_ENDED: Refuse("not_ending"),
        _E.RESUME: Refuse("not_suspended"),
        **refuse("already_open", _E.ORDER, _E.CONFIRM_LATE, _E.FORGET),
    },
    # Receipts continue until the month's end, so an order here leaves the state unchanged.
    # Without a confirmation the service ends as planned.
    _S.ENDING: {
        _E.ORDER: Stay(),
        _E.CONFIRM: Move(_S.ACTIVE),
        _E.CONFIRM_LATE: Stay(),
        _E.DECLINE: Stay(),
        _E.LAPSE: Stay(),
        _E.CANCEL_NOW: Move(_S.NONE),
        _E.MONTH_ENDED: Move(_S.NONE),
        _E.SET_MODE: Stay(),
        _E.PORT_OUT: Move(_S.NONE),
        _E.CONSENT: Stay(),
        _E.WITHDRAW: Stay(),
        _E.RESUME: Refuse("not_suspended"),
        **refuse("already_ending", _E.CANCEL_AT_MONTH_END, _E.SUSPEND, _E.RENEW, _E.FORGET),
    },
    _S.SUSPENDED: {
        # A suspended service gives no receipts, so it ends at once.
        _E.CANCEL_NOW: Move(_S.NONE),
        _E.CANCEL_AT_MONTH_END: Move(_S.NONE),
        _E.SET_MODE: Stay(),
        _E.RESUME: Move(_S.ACTIVE),
        _E.PORT_OUT: Move(_S.NONE),
        _E.CONSENT: Stay(),
        _E.WITHDRAW: Stay(),
        _E.MONTH_ENDED: Refuse("not_ending"),
        _E.SUSPEND: Refuse("already_suspended"),
        **refuse("unpaid", _E.ORDER, _E.CONFIRM, _E.CONFIRM_LATE, _E.RENEW, _E.FORGET),
        **refuse("no_order", _E.DECLINE, _E.LAPSE),
    },
}

SUBSCRIPTION = Table("subscription", _S, _E, _ROWS, start=_S.NONE)
