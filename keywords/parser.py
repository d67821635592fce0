"""Keyword parser: a text and the sender's province to an intent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import cache

import msgspec
from msgspec import Struct

from keywords.signatures import is_device, is_name, without_signature
from keywords.suggestions import KnownKeyword, Suggester, language_of
from receipts.model.vocabulary import Intent, Language
from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import RuleBook
from receipts.rulebook.wishes import Wish, WishMatcher, is_question
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION

# Longer than any text that a phone sends; not parsed.
_MAX_LENGTH = 2000
# Words of a known sentence that make it English; "ok" alone is texted in Chinese, too.
_MIN_ENGLISH_WORDS = 2
# Shorter words among polite phrases get no suggestion.
_MIN_SUGGESTED = 2
# Share of equal characters from which on a text counts as like a keyword.
_LEAST_LIKENESS = 0.6
# Intents whose Chinese keyword is taught to readers of Chinese: 是 rather than Y.
_TAUGHT_IN_CHINESE = frozenset({Intent.YES, Intent.NO, Intent.HELP, Intent.CHINESE, Intent.ENGLISH})


class ParsedMessage(Struct, frozen=True):
    """The intent of a text; without one, its wish or keywords to suggest.

    ``language`` is None for code words. ``elsewhere`` is the sender's own keyword for one that is
    valid only in another province.
    """

    intent: Intent | None
    near: tuple[str, ...] = ()
    language: Language | None = None
    elsewhere: str | None = None
    wish: Wish | None = None

    @property
    def reply_language(self) -> Language | None:
        """The language of the text; a keyword that selects a language counts as that language."""
        if self.intent is None:
            return self.language
        return LANGUAGE_BY_ACTION.get(self.intent.value, self.language)


_UNKNOWN = ParsedMessage(None)

#: Wishes about a part of the service. One that only asks how gets the keyword.
_PARTS = {
    Wish.ORDINARY: Intent.ORDINARY,
    Wish.FLASH: Intent.FLASH,
    Wish.CHINESE: Intent.CHINESE,
    Wish.ENGLISH: Intent.ENGLISH,
}
#: Wishes that are as clear as a keyword.
_INTENT_BY_WISH = {
    Wish.CANCEL: Intent.CANCEL,
    Wish.NO_EXTRAS: Intent.NO_MESSAGES,
    Wish.CHARGES: Intent.CHARGES,
    Wish.DECLINE: Intent.NO,
} | _PARTS
#: Intents that polite phrases leave to the wishes, which are stricter about them.
_BY_SENTENCE = frozenset({Intent.CANCEL, Intent.YES, Intent.NO})
#: Wishes of a keyword that is not sure: with a question mark, or a yes in a sentence.
_UNSURE = {Intent.CANCEL: Wish.MAYBE_CANCEL, Intent.YES: Wish.MAYBE_AGREE}

#: Meanings of normalised texts, and suggestions for the others.
_Vocabulary = tuple[dict[str, ParsedMessage], Suggester]


class KeywordParser:
    """Parser for the keywords of a rule book, one dictionary look-up for a known keyword."""

    def __init__(self, book: RuleBook) -> None:
        self._keywords = tuple(_keywords(book))
        self._wishes = WishMatcher(book)
        # Many keywords of a vocabulary have the same one to teach.
        self._keyword_to_teach = cache(self.keyword_for)
        self._vocabularies = {code: self._vocabulary(code) for code in (None, *book.provinces)}

    def parse(self, text: str, province: str | None) -> ParsedMessage:
        """The intent of a text from a province; outside covered ones, of unambiguous keywords."""
        if len(text) > _MAX_LENGTH:
            return _UNKNOWN
        parsed, suggester = self._vocabularies.get(province) or self._vocabularies[None]
        folded = normalise(text)
        if keyword := parsed.get(folded):
            return _unless_asked(keyword, text)
        core = without_signature(text, lambda rest: self._is_signature(rest, province))
        if keyword := parsed.get(normalise(core)):
            return _unless_asked(keyword, text)
        if sentence := self._sentence(core, province):
            return sentence
        found = _suggest(suggester, text, folded)
        plain = normalise(self._wishes.core(text, province))
        if found.near or len(plain) < _MIN_SUGGESTED:
            return found
        return msgspec.structs.replace(found, near=_suggest(suggester, plain, plain).near)

    def nearest(self, text: str) -> tuple[Intent, str] | None:
        """The intent of the keyword most like a text that is none, and that keyword."""
        parsed, _ = self._vocabularies[None]
        alike = get_close_matches(normalise(text), parsed, 1, _LEAST_LIKENESS)
        for keyword in self.parse(text, None).near or alike:
            if (known := parsed.get(normalise(keyword))) and known.intent:
                return known.intent, keyword
        return None

    def _sentence(self, text: str, province: str | None) -> ParsedMessage | None:
        """A keyword among polite phrases, or a wish; None if the text has neither."""
        parsed, _ = self._vocabularies.get(province) or self._vocabularies[None]
        keyword = parsed.get(normalise(self._wishes.core(text, province)))
        if keyword is not None and keyword.intent not in _BY_SENTENCE:
            return _unless_asked(keyword, text)
        wish = self._wishes.match(text, province)
        if wish is None:
            return None
        intent = _INTENT_BY_WISH.get(wish)
        language = language_of(text, _MIN_ENGLISH_WORDS)
        if wish in _PARTS and self._wishes.asks_how(text, province):
            return ParsedMessage(None, (self.keyword_for(province, _PARTS[wish]),), language)
        return ParsedMessage(intent, language=language, wish=None if intent else wish)

    def _is_signature(self, text: str, province: str | None) -> bool:
        """Whether a text beside a keyword is a name, and neither a keyword nor a doubt."""
        parsed, _ = self._vocabularies.get(province) or self._vocabularies[None]
        if is_device(text):
            return True
        if normalise(text) in parsed or not self._wishes.is_neutral(text, province):
            return False
        parts = list(filter(None, re.split(r"[\r\n,，]+|\s+(?=\+?\d)", text)))
        # Beside a word on the same line, a polite phrase is more than a signature: "yes please".
        polite = "\n" in text
        return all(is_name(p) or (polite and not self._wishes.core(p, province)) for p in parts)

    def keyword_for(
        self, province: str | None, intent: Intent, language: Language | None = None
    ) -> str:
        """The keyword to teach for an intent; empty when the rule book has none."""
        preferred = language if intent in _TAUGHT_IN_CHINESE and language is Language.ZH else None
        best = min(
            (k for k in self._keywords if k.intent is intent and k.province in {province, None}),
            key=lambda keyword: (
                keyword.province is None,
                not keyword.taught,
                keyword.language is not preferred,
                keyword.language not in {language, None},
            ),
            default=None,
        )
        return best.spelling if best else ""

    def _vocabulary(self, province: str | None) -> _Vocabulary:
        valid = {each.folded: each for each in self._valid_in(province)}
        parsed = {
            folded: ParsedMessage(each.intent, language=each.language)
            for folded, each in valid.items()
        }
        candidates = []
        for each in valid.values():
            own = self._keyword_to_teach(province, each.intent, each.language)
            candidates.append(each if each.taught else replace(each, spelling=own))
        for each in self._keywords if province is not None else ():
            if each.folded not in valid:
                own = self._keyword_to_teach(province, each.intent, each.language)
                near = (own,) if own else ()
                hint = ParsedMessage(None, near, each.language, own or None)
                parsed.setdefault(each.folded, hint)
                candidates.append(replace(each, spelling=own))
        return parsed, Suggester(each for each in candidates if each.spelling)

    def _valid_in(self, province: str | None) -> Iterator[KnownKeyword]:
        """The keywords valid in a province; for None, those with one intent in all of them."""
        if province is not None:
            yield from (each for each in self._keywords if each.province in {None, province})
            return
        intents: dict[str, set[Intent]] = {}
        for each in self._keywords:
            intents.setdefault(each.folded, set()).add(each.intent)
        yield from (each for each in self._keywords if len(intents[each.folded]) == 1)


def _keywords(book: RuleBook) -> Iterator[KnownKeyword]:
    lists = (
        (book.words.code, None, None, True),
        (book.words.zh, Language.ZH, None, True),
        (book.words.en, Language.EN, None, True),
        (book.words.kept, Language.EN, None, False),
        *((each.words, None, code, True) for code, each in book.provinces.items()),
    )
    for listed, language, province, taught in lists:
        for intent, spellings in listed.items():
            for spelling in spellings:
                # Code words and a province's keywords are Chinese in Han characters alone.
                guess = Language.ZH if language_of(spelling) is Language.ZH else None
                yield KnownKeyword(
                    normalise(spelling), spelling, intent, language or guess, province, taught
                )


def _unless_asked(keyword: ParsedMessage, text: str) -> ParsedMessage:
    """The keyword; with a question mark, one that commits becomes an unsure wish."""
    wish = _UNSURE.get(keyword.intent) if keyword.intent else None
    if wish is None or not is_question(text):
        return keyword
    return ParsedMessage(None, language=keyword.language, wish=wish)


def _suggest(suggester: Suggester, text: str, folded: str) -> ParsedMessage:
    """Keywords similar to a text without an intent, and its probable language."""
    found = suggester.near(text, folded)
    language = language_of(text) or next((each.language for each in found if each.language), None)
    near = tuple(dict.fromkeys(each.spelling for each in found))
    return ParsedMessage(None, near, language) if near or language else _UNKNOWN
