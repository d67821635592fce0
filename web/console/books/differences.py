"""The difference of two rule books as tables, one for each province."""

from dataclasses import dataclass

from receipts.rulebook.changes import FieldChange, book_changes
from receipts.rulebook.schema import RuleBook
from web.console.books.terms import BookTerms


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One field: before and after; of a long list only the words that come and go."""

    label: str
    old: str
    new: str
    added: str = ""
    removed: str = ""


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """The changes of a province; an empty province is the rules that all share."""

    province: str
    rows: list[ChangeRow]


def change_tables(old: RuleBook, new: RuleBook, terms: BookTerms) -> list[ChangeTable]:
    """A table for each part of the book that changes."""
    tables: dict[str, list[ChangeRow]] = {}
    for change in book_changes(old, new):
        tables.setdefault(change.province, []).append(_row(change, terms))
    return [ChangeTable(code and terms.province(code), rows) for code, rows in tables.items()]


def _row(change: FieldChange, terms: BookTerms) -> ChangeRow:
    label = terms.label(change.path)
    # An empty list has a meaning of its own, such as all provinces.
    is_list = isinstance(change.old, tuple) and isinstance(change.new, tuple)
    if is_list and change.old and change.new and (change.added or change.removed):
        added = terms.value(change.path, change.added) if change.added else ""
        removed = terms.value(change.path, change.removed) if change.removed else ""
        return ChangeRow(label, "", "", added, removed)
    old, new = terms.value(change.path, change.old), terms.value(change.path, change.new)
    return ChangeRow(label, old, new)
