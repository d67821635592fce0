"""A customer: subscription, order, question, credentials, login and call records."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.model.field_names import stored_name
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
    """What a question of ours was about: the answer to it is a number."""

    PROVINCE = "province"
    LIST = "list"


class PendingQuestion(msgspec.Struct, frozen=True, array_like=True):
    """A question the customer has been asked, and until when a number answers it."""

    topic: QuestionTopic
    until: dt.datetime


class Order(msgspec.Struct, frozen=True, omit_defaults=True, rename={"channel": "door"}):
    """An offer the customer has seen and not yet answered (a pre-order)."""

    channel: Channel
    made_at: dt.datetime
    expires_at: dt.datetime
    tariff: str


class Subscription(Struct, frozen=True, omit_defaults=True, rename=stored_name):
    """What we know of one customer; ``version`` rises by one with each change."""

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
    #: Where the number belongs, when somebody told: the operator's list, or the customer.
    province: str | None = None
    network: Network | None = None
    source: str | None = None
    #: When somebody outside was asked for the network; None when it is known from a list.
    looked_up_at: dt.datetime | None = None
    #: The first moment at which a fee may be charged; a trial still waits for its second yes.
    charged_from: dt.datetime | None = None
    trial: bool = False
    trial_used: bool = False
    #: Delivered receipts of the month in which the last one was, for the free allowance.
    receipts_month: str = ""
    receipts_this_month: int = 0
    #: Months whose fee could not be collected; since when that has stopped the service; and the
    #: months of this subscription in which it did not run at all, so that nothing is due for them.
    unpaid: tuple[str, ...] = ()
    suspended_at: dt.datetime | None = None
    months_not_served: tuple[str, ...] = ()
    #: The month in which the customer was last told that off-net friends give no receipts.
    off_net_notice_month: str = ""
    #: What the last text of ours asked, when it was neither an order nor nothing.
    question: PendingQuestion | None = None
    #: The one kind of messages the customer agreed to read after a receipt, and when that was.
    promotions: PromotionCategory = PromotionCategory.NONE
    promotions_since: dt.datetime | None = None
    #: The head of the customer's chain of consent.
    chain: str = ""


class CustomerCredentials(Struct, frozen=True, omit_defaults=True):
    """What proves that somebody owns a number: slow salted digests, never the things themselves."""

    number: Msisdn
    version: int = 0
    id_digest: str = ""
    password_digest: str = ""

    def __repr__(self) -> str:
        return f"Owner({self.number.masked})"


class DailyReplyCount(Struct, frozen=True, omit_defaults=True, rename={"unknown_words": "unknown"}):
    """How much a number texted today, so that two machines never talk to each other for long."""

    number: Msisdn
    day: dt.date
    version: int = 0
    unknown_words: int = 0
    hints: int = 0


class CallLog(Struct, frozen=True, omit_defaults=True):
    """What one call has done so far, for the text that sums it up."""

    sid: str
    number: Msisdn
    language: Language
    version: int = 0
    acts: tuple[tuple[str, dict[str, str]], ...] = ()


class LoginState(
    Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "codes_sent": "asked",
        "code_sent_at": "asked_at",
        "code_expires_at": "code_until",
        "session": "visit",
        "session_expires_at": "visit_until",
    },
):
    """What lets a number into the online hall: a code on its way to the phone, then a visit.

    Codes and visits are kept as keyed digests, never as themselves. ``asked`` counts the codes
    sent on ``day``.
    """

    number: Msisdn
    day: dt.date
    version: int = 0
    codes_sent: int = 0
    code_sent_at: dt.datetime | None = None
    code: str = ""
    code_expires_at: dt.datetime | None = None
    tries: int = 0
    session: str = ""
    session_expires_at: dt.datetime | None = None

    def __repr__(self) -> str:
        return f"Access({self.number.masked})"
