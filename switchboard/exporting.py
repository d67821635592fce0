"""Writes charges, unpaid fees or audit entries of a month for the operator's billing system.

JSON lines are exact. In CSV a text that a spreadsheet would take for a formula gets an apostrophe
in front, and so does one that begins with an apostrophe: taking one away gives the text back.
Numbers keep their plus sign and get none: what holds only digits hides no formula.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import partial
from typing import Any, TextIO

from receipts.model import Audit, Charge, ChargeKind
from receipts.store.bulk import RedisBulkReader
from switchboard import shown


class What(StrEnum):
    """What can be exported."""

    CHARGES = "charges"
    UNPAID = "unpaid"
    AUDIT = "audit"


class Form(StrEnum):
    """The ways to write it."""

    CSV = "csv"
    JSONL = "jsonl"


Row = dict[str, Any]
Count = Callable[[Charge | Audit], None]

_CHARGE = ("number", "id", "kind", "fen", "month", "why", "at", "tariff")
_COLUMNS = {
    What.CHARGES: _CHARGE,
    What.UNPAID: _CHARGE,
    What.AUDIT: Audit.__struct_fields__,
}

#: Signs with which a spreadsheet begins a formula, and the one that stops it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


class Totals:
    """What was written, counted on the way, to be held against the operator's own sums."""

    def __init__(self, what: What, month: str) -> None:
        self.said: Row = {"what": what.value, "month": month, "count": 0}
        if what is not What.AUDIT:
            self.said |= {"fen": 0} | {f"{kind}_{unit}": 0 for kind in ChargeKind for unit in _OF}

    def count(self, entry: Charge | Audit) -> None:
        """One more."""
        self.said["count"] += 1
        if isinstance(entry, Charge):
            self.said["fen"] += entry.fen
            self.said[f"{entry.kind}_count"] += 1
            self.said[f"{entry.kind}_fen"] += entry.fen


_OF = ("count", "fen")


def export(archive: RedisBulkReader, what: What, month: str, form: Form, out: TextIO) -> Totals:
    """A month, in the order of shard, number and time (audit: shard and time); its totals.

    Raises StoreUnavailable.
    """
    totals = Totals(what, month)
    rows = _rows(archive, what, month, totals.count)
    if form is Form.JSONL:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        writer = csv.DictWriter(out, _COLUMNS[what], lineterminator="\n")
        writer.writeheader()
        writer.writerows(_safe(row) for row in rows)
    return totals


def _rows(archive: RedisBulkReader, what: What, month: str, count: Count) -> Iterator[Row]:
    batches: dict[What, Callable[[str], Iterable[list[Charge] | list[Audit]]]] = {
        What.CHARGES: archive.charges,
        What.UNPAID: partial(_unpaid, archive),
        What.AUDIT: archive.audit,
    }
    for batch in batches[what](month):
        for entry in batch:
            count(entry)
            yield shown.fields(entry, _COLUMNS[what])


def _unpaid(archive: RedisBulkReader, month: str) -> Iterator[list[Charge]]:
    """The monthly fees that could not be collected, and are to be tried again."""
    for batch in archive.charges(month):
        monthly = [charge for charge in batch if charge.kind is ChargeKind.MONTHLY]
        owners = archive.of([charge.number for charge in monthly])
        owing = {customer.number for customer in owners if month in customer.unpaid}
        yield [charge for charge in monthly if charge.number in owing]


def _safe(row: Row) -> Row:
    """A row in which no text is a formula."""
    return {name: _text(value) if name != "number" else value for name, value in row.items()}


def _text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
