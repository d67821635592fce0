"""Suggestions ("did you mean") for a text that is no keyword."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from receipts.model.vocabulary import Intent, Language
from receipts.rulebook.similarity import is_one_edit

# Case-folded letters of other scripts that look like letters of our keywords (an extract of
# Unicode's confusables), and digits that look like letters.
_LOOKALIKES = str.maketrans(
    "авсенкмортухіѕјԁԛαβεζηικμνορτυχϲϳ01l", "abcehkmoptyxisjdqabezhikmnoptyxcjoii"
)
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_TOKEN = re.compile(r"[a-z0-9]+")

# Lengths in characters; shorter texts are within one typing error of too many keywords.
_MIN_TYPO, _MIN_TOKEN, _MIN_HAN, _MIN_PREFIX = 3, 3, 2, 4
_MAX_LENGTH = 40
_MAX_SUGGESTIONS = 3
_MIN_ENGLISH_WORDS = 3


@dataclass(frozen=True, slots=True)
class KnownKeyword:
    """A keyword; ``province`` None is everywhere, and ``taught`` ones appear in replies."""

    folded: str
    spelling: str
    intent: Intent
    language: Language | None
    province: str | None
    taught: bool


def language_of(text: str, min_words: int = _MIN_ENGLISH_WORDS) -> Language | None:
    """The probable language of a text; None without a sign of one."""
    if _HAN.search(text):
        return Language.ZH
    words = [word for word in _tokens(text) if word.isalpha()]
    return Language.EN if len(words) >= min_words else None


class Suggester:
    """Find similar keywords of one province; the cost is linear in their number."""

    def __init__(self, candidates: Iterable[KnownKeyword]) -> None:
        self._all = tuple(candidates)
        self._exact = {each.folded: each for each in self._all}
        self._skeletons: dict[str, list[KnownKeyword]] = {}
        for each in self._all:
            self._skeletons.setdefault(_skeleton(each.folded), []).append(each)

    def near(self, text: str, folded: str) -> tuple[KnownKeyword, ...]:
        """At most three candidates of different intents, by the first method that finds any."""
        skeleton = _skeleton(folded)
        for found in (
            self._skeletons.get(skeleton, ()),
            self._one_typo_away(skeleton),
            self._contained(text, folded),
            self._completions(folded),
        ):
            if suggestions := _one_per_intent(found):
                return suggestions
        return ()

    def _one_typo_away(self, skeleton: str) -> Iterator[KnownKeyword]:
        if not _MIN_TYPO <= len(skeleton) <= _MAX_LENGTH:
            return
        for other, candidates in self._skeletons.items():
            if len(other) >= _MIN_TYPO and is_one_edit(skeleton, other):
                yield from candidates

    def _contained(self, text: str, folded: str) -> Iterator[KnownKeyword]:
        """Keywords inside a sentence; Chinese has no spaces between words."""
        for token in _tokens(text):
            if len(token) >= _MIN_TOKEN and token.isalpha() and token in self._exact:
                yield self._exact[token]
        if _HAN.search(folded):
            matches = [each for each in self._all if _is_han(each.folded) and each.folded in folded]
            yield from sorted(matches, key=lambda each: -len(each.folded))

    def _completions(self, folded: str) -> Iterator[KnownKeyword]:
        if len(folded) > _MAX_LENGTH:
            return
        if _is_han(folded):
            yield from (each for each in self._all if folded in each.folded)
        elif len(folded) >= _MIN_PREFIX:
            yield from (each for each in self._all if each.folded.startswith(folded))


def _skeleton(folded: str) -> str:
    return folded.translate(_LOOKALIKES)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def _is_han(folded: str) -> bool:
    return len(folded) >= _MIN_HAN and _HAN.match(folded) is not None


def _one_per_intent(candidates: Iterable[KnownKeyword]) -> tuple[KnownKeyword, ...]:
    first: dict[Intent, KnownKeyword] = {}
    for each in candidates:
        first.setdefault(each.intent, each)
    return tuple(first.values())[:_MAX_SUGGESTIONS]
