"""Rules for every text and key of a rule book: its characters, its length, its depth."""

import re
from collections.abc import Iterator
from typing import Any

from receipts.rulebook.errors import KeyPath, Violation

# Control characters (C0, C1), line and paragraph separators, marks and overrides of the writing
# direction, the byte order mark, surrogates, and code points that are no characters. The first
# ones are forbidden in XML, and so in TwiML.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
#: Longest texts, in characters: a name is a part of sentences of one segment.
_LONGEST_NAME = {"zh": 20, "en": 40}
_LONGEST_KEY, _LONGEST_TEXT = 100, 500
_DEEPEST = 10


def text_violations(raw: dict[str, Any]) -> Iterator[Violation]:
    """All violations in keys and texts. The walk is no recursion: a book may nest without end."""
    waiting: list[tuple[KeyPath, object]] = [((), raw)]
    while waiting:
        where, value = waiting.pop()
        if len(where) > _DEEPEST:
            yield Violation(where[:_DEEPEST], "is nested too deep", "remove the tables in it")
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from _violations(where, key, "a key", _LONGEST_KEY)
                waiting.append(((*where, key[:_LONGEST_KEY]), inner))
        elif isinstance(value, list):
            waiting += [((*where, number), inner) for number, inner in enumerate(value)]
        elif isinstance(value, str):
            yield from _violations(where, value, "the text", _longest(where))


def _longest(where: KeyPath) -> int:
    is_name = where[:1] == ("names",)
    return _LONGEST_NAME.get(str(where[-1]), _LONGEST_TEXT) if is_name else _LONGEST_TEXT


def _violations(where: KeyPath, text: str, subject: str, longest: int) -> Iterator[Violation]:
    if found := _FORBIDDEN.search(text):
        problem = f"{subject} has the control character U+{ord(found[0]):04X}"
        yield Violation(where, problem, "remove it; it may be invisible in an editor")
    if len(text) > longest:
        problem = f"{subject} has {len(text)} characters"
        yield Violation(where, problem, f"use at most {longest}")
