"""What each key means on each page; the words of the menu follow from it."""

from ivr.place import Place
from receipts.model import Language, Mode
from receipts.provinces import fold
from receipts.wording import Catalogue
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
    ),
    _S.ENDING: (
        ("1", _E.OPEN, "keep"),
        ("2", _E.ORDINARY, "ordinary"),
        ("3", _E.ASK, "ask"),
        ("4", _E.RECEIPTS, "receipts"),
    ),
    _S.SUSPENDED: (
        ("1", _E.CANCEL, "cancel"),
        ("3", _E.ASK, "ask"),
        ("4", _E.RECEIPTS, "receipts"),
    ),
}

#: The same on every page.
_ALWAYS = {"0": _E.AGENT, "*": _E.BACK, "#": _E.AGAIN}

_YES_NO = {"1": _E.YES, "2": _E.NO}

_PAGES: dict[CallState, dict[str, CallEvent]] = {
    CallState.LANGUAGE: {"1": _E.CHINESE, "2": _E.ENGLISH},
    CallState.WHICH_PROVINCE: {str(key): _E.PROVINCE for key in range(1, 9)},
    CallState.OFFER: _YES_NO,
    CallState.CANCELLING: _YES_NO,
    CallState.OVER: {},
}


def options(place: Place) -> tuple[tuple[str, CallEvent, str], ...]:
    """The main menu's keys here, each with its meaning and its sentence."""
    listed = _OPTIONS[place.customer]
    if place.mode is Mode.TEXT:
        listed = tuple(
            (key, _E.FLASH, "flash") if event is _E.ORDINARY else (key, event, name)
            for key, event, name in listed
        )
    return (*listed, ("9", _E.LANGUAGES, "languages"))


def keys(place: Place) -> dict[str, CallEvent]:
    """What each key means here."""
    page = _PAGES.get(place.at)
    if page is None:
        page = {key: event for key, event, _ in options(place)}
    return page | _ALWAYS


class Ear:
    """Spoken words to the key they stand for. The longest word heard wins: 不是 is no yes."""

    def __init__(self, prompts: Catalogue) -> None:
        self._words: dict[CallEvent, tuple[str, ...]] = {}
        self._hints: dict[tuple[CallEvent, Language], tuple[str, ...]] = {}
        for event in CallEvent:
            if f"speech.{event}" not in prompts.keys():  # noqa: SIM118 - a catalogue is no mapping
                continue
            for language in Language:
                said = tuple(prompts.say(f"speech.{event}", language).split("|"))
                self._hints[event, language] = said
                self._words[event] = self._words.get(event, ()) + tuple(fold(w) for w in said)

    def hints(self, place: Place) -> tuple[str, ...]:
        """The words worth listening for on this page, in both languages where one is chosen."""
        events = keys(place).values()
        said = (w for event in events for w in self._hints.get((event, place.language), ()))
        return tuple(dict.fromkeys(said))

    def meant(self, place: Place, speech: str) -> CallEvent:
        """What the caller meant by some words, among what this page offers; WRONG if nothing."""
        heard = fold(speech)
        fitting = [
            (len(word), event)
            for event in keys(place).values()
            for word in self._words.get(event, ())
            if word in heard
        ]
        return max(fitting, default=(0, CallEvent.WRONG), key=lambda found: found[0])[1]
