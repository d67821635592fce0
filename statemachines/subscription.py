"""State table of a subscription: opened by double opt-in, cancelled at any time."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Stay, Table


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


_S, _E = SubscriptionState, SubscriptionEvent

#: States in which texts get receipts; ENDING does until the last day of its month.
RECEIVING = frozenset({_S.ACTIVE, _S.ENDING})

#: States with a subscription or an order to cancel, also after the number left the network.
HOLDING = frozenset({_S.PENDING, _S.ACTIVE, _S.ENDING, _S.SUSPENDED})

SUBSCRIPTION = Table(
    "subscription",
    _S,
    _E,
    {
        _S.NONE: {
            _E.ORDER: Move(_S.PENDING),
            _E.CONFIRM: Refuse("no_order"),
            # A late yes is not a confirmation; the reply is a new offer.
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
            # Promotions are sent within receipts, so consent to them needs a subscription.
            # Its withdrawal is never refused.
            _E.CONSENT: Refuse("not_open"),
            _E.WITHDRAW: Stay(),
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
            # An order beside an active service exists only at the end of a trial period.
            # A no lets the trial run to its end; no answer ends the service before any charge.
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
        # Receipts continue until the month's end, so an order here leaves the state unchanged.
        # Without a confirmation the service ends as planned.
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
            # A suspended service gives no receipts, so it ends at once.
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
