"""The things the business talks about. Frozen: a change is a new value."""

from enum import StrEnum


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


class DisplayMode(StrEnum):
    """How receipts are shown: over the screen, or filed in the inbox."""

    FLASH = "flash"
    TEXT = "text"


class Language(StrEnum):
    """The languages every sentence exists in."""

    ZH = "zh"
    EN = "en"


class Channel(StrEnum):
    """The way a wish came in."""

    TEXT = "text"
    VOICE = "voice"
    WEB = "web"
    COUNTER = "counter"


class Intent(StrEnum):
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


class PromotionCategory(StrEnum):
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


class ReceiptOutcome(StrEnum):
    """What became of a customer's text, as the receipt tells it."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
