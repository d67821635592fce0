"""Read a CSV file line by line from any offset, in bounded memory.

A quoted field ends with its line, so a stray quote damages one line and not the rest of the file.
"""

import codecs
import csv
import hashlib
import os
import re
import stat
import weakref
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from receipts.bulk_import.row_errors import RewrittenValueError, RowError
from receipts.bulk_import.rows import ImportFormat
from receipts.bulk_import.text_encoding import converted, is_workbook
from receipts.model.invisible import without_invisible

#: Bytes; longer lines are refused and not read into memory.
LONGEST_LINE = 4096
_digest = partial(hashlib.blake2b, digest_size=10)
_ENCODING = "save the file as CSV UTF-8"
_SAVE_FIRST = "save it to disk first, so that an import can be resumed"
#: The one in the header is that of the file: a comma, or as spreadsheets write it in some places.
_SEPARATORS = (",", ";", "\t")
_BLANK = b' \t\r\n,;"'
#: The first line by which Excel learns the separator.
_SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\s*', re.IGNORECASE)
#: No cell of a list holds one of these.
_FULL_WIDTH = str.maketrans("，；", ",;")


class CsvError(Exception):
    """The file cannot be read as a whole; the message names the reason and a fix."""


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line: its number, the offset of its end, and its cells or its error."""

    number: int
    end: int
    cells: Mapping[str, str]
    wrong: str = ""


class CsvFile:
    """A list in a file. Raises CsvError for an unreadable file or a wrong header."""

    def __init__(self, path: Path, listing: ImportFormat) -> None:
        self.path, self.listing = path, listing
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise CsvError(f"{path}: is not a regular file — {_SAVE_FIRST}")
            with path.open("rb") as file:
                if is_workbook(file):
                    raise CsvError(f"{path}: is a workbook, not a text file — {_ENCODING}")
                file.seek(0)
                self.contents = hashlib.file_digest(file, _digest).hexdigest()
                self._converted = converted(file)
                if self._converted:
                    weakref.finalize(self, self._converted.close)
                text = self._converted or file
                self.size = text.seek(0, os.SEEK_END)
                text.seek(0)
                #: Line and end of the header.
                self.header_line = 0
                self._separator, self._columns = self._header(text)
                self.begins = text.tell()
            self._refuse_rewritten()
        except OSError as error:
            raise CsvError(f"{path}: {error.strerror} — check the path and its rights") from error

    def _refuse_rewritten(self) -> None:
        """Read the list once. Raises CsvError if a spreadsheet rewrote a value of it."""
        for line in self.lines(self.begins, self.header_line):
            try:
                if not line.wrong:
                    self.listing.read(line.cells)
            except RewrittenValueError as error:
                where = f"{self.path}:{line.number}"
                raise CsvError(f"{where}: {error}; no line was imported") from error
            except RowError:
                continue  # refused by itself later

    def lines(self, offset: int, number: int) -> Iterator[CsvLine]:
        """The lines from an offset, empty ones left out; ``number`` is that of the line before."""
        text = self._converted
        with nullcontext(text) if text else self.path.open("rb") as file:
            file.seek(offset)
            while raw := file.readline(LONGEST_LINE):
                number += 1
                if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                    _skip(file)
                    wrong = (
                        f"line too long (limit {LONGEST_LINE:,} bytes) — write one number a line"
                    )
                    yield CsvLine(number, file.tell(), {}, wrong)
                elif raw.strip(_BLANK):
                    line = self._line(number, file.tell(), raw)
                    if line.wrong or any(line.cells.values()):
                        yield line

    def _line(self, number: int, end: int, raw: bytes) -> CsvLine:
        try:
            cells = _cells(raw, self._separator)
        except UnicodeDecodeError as error:
            return CsvLine(number, end, {}, f"byte {error.start + 1} is not UTF-8 — {_ENCODING}")
        except csv.Error as error:
            fix = "close each quote on the line where it opens; write a quote inside a field as two"
            return CsvLine(number, end, {}, f"unbalanced quotes ({error}) — {fix}")
        cells = self._fitted(cells)
        if len(cells) != len(self._columns):
            wrong = f"{len(cells)} fields instead of {len(self._columns)}"
            return CsvLine(number, end, {}, f"{wrong} — quote fields that contain commas")
        return CsvLine(number, end, dict(zip(self._columns, cells, strict=True)))

    def _fitted(self, cells: list[str]) -> list[str]:
        """The cells without empty ones behind the last column, with those that are left out.

        Spreadsheets write empty columns on the right, or leave out optional ones without a value.
        """
        columns = self._columns
        if not any(cells[len(columns) :]):
            cells = cells[: len(columns)]
        missing = columns[len(cells) :]
        is_complete = cells[-1] and all(name in self.listing.optional for name in missing)
        return cells + [""] * len(missing) if is_complete else cells

    def _header(self, file: BinaryIO) -> tuple[str, tuple[str, ...]]:
        """The separator and the names of the columns, from the first line that is not blank."""
        raw, separators = b"", list(_SEPARATORS)
        self.header_line = 1
        while line := file.readline(LONGEST_LINE):
            raw = _bare(line)
            if named := _SEPARATOR_LINE.fullmatch(raw):
                separators.insert(0, named[1].decode("latin-1"))
            elif raw:
                break
            self.header_line += 1
        where, wrong = f"{self.path}:{self.header_line}", ""
        for separator in separators:
            try:
                found = _names(_cells(raw, separator))
            except (UnicodeDecodeError, csv.Error) as error:
                raise CsvError(f"{where}: the header is not CSV ({error}) — {_ENCODING}") from error
            if not (misfit := self._misfit(found)):
                return separator, tuple(found)
            wrong = wrong or misfit
        known = ",".join(self.listing.needed)
        more = "".join(f"[,{name}]" for name in self.listing.optional)
        raise CsvError(f"{where}: {wrong} — the first line must be {known}{more}")

    def _misfit(self, found: list[str]) -> str:
        known = (*self.listing.needed, *self.listing.optional)
        if missing := [name for name in self.listing.needed if name not in found]:
            return f"{_quoted(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        if unknown := [name for name in found if name not in known]:
            return f"unknown {_quoted(unknown)}"
        return "a column is repeated" if len(set(found)) != len(found) else ""


def _quoted(names: list[str]) -> str:
    """Columns by name, as a part of a sentence."""
    return f"column{'s' * (len(names) > 1)} {' and '.join(f'“{name}”' for name in names)}"


def _bare(line: bytes) -> bytes:
    """A line without the byte order mark; empty if it has blank cells alone."""
    return line.removeprefix(codecs.BOM_UTF8) if line.strip(_BLANK + codecs.BOM_UTF8) else b""


def _names(cells: list[str]) -> list[str]:
    """Names of columns in lower case, without the empty ones on the right."""
    names = ["_".join(re.split(r"[\s_-]+", cell.casefold())) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _cells(raw: bytes, separator: str) -> list[str]:
    text = raw.decode("utf-8").rstrip("\r\n")
    if not text.isascii():
        text = without_invisible(text).translate(_FULL_WIDTH)
    # A line without quotes is split ten times as fast as by the reader.
    if '"' not in text:
        return [_plain(cell) for cell in text.split(separator)]
    reader = csv.reader([text], delimiter=separator, strict=True)
    return [_plain(cell) for cell in next(reader)]


def _plain(cell: str) -> str:
    """A cell without the marks by which a spreadsheet keeps it a text: ``'138…``, ``="138…"``."""
    bare = cell.strip()
    if bare.startswith('="') and bare.endswith('"'):
        return bare[2:-1].strip()
    return bare.removeprefix("'")


def _skip(file: BinaryIO) -> None:
    """Read to the end of a line that is too long."""
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass
