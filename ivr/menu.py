"""DTMF keys of each menu."""

from itertools import chain
from operator import itemgetter

from ivr.call_context import CallContext
from receipts.model.vocabulary import DisplayMode, Language
from receipts.subscriptions.passwords.rules import PASSWORD_DIGITS
from statemachines.call_menu import CallEvent, CallState
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent, SubscriptionState

_S, _E = SubscriptionState, CallEvent

#: A menu option: DTMF key, event, and the name of its prompt.
MenuOption = tuple[str, CallEvent, str]

_OPEN, _KEEP = ("1", _E.OPEN, "open"), ("1", _E.OPEN, "keep")
_CANCEL, _DROP = ("2", _E.CANCEL, "cancel"), ("2", _E.CANCEL, "drop")
_ASK, _RECEIPTS = ("3", _E.ASK, "ask"), ("4", _E.RECEIPTS, "receipts")
_MESSAGES = ("5", _E.MESSAGES, "messages")
_MODE = {
    DisplayMode.FLASH: ("6", _E.ORDINARY, "ordinary"),
    DisplayMode.TEXT: ("6", _E.FLASH, "flash"),
}
_OTHER_LANGUAGE = {
    Language.ZH: ("9", _E.ENGLISH, "languages"),
    Language.EN: ("9", _E.CHINESE, "languages"),
}

#: Options of the main menu by subscription state. A key has the same meaning in every state.
_OPTIONS: dict[SubscriptionState, tuple[MenuOption, ...]] = {
    _S.NONE: (_OPEN, _ASK, _RECEIPTS),
    _S.PENDING: (_OPEN, _DROP, _ASK),
    _S.ACTIVE: (_CANCEL, _ASK, _RECEIPTS, _MESSAGES),
    _S.ENDING: (_KEEP, _ASK, _RECEIPTS, _MESSAGES),
    _S.SUSPENDED: (_CANCEL, _ASK, _RECEIPTS, _MESSAGES),
}

#: States in which the way that receipts appear can be switched.
_CAN_SWITCH = frozenset(
    state for state in _S if SUBSCRIPTION.fire(state, SubscriptionEvent.SET_MODE).reason is None
)

#: Keys of every menu.
_COMMON_KEYS = {"0": _E.AGENT, "*": _E.BACK, "#": _E.AGAIN}

_YES_NO = {"1": _E.YES, "2": _E.NO}
_CATEGORIES = (_E.NEWS, _E.PUBLIC_INTEREST, _E.ADVERTISING, _E.NO_MESSAGES)

#: Digits that a state asks for, by keys only: speech may be overheard.
DIGIT_STATES = {
    CallState.PASSWORD: PASSWORD_DIGITS,
    CallState.NUMBER: 11,
    CallState.NUMBER_PASSWORD: PASSWORD_DIGITS,
}

_KEYS: dict[CallState, dict[str, CallEvent]] = {
    CallState.LANGUAGE: {"1": _E.CHINESE, "2": _E.ENGLISH},
    CallState.WHICH_PROVINCE: {str(key): _E.PROVINCE for key in range(1, 9)},
    CallState.MESSAGES: {str(key): event for key, event in enumerate(_CATEGORIES, start=1)},
    CallState.OFFER: _YES_NO,
    CallState.CANCELLING: _YES_NO,
    CallState.OVER: {},
}


def options(context: CallContext) -> tuple[MenuOption, ...]:
    """The options of the main menu for this caller."""
    switch = (_MODE[context.mode],) if context.customer in _CAN_SWITCH else ()
    return (*_OPTIONS[context.customer], *switch, other_language(context))


def other_language(context: CallContext) -> MenuOption:
    """The option that goes on in the other language."""
    return _OTHER_LANGUAGE[context.language]


def keys(context: CallContext) -> dict[str, CallEvent]:
    """The event of each DTMF key of this menu."""
    menu = _KEYS.get(context.state)
    if context.state in DIGIT_STATES:
        return _COMMON_KEYS
    if menu is None:
        menu = {key: event for key, event, _ in options(context)}
    elif context.state is not CallState.LANGUAGE:
        key, event, _ = other_language(context)
        menu = {key: event} | menu
    return menu | _COMMON_KEYS


def main_menu_keys(*, with_agent: bool) -> dict[str, tuple[str, ...]]:
    """The options of each key of the main menu in any state, by name, for a page of help."""
    offered = (*chain(*_OPTIONS.values()), *_MODE.values(), _OTHER_LANGUAGE[Language.ZH])
    names: dict[str, dict[str, None]] = {}
    for key, _, name in sorted(offered, key=itemgetter(0)):
        names.setdefault(key, {})[name] = None
    common = {key: (event.value,) for key, event in _COMMON_KEYS.items()}
    if not with_agent:
        del common["0"]
    return {key: tuple(listed) for key, listed in names.items()} | common
