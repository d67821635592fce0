"""One conversation with 7500: what a text does while an order waits for its yes, and else."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Row, Stay, Table


class DialogueState(StrEnum):
    """What the conversation is waiting for."""

    IDLE = "idle"
    OFFERED = "offered"
    LAPSED = "lapsed"
    WHICH_PROVINCE = "which_province"
    LISTED = "listed"


class DialogueEvent(StrEnum):
    """What a text turned out to be."""

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

#: What each text does by itself; with an order waiting it ends the order first.
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
    # Only a yes is a yes: any other answer ends the order and says so.
    **{event: Move(_S.IDLE, ("decline", act)) for event, act in _PLAIN.items()},
}

_LAPSED: dict[DialogueEvent, Row[DialogueState]] = {
    **_IDLE,
    _E.YES: Move(_S.OFFERED, ("offer_again",)),
}


def _left(rows: dict[DialogueEvent, Row[DialogueState]]) -> dict[DialogueEvent, Row[DialogueState]]:
    """The rows of a state that any of these texts leaves for the idle one."""
    return {
        event: Move(_S.IDLE, row.acts) if isinstance(row, Stay) else row
        for event, row in rows.items()
    }


#: A number answers the question; any other text leaves it and is taken as if nothing was asked.
_WHICH_PROVINCE: dict[DialogueEvent, Row[DialogueState]] = {
    **_left(_IDLE),
    _E.ITEM: Move(_S.OFFERED, ("province", "offer")),
}

_LISTED: dict[DialogueEvent, Row[DialogueState]] = {
    **_left(_IDLE),
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
