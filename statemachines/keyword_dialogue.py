"""State table of a text conversation with the short code."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Row, Stay, Table


class DialogueState(StrEnum):
    """The question that the next text may answer."""

    IDLE = "idle"
    OFFERED = "offered"
    LAPSED = "lapsed"
    WHICH_PROVINCE = "which_province"
    LISTED = "listed"


class DialogueEvent(StrEnum):
    """Meaning of a parsed text."""

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
    ELSEWHERE = "elsewhere"
    NEAR = "near"
    ITEM = "item"
    UNKNOWN = "unknown"


_S, _E = DialogueState, DialogueEvent

#: Actions of texts that answer no question. A pending order is declined first.
_PLAIN: dict[DialogueEvent, str] = {
    _E.ORDINARY: "ordinary",
    _E.FLASH: "flash",
    _E.ASK: "ask",
    _E.RECEIPTS: "receipts",
    _E.CHARGES: "charges",
    _E.CHINESE: "chinese",
    _E.ENGLISH: "english",
    _E.LIST_ALL: "list_all",
    _E.HELP: "help",
    _E.NEWS: "news",
    _E.PUBLIC_INTEREST: "public_interest",
    _E.ADVERTISING: "advertising",
    _E.NO_MESSAGES: "no_messages",
    _E.ELSEWHERE: "elsewhere",
    _E.NEAR: "near",
    _E.UNKNOWN: "unknown",
}

_IDLE: dict[DialogueEvent, Row[DialogueState]] = {
    _E.OPEN: Move(_S.OFFERED, ("offer",)),
    _E.CANCEL: Stay(("cancel",)),
    _E.YES: Refuse("nothing_waits"),
    _E.NO: Refuse("nothing_waits"),
    _E.ITEM: Refuse("nothing_waits"),
    **{event: Stay((act,)) for event, act in _PLAIN.items()},
}

_OFFERED: dict[DialogueEvent, Row[DialogueState]] = {
    _E.OPEN: Stay(("offer",)),
    _E.CANCEL: Move(_S.IDLE, ("cancel",)),
    _E.YES: Move(_S.IDLE, ("confirm",)),
    _E.NO: Move(_S.IDLE, ("decline",)),
    _E.ITEM: Move(_S.IDLE, ("decline", "unknown")),
    # Any answer except yes declines the order, and the reply says so.
    **{event: Move(_S.IDLE, ("decline", act)) for event, act in _PLAIN.items()},
}

_LAPSED: dict[DialogueEvent, Row[DialogueState]] = {
    **_IDLE,
    _E.YES: Move(_S.OFFERED, ("offer_again",)),
}


def _to_idle(
    rows: dict[DialogueEvent, Row[DialogueState]],
) -> dict[DialogueEvent, Row[DialogueState]]:
    """Make rows that stay move to IDLE instead, with the same actions."""
    return {
        event: Move(_S.IDLE, row.acts) if isinstance(row, Stay) else row
        for event, row in rows.items()
    }


#: A list number answers the question; any other text drops it and has its usual effect.
_WHICH_PROVINCE: dict[DialogueEvent, Row[DialogueState]] = {
    **_to_idle(_IDLE),
    _E.ITEM: Move(_S.OFFERED, ("province", "offer")),
}

_LISTED: dict[DialogueEvent, Row[DialogueState]] = {
    **_to_idle(_IDLE),
    _E.ITEM: Move(_S.IDLE, ("cancel",)),
}

KEYWORD_DIALOGUE = Table(
    "keyword_dialogue",
    _S,
    _E,
    {
        _S.IDLE: _IDLE,
        _S.OFFERED: _OFFERED,
        _S.LAPSED: _LAPSED,
        _S.WHICH_PROVINCE: _WHICH_PROVINCE,
        _S.LISTED: _LISTED,
    },
    start=_S.IDLE,
)
