"""What a texter wants: a text read with the words of the texter's province."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from keywords.suggestions import Candidate, Suggester, language_of
from receipts.model.vocabulary import Intent, Language
from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import RuleBook

__all__ = ["KeywordParser", "ParsedMessage", "normalise"]

# Beyond what any phone sends as one text: not read at all.
_LONGEST = 2000
# A reader of Chinese is taught 是 rather than Y; all else is taught by its short code word.
_PLAIN = frozenset({Intent.YES, Intent.NO, Intent.HELP, Intent.CHINESE, Intent.ENGLISH})


class ParsedMessage(Struct, frozen=True):
    """What a text means. ``near`` are words to suggest, spelled as this province spells them.

    ``language`` is the one the words were in, None for code words; ``elsewhere`` is set when the
    word belongs to another province, to the right word in this one.
    """

    wish: Intent | None
    near: tuple[str, ...] = ()
    language: Language | None = None
    elsewhere: str | None = None


_NOTHING = ParsedMessage(None)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the book: where it is valid (None: everywhere) and whether replies may teach it."""

    folded: str
    spelling: str
    wish: Intent
    language: Language | None
    province: str | None
    taught: bool = True


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    readings: dict[str, ParsedMessage]
    suggester: Suggester


class KeywordParser:
    """The words of a rule book, prepared so that reading a known word is one look-up."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._words = tuple(_words(book))
        self._best: dict[tuple[str | None, Intent, Language | None], str] = {}
        self._vocabularies = {code: self._vocabulary(code) for code in (None, *book.provinces)}

    def read(self, text: str, province: str | None) -> ParsedMessage:
        """The reading of a text from a customer of that province; never raises.

        Without a covered province the words of all provinces count, where they agree.
        """
        if len(text) > _LONGEST:
            return _NOTHING
        known = self._vocabularies.get(province) or self._vocabularies[None]
        folded = normalise(text)
        return known.readings.get(folded) or _guess(known.suggester, text, folded)

    def words_for(
        self, province: str | None, intent: Intent, language: Language | None = None
    ) -> str:
        """The one word to teach for a wish; empty when the book has none."""
        own = province if province in self._book.provinces else None
        # Asked again and again, while vocabularies are made and by every answer that teaches.
        if (best := self._best.get((own, intent, language))) is None:
            best = self._best[own, intent, language] = self._taught(own, intent, language)
        return best

    def _taught(self, own: str | None, intent: Intent, language: Language | None) -> str:
        plain = Language.ZH if language is Language.ZH and intent in _PLAIN else None
        ranked = sorted(
            (word for word in self._words if word.wish is intent and word.province in {own, None}),
            key=lambda word: (
                word.province is None,
                not word.taught,
                word.language is not plain,
                word.language not in {language, None},
            ),
        )
        return ranked[0].spelling if ranked else ""

    def help_words(self, province: str | None, language: Language | None = None) -> dict[str, str]:
        """The word to teach for each wish, by the wish's name: facts for a help reply."""
        words = {intent.value: self.words_for(province, intent, language) for intent in Intent}
        return {name: keyword for name, keyword in words.items() if keyword}

    def _vocabulary(self, province: str | None) -> _Vocabulary:
        own = {keyword.folded: keyword for keyword in self._valid_in(province)}
        readings = {
            folded: ParsedMessage(keyword.wish, language=keyword.language)
            for folded, keyword in own.items()
        }
        candidates = [self._candidate(keyword, province) for keyword in own.values()]
        for keyword in self._words:
            if keyword.folded not in own and province is not None:
                right = self.words_for(province, keyword.wish, keyword.language)
                near = (right,) if right else ()
                reading = ParsedMessage(None, near, keyword.language, right or None)
                readings.setdefault(keyword.folded, reading)
                candidates.append(Candidate(keyword.folded, keyword.wish, right, keyword.language))
        return _Vocabulary(readings, Suggester(each for each in candidates if each.spelling))

    def _valid_in(self, province: str | None) -> Iterator[_Word]:
        """The words valid in a province; for none, those that mean the same wherever they occur."""
        if province is not None:
            yield from (keyword for keyword in self._words if keyword.province in {None, province})
            return
        meanings: dict[str, set[Intent]] = {}
        for keyword in self._words:
            meanings.setdefault(keyword.folded, set()).add(keyword.wish)
        yield from (keyword for keyword in self._words if len(meanings[keyword.folded]) == 1)

    def _candidate(self, keyword: _Word, province: str | None) -> Candidate:
        """The word as a suggestion; one that the provider keeps gives way to one it does not."""
        spelling = keyword.spelling
        if not keyword.taught:
            spelling = self.words_for(province, keyword.wish, keyword.language)
        return Candidate(keyword.folded, keyword.wish, spelling, keyword.language)


def _words(book: RuleBook) -> Iterator[_Word]:
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
                spoken = language or _chinese(spelling)
                yield _Word(normalise(spelling), spelling, intent, spoken, province, taught)


def _chinese(spelling: str) -> Language | None:
    """A province's or code word in Chinese characters is Chinese; in Latin letters, a code."""
    return Language.ZH if language_of(spelling) is Language.ZH else None


def _guess(suggester: Suggester, text: str, folded: str) -> ParsedMessage:
    """A reading without a wish: what may have been meant, and in which language."""
    found = suggester.near(text, folded)
    language = language_of(text) or next((each.language for each in found if each.language), None)
    near = tuple(dict.fromkeys(each.spelling for each in found))
    return ParsedMessage(None, near, language) if near or language else _NOTHING
