"""State table of a text conversation with the short code."""

from enum import StrEnum

from statemachines.engine import Move, Row, Stay, Table, refuse


class DialogueState(StrEnum):
    """The question that the next text may answer."""

    IDLE = "idle"
    OFFERED = "offered"
    LAPSED = "lapsed"
    WHICH_PROVINCE = "which_province"
    LISTED = "listed"
    LEAVING = "leaving"
    STOPPING = "stopping"


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
    AGREE = "agree"
    MAYBE_AGREE = "maybe_agree"
    LEAVE = "leave"
    STOP = "stop"
    KEEP = "keep"
    OTHER_SERVICE = "other_service"
    ELSEWHERE = "elsewhere"
    NEAR = "near"
    ITEM = "item"
    UNKNOWN = "unknown"


_S, _E = DialogueState, DialogueEvent

#: Actions of texts that answer no question. A pending order is declined first.
_PLAIN = {
    event: event.value
    for event in _E
    if event not in {_E.OPEN, _E.CANCEL, _E.YES, _E.NO, _E.AGREE, _E.MAYBE_AGREE, _E.ITEM}
    and event not in {_E.LEAVE, _E.STOP}
}

_IDLE: dict[DialogueEvent, Row[DialogueState]] = {
    _E.OPEN: Move(_S.OFFERED, ("offer",)),
    _E.CANCEL: Stay(("cancel",)),
    # Words that may mean a cancel get one question; without a subscription, its state.
    _E.LEAVE: Move(_S.LEAVING, ("ask_cancel",)),
    # A short cancel soon after an advertisement may be meant for the advertisements.
    _E.STOP: Move(_S.STOPPING, ("ask_stop",)),
    # An answer without a question is answered with the state of the subscription.
    _E.YES: Stay(("yes_unasked",)),
    _E.AGREE: Stay(("yes_unasked",)),
    _E.NO: Stay(("no_unasked",)),
    _E.MAYBE_AGREE: Stay(("unknown",)),
    **refuse("nothing_waits", _E.ITEM),
    **{event: Stay((act,)) for event, act in _PLAIN.items()},
}

#: The rows of IDLE, but those that stay move to IDLE, with the same actions.
_TO_IDLE: dict[DialogueEvent, Row[DialogueState]] = {
    event: Move(_S.IDLE, row.acts) if isinstance(row, Stay) else row for event, row in _IDLE.items()
}

_ROWS: dict[DialogueState, dict[DialogueEvent, Row[DialogueState]]] = {
    _S.IDLE: _IDLE,
    _S.OFFERED: {
        # Any answer except yes declines the order, and the reply says so.
        **{event: Move(_S.IDLE, ("decline", act)) for event, act in _PLAIN.items()},
        _E.OPEN: Stay(("offer",)),
        _E.CANCEL: Move(_S.IDLE, ("cancel",)),
        _E.YES: Move(_S.IDLE, ("confirm",)),
        _E.NO: Move(_S.IDLE, ("decline",)),
        **dict.fromkeys((_E.LEAVE, _E.STOP), Move(_S.IDLE, ("decline",))),
        _E.ITEM: Move(_S.IDLE, ("decline", "unknown")),
        # Nearly a yes: a paid order is confirmed by the word alone, so ask for it.
        **dict.fromkeys((_E.AGREE, _E.MAYBE_AGREE, _E.KEEP), Stay(("confirm_again",))),
    },
    _S.LAPSED: {
        **_IDLE,
        **dict.fromkeys((_E.YES, _E.AGREE), Move(_S.OFFERED, ("offer_again",))),
    },
    # A list number answers the question; any other text drops it and has its usual effect.
    _S.WHICH_PROVINCE: {**_TO_IDLE, _E.ITEM: Move(_S.OFFERED, ("province", "offer"))},
    _S.LISTED: {**_TO_IDLE, _E.ITEM: Move(_S.IDLE, ("cancel",)), _E.NO: Move(_S.IDLE, ("keep",))},
    # A cancel costs nothing and can be taken back, so any clear yes does it.
    _S.LEAVING: {
        **_TO_IDLE,
        **dict.fromkeys(
            (_E.YES, _E.AGREE, _E.CANCEL, _E.STOP, _E.ITEM), Move(_S.IDLE, ("cancel",))
        ),
        **dict.fromkeys((_E.NO, _E.KEEP), Move(_S.IDLE, ("keep",))),
        **dict.fromkeys((_E.LEAVE, _E.MAYBE_AGREE), Stay(("ask_cancel",))),
    },
    # 1 is the item that cancels, 2 ends the advertisements; a bare yes names neither.
    _S.STOPPING: {
        **_TO_IDLE,
        _E.ITEM: Move(_S.IDLE, ("cancel",)),
        **dict.fromkeys((_E.NO, _E.KEEP), Move(_S.IDLE, ("keep",))),
        **dict.fromkeys((_E.STOP, _E.YES, _E.AGREE, _E.MAYBE_AGREE), Stay(("ask_stop",))),
    },
}

KEYWORD_DIALOGUE = Table("keyword_dialogue", _S, _E, _ROWS, start=_S.IDLE)
