"""Vocabulary shared by all records: numbers, languages, channels, intents."""

from enum import StrEnum


class Msisdn(str):
    """A telephone number in E.164 (``+8613802880000``); masked in its repr."""

    __slots__ = ()

    @property
    def digits(self) -> str:
        """The number without its plus sign, for keys of the store."""
        return self[1:]

    @property
    def national(self) -> str:
        """The national format of a Chinese number; foreign numbers stay in E.164."""
        return self[3:] if self.startswith("+86") else str(self)

    @property
    def masked(self) -> str:
        """The number with its middle hidden, for logs and pages."""
        local = self.national
        return f"{local[:3]}****{local[-4:]}"

    def __repr__(self) -> str:
        return f"Msisdn({self.masked})"


class DisplayMode(StrEnum):
    """How a phone shows a receipt: over the screen (SMS class 0), or filed in the inbox."""

    FLASH = "flash"
    TEXT = "text"


class Language(StrEnum):
    """The languages of every message."""

    ZH = "zh"
    EN = "en"


class Channel(StrEnum):
    """The channel of a customer's request."""

    TEXT = "text"
    VOICE = "voice"
    WEB = "web"
    COUNTER = "counter"


class Intent(StrEnum):
    """A customer's request to the service, the same on every channel."""

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
    """The category of promotions that a customer agrees to receive after a receipt."""

    NONE = "none"
    NEWS = "news"
    PUBLIC_INTEREST = "public_interest"
    ADVERTISING = "advertising"


class Network(StrEnum):
    """The mobile network of a number."""

    CHINA_MOBILE = "china_mobile"
    CHINA_UNICOM = "china_unicom"
    CHINA_TELECOM = "china_telecom"
    OTHER = "other"
    UNKNOWN = "unknown"


class ReceiptOutcome(StrEnum):
    """The outcome of a customer's text, as its receipt states it."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"


class FailureReason(StrEnum):
    """Why a text failed, as its receipt tells: the cause by the network's code, else the status."""

    EXPIRED = "expired"
    FAILED = "failed"
    REJECTED = "rejected"
    SWITCHED_OFF = "switched_off"
    UNKNOWN_NUMBER = "unknown_number"
    REFUSED = "refused"
    BARRED = "barred"
