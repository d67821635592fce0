"""Speech to the events of a menu: spoken keys, wishes in own words, and words of the options."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ivr.call_context import CallContext
from ivr.menu import keys, other_language
from receipts.model.vocabulary import Language
from receipts.rulebook.normalise import normalise
from receipts.rulebook.province_names import spoken_province
from receipts.rulebook.schema import RuleBook
from receipts.rulebook.wishes import Wish, WishMatcher
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CallEvent, CallState

_E = CallEvent

_LATIN = re.compile("[a-z]+")

#: Spoken keys. 两 and 幺 are how Mandarin says 2 and 1 in numbers.
_KEYS = {name: key for key, names in {
    "0": "0零〇", "1": "1一幺", "2": "2二两", "3": "3三", "4": "4四",
    "5": "5五", "6": "6六", "7": "7七", "8": "8八", "9": "9九",
}.items() for name in names} | {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "星号": "*", "井号": "#", "star": "*",
    "pound": "#", "hash": "#",
}  # fmt: skip
_KEY = "|".join(sorted(_KEYS, key=len, reverse=True))
_ALONE = re.compile(
    rf"(?:请|我|要|想|选择|选|按|摁|拨|第|数字)*(?P<zh>{_KEY})(?:号键|按键|号|键|吧|谢谢)*"
    rf"|(?:(?:please|i|press|push|hit|choose|select|key|number|option|button|the) )*(?P<en>{_KEY})"
    r"(?: (?:please|key|button))*"
)
#: "To cancel, press 2", 取消请按 2: the key at the end of an option as we speak it.
_PRESSED = re.compile(rf"(?:按|press) ?(?P<key>{_KEY})(?:键|号键)?(?![a-z])")
_NOT_PRESSED = re.compile(r"(?:不|别|勿|莫|要按|dont|not|never) ?(?:请|要)?(?:按|press)")

#: The event that a yes confirms, by state.
_CONFIRMED = {CallState.OFFER: CallEvent.OPEN, CallState.CANCELLING: CallEvent.CANCEL}

#: Events of the answers to "do you want to cancel", in the caller's own words.
_CANCELLING = {
    Wish.CANCEL: _E.YES,
    Wish.AGREE: _E.YES,
    Wish.KEEP: _E.NO,
    Wish.DECLINE: _E.NO,
    Wish.MAYBE_CANCEL: _E.WRONG,
    Wish.MAYBE_AGREE: _E.WRONG,
}

#: Events of wishes at the main menu; each leads to a page or a sentence that changes nothing.
_MENU = {
    Wish.CANCEL: _E.CANCEL,
    Wish.MAYBE_CANCEL: _E.CANCEL,
    Wish.KEEP: _E.WRONG,
    Wish.OTHER_SERVICE: _E.WRONG,
    Wish.NO_EXTRAS: _E.MESSAGES,
    Wish.CHARGES: _E.ASK,
}

#: The option of a menu whose words may be a refusal: 都不要, 不再办理.
_NEGATIVE = {CallState.MESSAGES: _E.NO_MESSAGES, CallState.MENU: _E.CANCEL}

#: Heard at the main menu also where the key is not offered: the answer says how it is.
_ALWAYS_HEARD = (_E.FLASH, _E.ORDINARY)


def spoken_key(speech: str) -> str:
    """The key that speech names, alone or at the end of an option; empty if none or several."""
    words = re.sub("['’]", "", speech.casefold())
    text = " ".join(re.findall(r"[a-z]+|[0-9]+|[^\W\d_]", words))
    chinese = text if text.isascii() else text.replace(" ", "")
    if alone := _ALONE.fullmatch(text) or _ALONE.fullmatch(chinese):
        return _KEYS[alone["zh"] or alone["en"]]
    pressed = {_KEYS[found["key"]] for found in _PRESSED.finditer(chinese)}
    return pressed.pop() if len(pressed) == 1 and not _NOT_PRESSED.search(chinese) else ""


@dataclass(frozen=True, slots=True)
class _Transcript:
    """Recognised speech: Latin words between blanks, and Chinese, which has none."""

    latin: str
    chinese: str

    @classmethod
    def of(cls, text: str) -> Self:
        latin = _LATIN.findall(re.sub("['’]", "", text.casefold()))
        return cls(f" {' '.join(latin)} ", _LATIN.sub("", normalise(text)))

    def has(self, word: str) -> bool:
        """Whether the transcript contains these words."""
        return f" {word} " in self.latin if word.isascii() else word in self.chinese

    def consists_of(self, words: Iterable[str]) -> bool:
        """Whether the transcript has no other words than these."""
        known = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        plain = re.fullmatch(f"(?:(?:{known})(?: |$))*", self.latin.strip())
        return plain is not None and re.fullmatch(f"(?:{known})*", self.chinese) is not None


class SpeechMatcher:
    """Match speech to the events of a menu. A refusal is looked for before every option."""

    def __init__(self, prompts: Catalogue, book: RuleBook) -> None:
        self._book, self._wishes = book, WishMatcher(book)
        self._words: dict[str, tuple[str, ...]] = {}
        self._hints: dict[tuple[str, Language], tuple[str, ...]] = {}
        for key in prompts:
            head, _, event = key.partition(".")
            for language in Language if head == "speech" else ():
                hints = tuple(prompts.render(key, language).split("|"))
                self._hints[event, language] = hints
                self._words[event] = self._words.get(event, ()) + tuple(map(_folded, hints))

    def hints(self, context: CallContext) -> tuple[str, ...]:
        """The speech hints of this menu in the caller's language."""
        events = keys(context).values()
        hints = [w for event in events for w in self._hints.get((event, context.language), ())]
        if context.state is CallState.WHICH_PROVINCE:
            provinces = self._book.provinces.values()
            hints += [province.names.in_(context.language) for province in provinces]
        return tuple(dict.fromkeys(hints))

    def match(self, context: CallContext, speech: str) -> CallEvent:
        """The event of this menu that the speech selects, WRONG if it selects none."""
        transcript = _Transcript.of(speech)
        if (event := self._own_words(context, speech, transcript)) is not None:
            return event
        if context.state is CallState.OFFER:
            return self._answer_to_offer(context, transcript)
        if self._is_negated(transcript):
            negative = _NEGATIVE.get(context.state, _E.NO)
            return negative if self._is_alone(negative, context, transcript) else _E.WRONG
        if context.state is CallState.WHICH_PROVINCE and spoken_province(self._book, speech):
            return _E.PROVINCE
        return self._option(context, transcript)

    def _own_words(
        self, context: CallContext, speech: str, transcript: _Transcript
    ) -> CallEvent | None:
        """The event of a wish that the rule book's phrases find; None where they find none."""
        events = {CallState.CANCELLING: _CANCELLING, CallState.MENU: _MENU}.get(context.state)
        if events is None:
            return None
        if context.state is CallState.CANCELLING and self._is_alone(_E.NO, context, transcript):
            return _E.NO
        wish = self._wishes.match(speech, context.province or None)
        event = events.get(wish) if wish is not None else None
        if event is _E.CANCEL and event not in keys(context).values():
            return _E.WRONG
        return event

    def _answer_to_offer(self, context: CallContext, transcript: _Transcript) -> CallEvent:
        """A yes may cost money: it counts alone, beside the words of what is confirmed."""
        if self._is_negated(transcript):
            return _E.NO if any(map(transcript.has, self._words[_E.NO])) else _E.WRONG
        allowed = (_E.YES, _CONFIRMED[context.state], "beside_yes")
        said_yes = any(map(transcript.has, self._words[_E.YES]))
        if said_yes and transcript.consists_of(w for name in allowed for w in self._words[name]):
            return _E.YES
        event = self._option(context, transcript)
        return _E.WRONG if event is _E.YES else event

    def _is_negated(self, transcript: _Transcript) -> bool:
        """Whether the speech has a word of negation, apart from words that only look like one."""
        chinese = transcript.chinese
        for word in self._words["no_negation"]:
            chinese = chinese.replace(word, "")
        bare = _Transcript(transcript.latin, chinese)
        return any(map(bare.has, self._words["negation"]))

    def _is_alone(self, event: str, context: CallContext, transcript: _Transcript) -> bool:
        """Whether an event is said with nothing beside it but polite words."""
        words = self._words_of(context, event)
        allowed = (*words, *self._words["beside_yes"])
        return any(map(transcript.has, words)) and transcript.consists_of(allowed)

    def _option(self, context: CallContext, transcript: _Transcript) -> CallEvent:
        """The option with the longest of its words in the speech."""
        offered = [*keys(context).values()]
        offered += _ALWAYS_HEARD if context.state is CallState.MENU else ()
        matches = {
            event: max(map(len, found))
            for event in offered
            if (found := [w for w in self._words_of(context, event) if transcript.has(w)])
        }
        return max(matches, key=matches.__getitem__, default=_E.WRONG)

    def _words_of(self, context: CallContext, event: str) -> tuple[str, ...]:
        words = self._words.get(event, ())
        if event == _E.NO and context.state is CallState.CANCELLING:
            words += self._words["keep"]
        other = context.state is not CallState.LANGUAGE and event is other_language(context)[1]
        return words + self._words["languages"] if other else words


def _folded(word: str) -> str:
    """A word as transcripts have it: Latin words keep the blanks between them."""
    latin = _LATIN.findall(word.replace("'", "").casefold())
    return " ".join(latin) if word.isascii() else normalise(word)
