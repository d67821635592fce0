"""Readable difference of two rule books: one change for each field, by province."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from receipts.rulebook.schema import RuleBook

#: A field's value as JSON has it; a list of words as a tuple.
FieldValue = str | int | bool | tuple[str, ...] | None

_LISTS_OF_TABLES = frozenset({"messages", "tariffs"})
#: Fields that name an entry of such a list.
_NAMES = ("version", "name")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field before and after; None where the book has none.

    ``path`` leads to the field: ``("tariffs", "GD-2", "monthly_fen")``. ``province`` is empty for
    the rules that all provinces share.
    """

    province: str
    path: tuple[str, ...]
    old: FieldValue
    new: FieldValue

    @property
    def added(self) -> tuple[str, ...]:
        """Values of a list that only the new book has."""
        return tuple(each for each in _listed(self.new) if each not in _listed(self.old))

    @property
    def removed(self) -> tuple[str, ...]:
        """Values of a list that only the old book has."""
        return tuple(each for each in _listed(self.old) if each not in _listed(self.new))


def book_changes(old: RuleBook, new: RuleBook) -> list[FieldChange]:
    """All changes: the shared rules first, then each province in the order of the new book."""
    before, after = _sections(old), _sections(new)
    changes: list[FieldChange] = []
    for section in dict.fromkeys(("", *after, *before)):
        was, now = dict(before.get(section, ())), dict(after.get(section, ()))
        changes += [
            FieldChange(section, path, was.get(path), now.get(path))
            for path in dict.fromkeys((*was, *now))
            if was.get(path) != now.get(path)
        ]
    return changes


def _sections(book: RuleBook) -> dict[str, list[tuple[tuple[str, ...], FieldValue]]]:
    """The fields of the shared rules, under an empty name, and those of each province."""
    raw: dict[str, Any] = msgspec.to_builtins(book)
    provinces: dict[str, dict[str, Any]] = raw.pop("provinces")
    for province in provinces.values():
        # Both stand in the shared rules: the code as the table's name, the names under [names].
        del province["code"], province["names"]
    return {"": list(_fields(raw, ()))} | {c: list(_fields(p, ())) for c, p in provinces.items()}


def _fields(
    table: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], FieldValue]]:
    for key, value in table.items():
        here = (*path, key)
        if isinstance(value, Mapping):
            yield from _fields(value, here)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if not path and key in _LISTS_OF_TABLES:
                for entry in value:
                    name = next(entry[each] for each in _NAMES if each in entry)
                    yield from _fields(entry, (*here, str(name)))
            else:
                yield here, tuple(map(str, value))
        elif value is not None:
            yield here, value


def _listed(value: FieldValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
