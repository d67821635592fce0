"""Finds the friend whose number begins a text that a trial person wants relayed."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from receipts.model.invisible import without_invisible
from receipts.model.vocabulary import Msisdn

#: Characters in which a number is looked for; the longest has 15 digits and separators.
_LONGEST_ADDRESS = 64

#: Fewest digits that are taken for a person's number, listed or not.
_FEWEST_DIGITS = 7

_SPACE = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u3000]")
_JOINER = re.compile("[-./·\u2010-\u2015\u2212－．]")
_BRACKETS = frozenset("()（）")
_PLUS = frozenset("+＋")

#: Between the number and the words: a bracket, a colon or a comma, and white space.
_AFTER_ADDRESS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]*[)）]?\s*[:：,，]?\s*")

#: The digits that a relayed text shows of its sender, as an answer begins with them.
_ENDING = re.compile(r"\s*(?:(?:\.\.\.|…)\s*)?(?P<digits>\d{4,15})\s*[:：]\s*", re.ASCII)
_FEWEST_SHOWN = 4

#: Country codes of one, two or three digits (ITU-T E.164, list of assigned codes).
_COUNTRY = re.compile(
    "[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}", re.ASCII
)


class AddressProblem(StrEnum):
    """Why a text that begins with a number is not relayed."""

    UNCLEAR = "unclear"
    NOT_LISTED = "not_listed"
    SELF = "self"
    OWN = "own"
    NO_WORDS = "no_words"


class AddressedText(Struct, frozen=True):
    """The words of a text for a friend, or the problem with its address."""

    words: str = ""
    friend: Msisdn | None = None
    problem: AddressProblem | None = None


class FriendDirectory:
    """The numbers of trial people, in the forms in which a trial person writes them."""

    def __init__(self, people: Iterable[Msisdn], own_numbers: Iterable[str]) -> None:
        self._people = tuple(people)
        self._own = {digits for each in own_numbers if (digits := each.lstrip("+")).isdigit()}
        self._endings = {number: self._ending(number) for number in self._people}
        self._by_ending = {ending: number for number, ending in self._endings.items()}

    def ending(self, number: Msisdn) -> str:
        """The last digits of a listed number, at least four, that no other one ends with."""
        return self._endings[number]

    def read(self, sender: Msisdn, text: str) -> AddressedText | None:
        """The friend and the words of a listed sender's text; None if it begins with no number."""
        if sender not in self._endings:
            return None
        answer = _ENDING.match(text)
        if answer and (friend := self._by_ending.get(answer["digits"])):
            return _addressed(sender, friend, text[answer.end() :])
        forms, last = self._forms(sender), ""
        found: dict[Msisdn, int] = {}
        for typed, end in _numbers(text):
            last = typed
            found |= dict.fromkeys(forms.get(typed, ()), end)
        if len(found) > 1:
            return AddressedText(problem=AddressProblem.UNCLEAR)
        for friend, end in found.items():
            return _addressed(sender, friend, _AFTER_ADDRESS.sub("", text[end:], count=1))
        digits = last.lstrip("+")
        if digits in self._own:
            return AddressedText(problem=AddressProblem.OWN)
        is_number = len(digits) >= _FEWEST_DIGITS
        return AddressedText(problem=AddressProblem.NOT_LISTED) if is_number else None

    def _ending(self, number: Msisdn) -> str:
        others = [each for each in self._people if each != number]
        shown = (number.digits[-count:] for count in range(_FEWEST_SHOWN, len(number)))
        return next(
            (each for each in shown if not any(other.endswith(each) for other in others)),
            number.digits,
        )

    def _forms(self, sender: Msisdn) -> Mapping[str, set[Msisdn]]:
        """Listed numbers by the digits with which this sender may write them."""
        forms: dict[str, set[Msisdn]] = {}
        country = _country(sender)
        for number in self._people:
            for form in _forms_of(number, country):
                forms.setdefault(form, set()).add(number)
        return forms


def _addressed(sender: Msisdn, friend: Msisdn, words: str) -> AddressedText:
    if friend == sender:
        return AddressedText(problem=AddressProblem.SELF)
    if not without_invisible(words).strip():
        return AddressedText(problem=AddressProblem.NO_WORDS)
    return AddressedText(words, friend)


def _forms_of(number: Msisdn, country: str) -> Iterator[str]:
    """International forms; from the same country the national one too, with its trunk prefix."""
    yield str(number)
    yield number.digits
    yield f"00{number.digits}"
    if country == "1":
        yield f"011{number.digits}"
    if _country(number) == country:
        national = number.digits[len(country) :]
        yield national
        yield ("8" if country == "7" else "0") + national


def _country(number: Msisdn) -> str:
    found = _COUNTRY.match(number.digits)
    return found[0] if found else ""


def _numbers(text: str) -> Iterator[tuple[str, int]]:
    """Each number with which a text may begin, in plain digits, and the position behind it."""
    typed = ""
    for position, character in enumerate(text[:_LONGEST_ADDRESS]):
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            typed += str(digit)
            if _ends(text, position + 1):
                yield typed, position + 1
        elif character in _PLUS and not typed:
            typed = "+"
        elif without_invisible(character) and not _is_inside(character, typed):
            return


def _is_inside(character: str, typed: str) -> bool:
    """Whether a character may stand before or between the digits of a number."""
    if not typed:
        return character.isspace() or character in _BRACKETS
    return any((_SPACE.match(character), _JOINER.match(character), character in _BRACKETS))


def _ends(text: str, position: int) -> bool:
    """Whether a number may end here: no digit follows, nor a mark that joins one."""
    rest = without_invisible(text[position : position + 8])
    if _JOINER.match(rest):
        rest = rest[1:]
    return not rest[:1].isdecimal()
