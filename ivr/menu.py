"""What each key means on each page; the words of the menu follow from it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ivr.call_context import CallContext
from receipts.model.vocabulary import DisplayMode, Language
from receipts.rulebook.normalise import normalise
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CallEvent, CallState
from statemachines.subscription import SubscriptionState

_S, _E = SubscriptionState, CallEvent

#: Keys of the main menu, by how the customer stands, each with the sentence that offers it.
_OPTIONS: dict[SubscriptionState, tuple[tuple[str, CallEvent, str], ...]] = {
    _S.NONE: (("1", _E.OPEN, "open"), ("3", _E.ASK, "ask"), ("4", _E.RECEIPTS, "receipts")),
    _S.PENDING: (("1", _E.OPEN, "open"), ("2", _E.CANCEL, "drop"), ("3", _E.ASK, "ask")),
    _S.ACTIVE: (
        ("1", _E.CANCEL, "cancel"),
        ("2", _E.ORDINARY, "ordinary"),
        ("3", _E.ASK, "ask"),
        ("4", _E.RECEIPTS, "receipts"),
        ("5", _E.MESSAGES, "messages"),
    ),
    _S.ENDING: (
        ("1", _E.OPEN, "keep"),
        ("2", _E.ORDINARY, "ordinary"),
        ("3", _E.ASK, "ask"),
        ("4", _E.RECEIPTS, "receipts"),
        ("5", _E.MESSAGES, "messages"),
    ),
    _S.SUSPENDED: (
        ("1", _E.CANCEL, "cancel"),
        ("3", _E.ASK, "ask"),
        ("4", _E.RECEIPTS, "receipts"),
        ("5", _E.MESSAGES, "messages"),
    ),
}

#: The same on every page.
_ALWAYS = {"0": _E.AGENT, "*": _E.BACK, "#": _E.AGAIN}

_YES_NO = {"1": _E.YES, "2": _E.NO}

_PAGES: dict[CallState, dict[str, CallEvent]] = {
    CallState.LANGUAGE: {"1": _E.CHINESE, "2": _E.ENGLISH},
    CallState.WHICH_PROVINCE: {str(key): _E.PROVINCE for key in range(1, 10)},
    CallState.MESSAGES: {
        "1": _E.NEWS,
        "2": _E.PUBLIC_INTEREST,
        "3": _E.ADVERTISING,
        "4": _E.NO_MESSAGES,
    },
    CallState.OFFER: _YES_NO,
    CallState.CANCELLING: _YES_NO,
    CallState.OVER: {},
}


def options(context: CallContext) -> tuple[tuple[str, CallEvent, str], ...]:
    """The main menu's keys here, each with its meaning and its sentence."""
    listed = _OPTIONS[context.customer]
    if context.mode is DisplayMode.TEXT:
        listed = tuple(
            (key, _E.FLASH, "flash") if event is _E.ORDINARY else (key, event, name)
            for key, event, name in listed
        )
    return (*listed, ("9", _E.LANGUAGES, "languages"))


def keys(context: CallContext) -> dict[str, CallEvent]:
    """What each key means here."""
    page = _PAGES.get(context.at)
    if page is None:
        page = {key: event for key, event, _ in options(context)}
    return page | _ALWAYS


#: What a yes confirms, on the pages that ask for one.
_CONFIRMED = {CallState.OFFER: CallEvent.OPEN, CallState.CANCELLING: CallEvent.CANCEL}

_LATIN = re.compile("[a-z]+")


@dataclass(frozen=True, slots=True)
class _Speech:
    """Some words heard: Latin ones stand apart; Chinese ones have no spaces between them."""

    latin: frozenset[str]
    rest: str

    @classmethod
    def of(cls, text: str) -> Self:
        latin = (normalise(part) for part in _LATIN.findall(re.sub("['’]", "", text.casefold())))
        return cls(frozenset(latin), _LATIN.sub("", normalise(text)))

    def has(self, word: str) -> bool:
        """Whether a folded word was among them."""
        return word in self.latin if word.isascii() else word in self.rest

    def is_made_of(self, words: Iterable[str]) -> bool:
        """Whether nothing was said but these."""
        known = sorted(words, key=len, reverse=True)
        rest = re.fullmatch(f"(?:{'|'.join(map(re.escape, known))})*", self.rest)
        return rest is not None and self.latin <= set(known)


class SpeechMatcher:
    """Spoken words to the key they stand for. The longest word heard wins; only yes is a yes."""

    def __init__(self, prompts: Catalogue) -> None:
        self._words: dict[str, tuple[str, ...]] = {}
        self._hints: dict[tuple[str, Language], tuple[str, ...]] = {}
        for key in prompts.keys():  # noqa: SIM118 - a catalogue is no mapping
            head, _, event = key.partition(".")
            for language in Language if head == "speech" else ():
                text = tuple(prompts.render(key, language).split("|"))
                self._hints[event, language] = text
                self._words[event] = self._words.get(event, ()) + tuple(normalise(w) for w in text)

    def hints(self, context: CallContext) -> tuple[str, ...]:
        """The words worth listening for on this page, in its language."""
        events = keys(context).values()
        text = (w for event in events for w in self._hints.get((event, context.language), ()))
        return tuple(dict.fromkeys(text))

    def match(self, context: CallContext, speech: str) -> CallEvent:
        """What the caller meant by some words, among what this page offers; WRONG if nothing."""
        speech_words = _Speech.of(speech)
        fitting = {
            event: max(map(len, found))
            for event in keys(context).values()
            if (found := [word for word in self._words.get(event, ()) if speech_words.has(word)])
        }
        if _E.YES in fitting and not self._only_yes(context, speech_words):
            del fitting[_E.YES]
        return max(fitting, key=fitting.__getitem__, default=_E.WRONG)

    def _only_yes(self, context: CallContext, speech_words: _Speech) -> bool:
        """Whether a yes is nothing but that: 这是什么 asks a question, with a 是 in it."""
        around = (_E.YES, _CONFIRMED.get(context.at, _E.YES), "beside_yes")
        return speech_words.is_made_of(word for name in around for word in self._words[name])
