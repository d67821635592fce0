"""A customer: subscription, order, question, credentials, login and call records."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

from receipts.model.field_names import LOGIN_NAMES, STORED_NAMES
from receipts.model.vocabulary import (
    Channel,
    DisplayMode,
    Language,
    Msisdn,
    Network,
    PromotionCategory,
)
from statemachines.subscription import SubscriptionState


class QuestionTopic(StrEnum):
    """The subject of an open question."""

    PROVINCE = "province"
    CANCEL = "cancel"
    STOP = "stop"
    LIST = "list"


class PendingQuestion(Struct, frozen=True, array_like=True):
    """An open question to the customer; after ``until`` a number no longer answers it."""

    topic: QuestionTopic
    until: dt.datetime


# ``rename`` keeps the stored key where a field has got another name in Python.
class Order(Struct, frozen=True, omit_defaults=True, rename={"channel": "door"}):
    """A pre-order: an offer shown to the customer and not yet confirmed."""

    channel: Channel
    made_at: dt.datetime
    expires_at: dt.datetime
    tariff: str
    #: What the offer told about the charges; a confirmation that charges otherwise is refused.
    promise: str = ""


class Subscription(Struct, frozen=True, omit_defaults=True, rename=STORED_NAMES):
    """The record of one customer; ``version`` rises by one with each change."""

    number: Msisdn
    version: int = 0
    state: SubscriptionState = SubscriptionState.NONE
    mode: DisplayMode = DisplayMode.FLASH
    language: Language | None = None
    order: Order | None = None
    opened_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    channel: Channel | None = None
    tariff: str | None = None
    lapsed_at: dt.datetime | None = None
    #: The end of the last subscription or order; None while there is one.
    left_at: dt.datetime | None = None
    #: Recorded home province and network; ``source``: the list, look-up or reply that gave them.
    province: str | None = None
    network: Network | None = None
    source: str | None = None
    #: The time of the last network look-up; None when the network comes from a list.
    looked_up_at: dt.datetime | None = None
    #: The first moment at which a fee may be charged; in a trial only after its confirmation.
    charged_from: dt.datetime | None = None
    trial: bool = False
    trial_used: bool = False
    #: The end of a trial that was cancelled: the customer may go on with it until then.
    trial_ends_at: dt.datetime | None = None
    #: The month (``YYYY-MM``) of leaving, if its fee was charged.
    charged_month: str = ""
    #: The month of the last delivered receipt and its count so far, for the free allowance.
    receipts_month: str = ""
    receipts_this_month: int = 0
    #: Months whose fee was reported as paid; a later report of a failure is refused.
    paid: tuple[str, ...] = ()
    #: Months with an uncollected fee, the start of the suspension, and wholly suspended months.
    unpaid: tuple[str, ...] = ()
    suspended_at: dt.datetime | None = None
    months_not_served: tuple[str, ...] = ()
    #: The month of the last notice that off-net recipients give no receipts.
    off_net_notice_month: str = ""
    question: PendingQuestion | None = None
    #: The promotions agreed to, and the time of that consent.
    promotions: PromotionCategory = PromotionCategory.NONE
    promotions_since: dt.datetime | None = None
    #: The hash of the newest entry in the customer's chain of consent.
    chain: str = ""


class CustomerCredentials(Struct, frozen=True, omit_defaults=True):
    """Proof of ownership of a number: slow salted digests of identity number and password."""

    number: Msisdn
    version: int = 0
    id_digest: str = ""
    password_digest: str = ""
    #: Wrong service passwords over all channels on ``wrong_day`` in China.
    wrong_tries: int = 0
    wrong_day: str = ""
    #: A first value that a store issued: it must be changed before it proves the owner.
    password_is_initial: bool = False

    def __repr__(self) -> str:
        return f"CustomerCredentials({self.number.masked})"


class DailyReplyCount(Struct, frozen=True, omit_defaults=True):
    """Replies to a number in this hour and day; they end a loop of two answering machines."""

    number: Msisdn
    day: dt.date
    version: int = 0
    replies: int = 0
    #: The hour of ``day`` in Shanghai, 0-23, and the replies in it.
    hour: int = 0
    replies_this_hour: int = 0
    #: Whether the number knows that it has reached a limit.
    told: bool = False
    #: A trial person's texts that were passed on, and hints on texts that could not be.
    relays: int = 0
    relays_this_hour: int = 0
    hints_this_hour: int = 0


class CallLog(Struct, frozen=True, omit_defaults=True):
    """The changes made in one call so far, for its summary text."""

    sid: str
    number: Msisdn
    language: Language
    version: int = 0
    acts: tuple[tuple[str, dict[str, str]], ...] = ()


class Passcode(Struct, frozen=True, array_like=True):
    """A one-time passcode: its keyed digest, its end, and the wrong tries since it was sent."""

    digest: str
    expires_at: dt.datetime
    #: Wrong tries of the browser that asked for it.
    tries: int = 0
    #: Keyed digest of that browser's visit, and the wrong tries of all other browsers.
    visitor: str = ""
    other_tries: int = 0


class LoginState(Struct, frozen=True, omit_defaults=True, rename=LOGIN_NAMES):
    """The portal login of a number: one-time passcodes, then a session, as keyed digests."""

    number: Msisdn
    day: dt.date
    version: int = 0
    #: Passcodes sent on ``day``.
    codes_sent: int = 0
    code_sent_at: dt.datetime | None = None
    #: Passcodes that may still be valid, oldest first.
    codes: tuple[Passcode, ...] = ()
    session: str = ""
    session_expires_at: dt.datetime | None = None
    #: The day on which the phone was last told of wrong tries in another browser.
    warned_on: dt.date | None = None

    def __repr__(self) -> str:
        return f"LoginState({self.number.masked})"
