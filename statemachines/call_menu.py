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


_S, _E = CallState, CallEvent

#: Rows shared by all states with a prompt.
_ANYWHERE: dict[CallEvent, Row[CallState]] = {
    _E.AGENT: Stay(("agent",)),
    _E.NO_AGENT: Stay(("no_agent",)),
    _E.AGAIN: Stay(("again",)),
    _E.SILENCE: Stay(("silence",)),
    _E.WRONG: Stay(("wrong",)),
    _E.TOO_MANY: Move(_S.OVER, ("too_many",)),
    **refuse("not_on_the_way", _E.PROVINCE_UNKNOWN, _E.NOT_POSSIBLE),
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
    _S.OVER: {**refuse("call_over", *_E)},
}

CALL_MENU = Table("call_menu", _S, _E, _ROWS, start=_S.LANGUAGE)
