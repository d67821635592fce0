"""DTMF keys and speech hints of each menu."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ivr.call_context import CallContext
from receipts.model.vocabulary import DisplayMode, Language
from receipts.rulebook.normalise import normalise
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CallEvent, CallState
from statemachines.subscription import RECEIVING, SubscriptionState

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

#: Keys of every menu.
_COMMON_KEYS = {"0": _E.AGENT, "*": _E.BACK, "#": _E.AGAIN}

_YES_NO = {"1": _E.YES, "2": _E.NO}
_CATEGORIES = (_E.NEWS, _E.PUBLIC_INTEREST, _E.ADVERTISING, _E.NO_MESSAGES)

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
    switch = (_MODE[context.mode],) if context.customer in RECEIVING else ()
    return (*_OPTIONS[context.customer], *switch, other_language(context))


def other_language(context: CallContext) -> MenuOption:
    """The option that goes on in the other language."""
    return _OTHER_LANGUAGE[context.language]


def keys(context: CallContext) -> dict[str, CallEvent]:
    """The event of each DTMF key of this menu."""
    menu = _KEYS.get(context.state)
    if menu is None:
        menu = {key: event for key, event, _ in options(context)}
    elif context.state is not CallState.LANGUAGE:
        key, event, _ = other_language(context)
        menu = {key: event} | menu
    return menu | _COMMON_KEYS


#: The event that a yes confirms, by state.
_CONFIRMED = {CallState.OFFER: CallEvent.OPEN, CallState.CANCELLING: CallEvent.CANCEL}

_LATIN = re.compile("[a-z]+")


@dataclass(frozen=True, slots=True)
class _Transcript:
    """Recognised speech: separate Latin words, and Chinese, which has no spaces between words."""

    latin: frozenset[str]
    chinese: str

    @classmethod
    def of(cls, text: str) -> Self:
        latin = (normalise(part) for part in _LATIN.findall(re.sub("['’]", "", text.casefold())))
        return cls(frozenset(latin), _LATIN.sub("", normalise(text)))

    def has(self, word: str) -> bool:
        """Whether the transcript contains a normalised word."""
        return word in self.latin if word.isascii() else word in self.chinese

    def consists_of(self, words: Iterable[str]) -> bool:
        """Whether the transcript has no other words than these."""
        known = sorted(words, key=len, reverse=True)
        pattern = f"(?:{'|'.join(map(re.escape, known))})*"
        return bool(re.fullmatch(pattern, self.chinese)) and self.latin <= set(known)


class SpeechMatcher:
    """Match speech to the events of a menu: the longest word wins, and a yes stands alone."""

    def __init__(self, prompts: Catalogue) -> None:
        self._words: dict[str, tuple[str, ...]] = {}
        self._hints: dict[tuple[str, Language], tuple[str, ...]] = {}
        for key in prompts.keys():  # noqa: SIM118 - a catalogue is no mapping
            head, _, event = key.partition(".")
            for language in Language if head == "speech" else ():
                hints = tuple(prompts.render(key, language).split("|"))
                self._hints[event, language] = hints
                self._words[event] = self._words.get(event, ()) + tuple(map(normalise, hints))

    def hints(self, context: CallContext) -> tuple[str, ...]:
        """The speech hints of this menu in the caller's language."""
        events = keys(context).values()
        hints = (w for event in events for w in self._hints.get((event, context.language), ()))
        return tuple(dict.fromkeys(hints))

    def _words_of(self, context: CallContext, event: CallEvent) -> tuple[str, ...]:
        words = self._words.get(event, ())
        other = context.state is not CallState.LANGUAGE and event is other_language(context)[1]
        return words + self._words["languages"] if other else words

    def match(self, context: CallContext, speech: str) -> CallEvent:
        """The event of this menu that the speech selects, WRONG if it selects none."""
        transcript = _Transcript.of(speech)
        matches = {
            event: max(map(len, found))
            for event in keys(context).values()
            if (found := [word for word in self._words_of(context, event) if transcript.has(word)])
        }
        if _E.YES in matches and not self._is_plain_yes(context, transcript):
            del matches[_E.YES]
        return max(matches, key=matches.__getitem__, default=_E.WRONG)

    def _is_plain_yes(self, context: CallContext, transcript: _Transcript) -> bool:
        """Whether the speech is a yes alone: the question 这是什么 contains 是, too."""
        allowed = (_E.YES, _CONFIRMED.get(context.state, _E.YES), "beside_yes")
        return transcript.consists_of(word for name in allowed for word in self._words[name])
