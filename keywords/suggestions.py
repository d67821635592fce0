"""Finds the words somebody may have meant; it suggests, and never decides."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from receipts.model.vocabulary import Intent, Language

# Letters of other scripts that look like ours, as case folding leaves them (capital Н, Η look
# like H; В, Β like B): Unicode's confusables, cut down to the letters of our words. With them,
# the digits that fingers and eyes confuse with letters.
_LOOKALIKES = str.maketrans(
    "авсенкмортухіѕјԁԛαβεζηικμνορτυχϲϳ01l",
    "abcehkmoptyxisjdqabezhikmnoptyxcjoii",
)
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_TOKEN = re.compile(r"[a-z0-9]+")

# Shorter words are within one slip of too much else.
_SHORTEST_SLIP = 3
_SHORTEST_TOKEN = 3
_SHORTEST_HAN = 2
_SHORTEST_START = 4
_LONGEST_WORD = 40
_MOST = 3
_ENGLISH_FROM = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may have been meant, and how to spell it to the customer."""

    folded: str
    wish: Intent
    spelling: str
    language: Language | None


def language_of(text: str) -> Language | None:
    """The language a text we do not know seems to be in; None when it shows none."""
    if _HAN.search(text):
        return Language.ZH
    words = [word for word in _tokens(text) if word.isalpha()]
    return Language.EN if len(words) >= _ENGLISH_FROM else None


class Suggester:
    """The words of one province, searchable by what was meant. Work is bounded by their number."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._all = tuple(candidates)
        self._exact = {each.folded: each for each in self._all}
        self._skeletons: dict[str, list[Candidate]] = {}
        for each in self._all:
            self._skeletons.setdefault(_skeleton(each.folded), []).append(each)

    def near(self, text: str, folded: str) -> tuple[Candidate, ...]:
        """At most three candidates, one a wish, by the surest sign there is."""
        for signs in (self._seen(folded), self._slips(folded), self._within(text, folded)):
            if found := _one_a_wish(signs):
                return found
        return _one_a_wish(self._begun(folded))

    def _seen(self, folded: str) -> Iterable[Candidate]:
        """Words that look the same."""
        return self._skeletons.get(_skeleton(folded), ())

    def _slips(self, folded: str) -> Iterator[Candidate]:
        """Words one slip of a finger away."""
        if not _SHORTEST_SLIP <= len(folded) <= _LONGEST_WORD:
            return
        skeleton = _skeleton(folded)
        for other, candidates in self._skeletons.items():
            if len(other) >= _SHORTEST_SLIP and _one_slip(skeleton, other):
                yield from candidates

    def _within(self, text: str, folded: str) -> Iterator[Candidate]:
        """Words inside a sentence; Chinese has no spaces to look between."""
        for token in _tokens(text):
            if len(token) >= _SHORTEST_TOKEN and token.isalpha() and token in self._exact:
                yield self._exact[token]
        if _HAN.search(folded):
            matches = [each for each in self._all if _is_han(each.folded) and each.folded in folded]
            yield from sorted(matches, key=lambda each: -len(each.folded))

    def _begun(self, folded: str) -> Iterator[Candidate]:
        """Words of which only a piece was sent."""
        if len(folded) > _LONGEST_WORD:
            return
        if _is_han(folded):
            yield from (each for each in self._all if folded in each.folded)
        elif len(folded) >= _SHORTEST_START:
            yield from (each for each in self._all if each.folded.startswith(folded))


def _skeleton(folded: str) -> str:
    return folded.translate(_LOOKALIKES)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def _is_han(folded: str) -> bool:
    return len(folded) >= _SHORTEST_HAN and _HAN.match(folded) is not None


def _one_slip(one: str, other: str) -> bool:
    """Whether one character added, left out, changed or swapped makes them equal."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((i for i, each in enumerate(short) if each != long[i]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at + 1 : at + 2] + short[at : at + 1] + short[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped == long[at:]


def _one_a_wish(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    first: dict[Intent, Candidate] = {}
    for each in candidates:
        first.setdefault(each.wish, each)
    return tuple(first.values())[:_MOST]
