"""The things the business talks about. Frozen: a change is a new value."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.shorthand import short
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState


class Msisdn(str):
    """A telephone number in E.164 (``+8613802880000``); masked wherever it is only shown."""

    __slots__ = ()

    @property
    def digits(self) -> str:
        """The number without its plus sign, as keys are made of it."""
        return self[1:]

    @property
    def national(self) -> str:
        """The number as people in China write it; foreign numbers keep their prefix."""
        return self[3:] if self.startswith("+86") else str(self)

    @property
    def masked(self) -> str:
        """The number with its middle hidden, for logs and pages."""
        local = self.national
        return f"{local[:3]}****{local[-4:]}"

    def __repr__(self) -> str:
        return f"Msisdn({self.masked})"


class Mode(StrEnum):
    """How receipts are shown: over the screen, or filed in the inbox."""

    FLASH = "flash"
    TEXT = "text"


class Language(StrEnum):
    """The languages every sentence exists in."""

    ZH = "zh"
    EN = "en"


class Door(StrEnum):
    """The way a wish came in."""

    TEXT = "text"
    VOICE = "voice"
    WEB = "web"
    COUNTER = "counter"


class Wish(StrEnum):
    """What a customer may ask of the service, whichever the door."""

    OPEN = "open"
    CANCEL = "cancel"
    ORDINARY = "ordinary"
    FLASH = "flash"
    ASK = "ask"
    RECEIPTS = "receipts"
    CHARGES = "charges"
    CHINESE = "chinese"
    ENGLISH = "english"
    LIST_ALL = "list_all"
    HELP = "help"
    YES = "yes"
    NO = "no"
    NEWS = "news"
    PUBLIC_INTEREST = "public_interest"
    ADVERTISING = "advertising"
    NO_MESSAGES = "no_messages"


class Informing(StrEnum):
    """The kinds of messages an operator may add to receipts, and to which a customer agrees."""

    NONE = "none"
    NEWS = "news"
    PUBLIC_INTEREST = "public_interest"
    ADVERTISING = "advertising"


class Network(StrEnum):
    """Whose network a number is on, as far as a source can say."""

    CHINA_MOBILE = "china_mobile"
    CHINA_UNICOM = "china_unicom"
    CHINA_TELECOM = "china_telecom"
    OTHER = "other"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What became of a customer's text, as the receipt tells it."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"


class Topic(StrEnum):
    """What a question of ours was about: the answer to it is a number."""

    PROVINCE = "province"
    LIST = "list"


class Question(msgspec.Struct, frozen=True, array_like=True):
    """A question the customer has been asked, and until when a number answers it."""

    topic: Topic
    until: dt.datetime


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """An offer the customer has seen and not yet answered (a pre-order)."""

    door: Door
    made_at: dt.datetime
    expires_at: dt.datetime
    tariff: str


class Subscription(Struct, frozen=True, omit_defaults=True, rename=short):
    """What we know of one customer; ``version`` rises by one with each change."""

    number: Msisdn
    version: int = 0
    state: SubscriptionState = SubscriptionState.NONE
    mode: Mode = Mode.FLASH
    language: Language | None = None
    order: Order | None = None
    opened_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    channel: Door | None = None
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
    used_month: str = ""
    used: int = 0
    #: Months whose fee could not be collected; since when that has stopped the service; and the
    #: months of this subscription in which it did not run at all, so that nothing is due for them.
    unpaid: tuple[str, ...] = ()
    suspended_at: dt.datetime | None = None
    unserved: tuple[str, ...] = ()
    #: The month in which the customer was last told that off-net friends give no receipts.
    off_net_told: str = ""
    #: What the last text of ours asked, when it was neither an order nor nothing.
    question: Question | None = None
    #: The one kind of messages the customer agreed to read after a receipt, and when that was.
    informing: Informing = Informing.NONE
    informing_since: dt.datetime | None = None
    #: The head of the customer's chain of consent.
    chain: str = ""


class Owner(Struct, frozen=True, omit_defaults=True):
    """What proves that somebody owns a number: slow salted digests, never the things themselves."""

    number: Msisdn
    version: int = 0
    id_digest: str = ""
    password_digest: str = ""

    def __repr__(self) -> str:
        return f"Owner({self.number.masked})"


class Kind(StrEnum):
    """What a thing we send is: a receipt, word of an order, several receipts, a one-time code."""

    RECEIPT = "receipt"
    NOTICE = "notice"
    DIGEST = "digest"
    #: Its words are forgotten once it went out, and it is on no list.
    CODE = "code"


class News(msgspec.Struct, frozen=True, array_like=True):
    """One thing a vendor or the network told us, kept raw for staff."""

    at: dt.datetime
    word: str


class Receipt(Struct, frozen=True, omit_defaults=True, rename=short):
    """Something we send to a customer's own phone, and how far it got.

    ``mode`` is what the customer wants, ``sent_as`` what really went out; ``price_fen`` is the
    tariff's price, ``charge_fen`` what was charged once it was sent.
    """

    id: str
    number: Msisdn
    text: str
    mode: Mode
    language: Language
    created_at: dt.datetime
    version: int = 0
    kind: Kind = Kind.RECEIPT
    state: ReceiptState = ReceiptState.DUE
    message_id: str | None = None
    friend: Msisdn | None = None
    outcome: Outcome | None = None
    provider: str | None = None
    provider_id: str | None = None
    sent_as: Mode | None = None
    attempts: int = 0
    asked_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    tariff: str | None = None
    price_fen: int = 0
    #: How many delivered receipts a month cost nothing; the count is made when it has gone out.
    free_receipts: int = 0
    charge_fen: int = 0
    note: str | None = None
    history: tuple[News, ...] = ()
    #: The operator's message that it carries besides, by its name in the rule book.
    message: str | None = None
    #: Until when it waits for others to join its flash; None once it is in the outbox.
    waits_until: dt.datetime | None = None
    #: Of a digest: the receipts told in it. Of such a receipt: the digest, whose fate is its own.
    members: tuple[str, ...] = ()
    digest: str | None = None
    #: Providers that will never take it; others may.
    refused_by: tuple[str, ...] = ()
    #: From when on it is of no use to anybody; None for what the sending rules say.
    until: dt.datetime | None = None


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


class Talk(Struct, frozen=True, omit_defaults=True):
    """How much a number texted today, so that two machines never talk to each other for long."""

    number: Msisdn
    day: dt.date
    version: int = 0
    unknown: int = 0
    hints: int = 0


class Call(Struct, frozen=True, omit_defaults=True):
    """What one call has done so far, for the text that sums it up."""

    sid: str
    number: Msisdn
    language: Language
    version: int = 0
    acts: tuple[tuple[str, dict[str, str]], ...] = ()


class Access(Struct, frozen=True, omit_defaults=True):
    """What lets a number into the online hall: a code on its way to the phone, then a visit.

    Codes and visits are kept as keyed digests, never as themselves. ``asked`` counts the codes
    sent on ``day``.
    """

    number: Msisdn
    day: dt.date
    version: int = 0
    asked: int = 0
    asked_at: dt.datetime | None = None
    code: str = ""
    code_until: dt.datetime | None = None
    tries: int = 0
    visit: str = ""
    visit_until: dt.datetime | None = None

    def __repr__(self) -> str:
        return f"Access({self.number.masked})"


class ChargeKind(StrEnum):
    """What a charge is for."""

    MONTHLY = "monthly"
    RECEIPT = "receipt"


class Charge(msgspec.Struct, frozen=True):
    """One amount a customer owes: ``fen`` is 1/100 yuan, ``month`` is ``YYYY-MM`` in Shanghai."""

    id: str
    number: Msisdn
    kind: ChargeKind
    fen: int
    month: str
    why: str
    at: dt.datetime
    tariff: str


class Audit(Struct, frozen=True, omit_defaults=True):
    """Who asked for what, through which door, and what it changed; never overwritten."""

    at: dt.datetime
    number: Msisdn
    door: str
    event: str
    before: str
    after: str
    claim: str = ""
    tariff: str = ""
    shown: str = ""
    heard: str = ""
    clerk: str = ""
    before_hash: str = ""
    hash: str = ""
    #: What it was in the words of the table of subscriptions: order, confirm, cancel_now ...
    act: str = ""
