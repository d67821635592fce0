"""State table of a call to the hotline, from the choice of language to hang-up."""

from enum import StrEnum

from statemachines.engine import Move, Row, Stay, Table, refuse


class CallState(StrEnum):
    """The prompt that the caller is answering."""

    LANGUAGE = "language"
    WHICH_PROVINCE = "which_province"
    MENU = "menu"
    OFFER = "offer"
    CANCELLING = "cancelling"
    MESSAGES = "messages"
    PASSWORD = "password"  # noqa: S105 - a state or event
    #: A caller with a withheld number gives a number, then its password.
    NUMBER = "number"
    NUMBER_PASSWORD = "number_password"  # noqa: S105 - a state or event
    OVER = "over"


class CallEvent(StrEnum):
    """Meaning of the caller's key or speech, or of a missing answer."""

    CHINESE = "chinese"
    ENGLISH = "english"
    OPEN = "open"
    CANCEL = "cancel"
    ORDINARY = "ordinary"
    FLASH = "flash"
    ASK = "ask"
    RECEIPTS = "receipts"
    MESSAGES = "messages"
    NEWS = "news"
    PUBLIC_INTEREST = "public_interest"
    ADVERTISING = "advertising"
    NO_MESSAGES = "no_messages"
    PROVINCE = "province"
    YES = "yes"
    NO = "no"
    AGENT = "agent"
    NO_AGENT = "no_agent"
    BACK = "back"
    AGAIN = "again"
    SILENCE = "silence"
    WRONG = "wrong"
    TOO_MANY = "too_many"
    #: Found by the service on the way to a prompt.
    PROVINCE_UNKNOWN = "province_unknown"
    NOT_POSSIBLE = "not_possible"
    NUMBER_WITHHELD = "number_withheld"
    PASSWORD_NEEDED = "password_needed"  # noqa: S105 - a state or event
    #: Results of keyed digits.
    NUMBER_GIVEN = "number_given"
    PASSWORD_RIGHT = "password_right"  # noqa: S105 - a state or event
    PASSWORD_WRONG = "password_wrong"  # noqa: S105 - a state or event
    PASSWORD_LOCKED = "password_locked"  # noqa: S105 - a state or event
    PASSWORD_INITIAL = "password_initial"  # noqa: S105 - a state or event
    NO_PASSWORD = "no_password"  # noqa: S105 - a state or event


_S, _E = CallState, CallEvent

#: Rows shared by all states with a prompt.
_ANYWHERE: dict[CallEvent, Row[CallState]] = {
    _E.AGENT: Stay(("agent",)),
    _E.NO_AGENT: Stay(("no_agent",)),
    _E.AGAIN: Stay(("again",)),
    _E.SILENCE: Stay(("silence",)),
    _E.WRONG: Stay(("wrong",)),
    _E.TOO_MANY: Move(_S.OVER, ("too_many",)),
    **refuse(
        "not_on_the_way",
        *(_E.PROVINCE_UNKNOWN, _E.NOT_POSSIBLE, _E.NUMBER_WITHHELD, _E.PASSWORD_NEEDED),
        *(_E.NUMBER_GIVEN, _E.PASSWORD_RIGHT, _E.PASSWORD_WRONG, _E.PASSWORD_LOCKED),
        *(_E.NO_PASSWORD, _E.PASSWORD_INITIAL),
    ),
}

#: The other language, at once and with the same prompt.
_LANGUAGES: dict[CallEvent, Row[CallState]] = {
    _E.CHINESE: Stay(("chinese",)),
    _E.ENGLISH: Stay(("english",)),
}

#: Entries of the main menu; in other states they are wrong keys.
_MENU_ONLY = (
    *(_E.OPEN, _E.CANCEL, _E.ORDINARY, _E.FLASH),
    *(_E.ASK, _E.RECEIPTS, _E.MESSAGES),
)

#: Promotion categories that receipts may carry, and the choice of none.
_KINDS = (_E.NEWS, _E.PUBLIC_INTEREST, _E.ADVERTISING, _E.NO_MESSAGES)

#: Choices of the menus, which mean nothing where digits are asked for.
_CHOICES = (
    *(_E.CHINESE, _E.ENGLISH, _E.YES, _E.NO, _E.PROVINCE),
    *(*_KINDS, *_MENU_ONLY),
)

_NO_YES_OR_NO = (_E.PROVINCE, *_KINDS, *_MENU_ONLY)

_ROWS: dict[CallState, dict[CallEvent, Row[CallState]]] = {
    _S.LANGUAGE: {
        **_ANYWHERE,
        _E.CHINESE: Move(_S.MENU, ("chinese",)),
        _E.ENGLISH: Move(_S.MENU, ("english",)),
        _E.BACK: Stay(("again",)),
        **refuse("language_first", _E.YES, _E.NO, _E.PROVINCE, *_KINDS, *_MENU_ONLY),
    },
    # The province of the number is unknown: the caller names it, the tariff is not guessed.
    _S.WHICH_PROVINCE: {
        **_ANYWHERE,
        **_LANGUAGES,
        _E.PROVINCE: Move(_S.MENU, ("province",)),
        _E.BACK: Stay(("again",)),
        **refuse("province_first", _E.YES, _E.NO, *_KINDS, *_MENU_ONLY),
    },
    _S.MENU: {
        **_ANYWHERE,
        **_LANGUAGES,
        _E.PROVINCE_UNKNOWN: Move(_S.WHICH_PROVINCE, ("which_province",)),
        _E.NUMBER_WITHHELD: Move(_S.NUMBER, ("number",)),
        _E.OPEN: Move(_S.OFFER, ("offer",)),
        _E.CANCEL: Move(_S.CANCELLING, ("cancelling",)),
        _E.ORDINARY: Stay(("ordinary",)),
        _E.FLASH: Stay(("flash",)),
        _E.ASK: Stay(("ask",)),
        _E.RECEIPTS: Stay(("receipts",)),
        _E.MESSAGES: Move(_S.MESSAGES, ("messages",)),
        _E.BACK: Stay(("again",)),
        **refuse("nothing_asked", _E.YES, _E.NO, _E.PROVINCE, *_KINDS),
    },
    # The price has been announced; only a yes opens the service.
    _S.OFFER: {
        **_ANYWHERE,
        **_LANGUAGES,
        _E.NOT_POSSIBLE: Move(_S.MENU, ("not_possible",)),
        # Where the province asks for the service password before what costs money.
        _E.PASSWORD_NEEDED: Move(_S.PASSWORD, ("password",)),
        _E.PASSWORD_LOCKED: Move(_S.MENU, ("password_locked",)),
        _E.NO_PASSWORD: Move(_S.MENU, ("no_password",)),
        _E.PASSWORD_INITIAL: Move(_S.MENU, ("password_initial",)),
        _E.YES: Move(_S.MENU, ("open",)),
        _E.NO: Move(_S.MENU, ("not_opened",)),
        _E.BACK: Move(_S.MENU, ("not_opened",)),
        **refuse("yes_or_no", *_NO_YES_OR_NO),
    },
    _S.CANCELLING: {
        **_ANYWHERE,
        **_LANGUAGES,
        _E.NOT_POSSIBLE: Move(_S.MENU, ("not_possible",)),
        _E.YES: Move(_S.MENU, ("cancel",)),
        _E.NO: Move(_S.MENU, ("not_cancelled",)),
        _E.BACK: Move(_S.MENU, ("not_cancelled",)),
        **refuse("yes_or_no", *_NO_YES_OR_NO),
    },
    # Each category is a separate consent and replaces the previous one.
    _S.MESSAGES: {
        **_ANYWHERE,
        **_LANGUAGES,
        _E.NEWS: Move(_S.MENU, ("news",)),
        _E.PUBLIC_INTEREST: Move(_S.MENU, ("public_interest",)),
        _E.ADVERTISING: Move(_S.MENU, ("advertising",)),
        _E.NO_MESSAGES: Move(_S.MENU, ("no_messages",)),
        _E.BACK: Move(_S.MENU, ("again",)),
        **refuse("kind_first", _E.YES, _E.NO, _E.PROVINCE, *_MENU_ONLY),
    },
    _S.PASSWORD: {
        **_ANYWHERE,
        _E.BACK: Move(_S.MENU, ("not_opened",)),
        _E.PASSWORD_RIGHT: Move(_S.OFFER, ("offer",)),
        _E.PASSWORD_WRONG: Stay(("password_wrong",)),
        _E.PASSWORD_LOCKED: Move(_S.MENU, ("password_locked",)),
        _E.NO_PASSWORD: Move(_S.MENU, ("no_password",)),
        _E.PASSWORD_INITIAL: Move(_S.MENU, ("password_initial",)),
        **refuse("digits_only", *_CHOICES),
    },
    _S.NUMBER: {
        **_ANYWHERE,
        _E.BACK: Stay(("again",)),
        _E.NUMBER_GIVEN: Move(_S.NUMBER_PASSWORD, ("password",)),
        **refuse("digits_only", *_CHOICES),
    },
    _S.NUMBER_PASSWORD: {
        **_ANYWHERE,
        _E.BACK: Move(_S.NUMBER, ("number",)),
        _E.PASSWORD_RIGHT: Move(_S.MENU, ("menu",)),
        _E.PASSWORD_WRONG: Stay(("password_wrong",)),
        _E.PASSWORD_LOCKED: Move(_S.OVER, ("password_locked",)),
        _E.NO_PASSWORD: Move(_S.OVER, ("no_password",)),
        _E.PASSWORD_INITIAL: Move(_S.OVER, ("password_initial",)),
        **refuse("digits_only", *_CHOICES),
    },
    _S.OVER: {**refuse("call_over", *_E)},
}

CALL_MENU = Table("call_menu", _S, _E, _ROWS, start=_S.LANGUAGE)
