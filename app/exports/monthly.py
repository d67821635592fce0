"""Exports of a month for the operator's billing system: charges, unpaid fees, audit log.

JSON lines are exact. In CSV, a text that a spreadsheet would take for a formula gets an apostrophe
in front, and so does a text that begins with one: removing one apostrophe restores the text.
Telephone numbers keep their plus sign and get none: digits alone hide no formula.

The format ``excel`` is CSV that Excel opens as it is: with a byte order mark, and each text that
Excel might take for a number, a date or a truth value as a formula (``="+8613802880000"``), which
keeps it a text. Imports read both.

In both, a text with a line end of any kind (CR, LF, CRLF) stands in quotes. A zero character and
half of a surrogate pair, at which programs end a text or a file, become U+FFFD.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Any, TextIO

from app.exports.json_text import json_text
from app.exports.serializers import column_names, serialize_fields
from receipts.model.charge import AuditEntry, Charge, ChargeKind, StaffLookup
from receipts.store.bulk import RedisBulkReader


class ExportDataset(StrEnum):
    """The records that can be exported."""

    CHARGES = "charges"
    UNPAID = "unpaid"
    AUDIT = "audit"
    LOOKUPS = "lookups"


class ExportFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    EXCEL = "excel"
    JSONL = "jsonl"


Row = dict[str, Any]
_CHARGE = ("number", "id", "kind", "fen", "month", "why", "at", "tariff", "charge")
_OF_CHARGES = (ExportDataset.CHARGES, ExportDataset.UNPAID)
_COLUMNS = {
    ExportDataset.CHARGES: _CHARGE,
    ExportDataset.UNPAID: _CHARGE,
    ExportDataset.AUDIT: column_names(AuditEntry),
    ExportDataset.LOOKUPS: column_names(StaffLookup),
}

#: First characters that make a spreadsheet read a formula, and the escape for them.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'")

_NUMBER = re.compile(r"\+?[0-9]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

#: A text that Excel may rewrite has a digit, or is a truth value.
_REWRITTEN = re.compile(r".*\d.*|\s*(?:true|false)\s*", re.IGNORECASE | re.DOTALL)
_LONGEST_FORMULA_TEXT = 255  # characters; Excel rewrites no longer text


def export(
    archive: RedisBulkReader,
    dataset: ExportDataset,
    month: str,
    file_format: ExportFormat,
    out: TextIO,
    followed: Callable[[Iterable[Row], str], Iterable[Row]] = lambda rows, _: rows,
) -> Row:
    """Write a month by shard, number and time (audit: shard and time).

    Returns count and fen of the exported records, to compare with the operator's own sums.

    Raises StoreUnavailableError.
    """
    totals: Row = {"what": dataset.value, "month": month, "count": 0}
    if dataset in _OF_CHARGES:
        totals["fen"] = 0
        for kind in ChargeKind:
            totals |= {f"{kind}_count": 0, f"{kind}_fen": 0}
    label = f"exporting {dataset} of {month}"
    rows = followed(_rows(archive, dataset, month, totals), label)
    write_rows(out, _COLUMNS[dataset], rows, file_format)
    return totals


def write_rows(
    out: TextIO, columns: Sequence[str], rows: Iterable[Row], file_format: ExportFormat
) -> None:
    """Write rows in a format."""
    if file_format is ExportFormat.JSONL:
        out.writelines(json_text(row) + "\n" for row in rows)
    else:
        is_excel = file_format is ExportFormat.EXCEL
        out.write("\ufeff" if is_excel else "")
        write_csv(out, columns, rows, is_excel=is_excel)


def write_csv(
    out: TextIO, columns: Sequence[str], rows: Iterable[Row], *, is_excel: bool = False
) -> None:
    """Write a header and rows; no text breaks out of its cell, or is a formula there."""
    lines = _Lines(out, "\r\n" if is_excel else "\n")
    writer = csv.DictWriter(lines, columns, lineterminator=_Lines.END)
    writer.writeheader()
    escape = _excel_row if is_excel else _escape_row
    writer.writerows(escape({n: _storable(v) for n, v in row.items()}) for row in rows)


class _Lines:
    """Gives each row the line end of the format.

    The library puts a text in quotes for the characters of its own line end only, so that is CRLF.
    """

    END = "\r\n"

    def __init__(self, out: TextIO, line_end: str) -> None:
        self._out, self._line_end = out, line_end

    def write(self, row: str) -> None:
        """Write one row."""
        self._out.write(row.removesuffix(self.END) + self._line_end)


def _storable(value: object) -> object:
    return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value


def _rows(
    archive: RedisBulkReader, dataset: ExportDataset, month: str, totals: Row
) -> Iterator[Row]:
    """The records of a month, each added to the totals."""
    batches: dict[
        ExportDataset,
        Callable[[str], Iterable[list[Charge] | list[AuditEntry] | list[StaffLookup]]],
    ] = {
        ExportDataset.CHARGES: archive.charges,
        ExportDataset.UNPAID: partial(_unpaid, archive),
        ExportDataset.AUDIT: archive.audit,
        ExportDataset.LOOKUPS: archive.lookups,
    }
    for entry in chain.from_iterable(batches[dataset](month)):
        totals["count"] += 1
        if isinstance(entry, Charge):
            totals["fen"] += entry.fen
            totals[f"{entry.kind}_count"] += 1
            totals[f"{entry.kind}_fen"] += entry.fen
        yield serialize_fields(entry, _COLUMNS[dataset])


def _unpaid(archive: RedisBulkReader, month: str) -> Iterator[list[Charge]]:
    """Monthly fees that could not be collected and are to be tried again, in batches."""
    for batch in archive.charges(month):
        monthly = [charge for charge in batch if charge.kind is ChargeKind.MONTHLY]
        customers = archive.subscriptions([charge.number for charge in monthly])
        unpaid = {customer.number for customer in customers if month in customer.unpaid}
        yield [charge for charge in monthly if charge.number in unpaid]


def _escape_row(row: Row) -> Row:
    return {
        name: value if _is_number(name, value) else _escape(value) for name, value in row.items()
    }


def _is_number(name: str, value: object) -> bool:
    return name == "number" and isinstance(value, str) and bool(_NUMBER.fullmatch(value))


def _excel_row(row: Row) -> Row:
    escaped = _escape_row(row)
    # Excel leaves an ISO time with its zone as it is.
    return {n: escaped[n] if n == "at" else _excel_text(v, escaped[n]) for n, v in row.items()}


def _excel_text(value: object, escaped: object) -> object:
    """A formula for a text that Excel might rewrite, unless it is escaped already."""
    if not isinstance(value, str) or value != escaped or not _REWRITTEN.fullmatch(value):
        return escaped
    doubled = value.replace('"', '""')
    return f'="{doubled}"' if len(value) <= _LONGEST_FORMULA_TEXT else value


def _escape(value: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would read as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
