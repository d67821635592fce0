"""What is wrong with a rule book, said so that its author can find and mend it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

Step = str | int

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong: where (a path of keys), what, and how to mend it."""

    where: tuple[Step, ...]
    what: str
    fix: str
    line: int | None = None


class RuleBookError(Exception):
    """The rule book cannot be used; one line for each fault: file, line, what, fix."""

    def __init__(self, file: Path, text: str, faults: Iterable[Violation]) -> None:
        self.file = file
        self.faults = tuple(
            each if each.line else replace(each, line=line_of(text, each.where)) for each in faults
        )
        super().__init__("\n".join(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        for fault in self.faults:
            location = f"{self.file}:{fault.line}" if fault.line else f"{self.file}"
            path = ".".join(str(step) for step in fault.where if isinstance(step, str))
            yield f"{location}: {path + ': ' if path else ''}{fault.what}. Fix: {fault.fix}."


def line_of(text: str, where: tuple[Step, ...]) -> int | None:
    """The line that says this key or, failing that, the nearest table around it or beside it.

    The standard TOML reader keeps no positions, and one that does would be a new dependency.
    """
    best, found, near = 0, None, 1 if text else None
    for number, path in _places(text):
        depth = len(path)
        if best < depth <= len(where) and where[:depth] == path:
            best, found = depth, number
        if where and near == 1 and path[:1] == where[:1]:
            near = number
    return found or near


def _places(text: str) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """Every header and key of the file with its line."""
    table: tuple[Step, ...] = ()
    seen: dict[tuple[Step, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip() for part in header[2].split("."))
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
                table += (seen[table],)
            yield number, table
        elif key := _KEY.match(line):
            yield number, table + tuple(key[1].split("."))
