"""Violations of the rule book, each with file, line and fix."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

#: Keys and indexes from the root of the book to a value.
KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation: path of keys, problem and fix; ``line`` is 1-based."""

    where: KeyPath
    problem: str
    fix: str
    line: int | None = None


class RuleBookError(Exception):
    """The rule book is invalid; the message has one line for each violation."""

    def __init__(self, file: Path, text: str, violations: Iterable[Violation]) -> None:
        self.file = file
        self.violations = tuple(
            replace(each, line=each.line or line_of(text, each.where)) for each in violations
        )
        super().__init__("\n".join(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        for each in self.violations:
            location = f"{self.file}:{each.line}" if each.line else f"{self.file}"
            path = ".".join(step for step in each.where if isinstance(step, str))
            yield f"{location}: {path + ': ' if path else ''}{each.problem}. Fix: {each.fix}."


def line_of(text: str, where: KeyPath) -> int | None:
    """Line of a key, else of the nearest table around or beside it; None in an empty file.

    Searches the text, because ``tomllib`` reports no positions.
    """
    best, found, near = 0, None, 1 if text else None
    for number, path in _positions(text):
        depth = len(path)
        if best < depth <= len(where) and where[:depth] == path:
            best, found = depth, number
        if where and near == 1 and path[:1] == where[:1]:
            near = number
    return found or near


def _positions(text: str) -> Iterator[tuple[int, KeyPath]]:
    """Line and path of every header and key of the file."""
    table: KeyPath = ()
    seen: dict[KeyPath, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip() for part in header[2].split("."))
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
                table += (seen[table],)
            yield number, table
        elif key := _KEY.match(line):
            yield number, table + tuple(key[1].split("."))
