"""Read a CSV file line by line from any offset, in bounded memory.

A quoted field ends with its line, so a stray quote damages one line and not the rest of the file.
"""

import codecs
import csv
import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from receipts.bulk_import.rows import ImportFormat

#: Bytes; longer lines are refused and not read into memory.
LONGEST_LINE = 4096
_digest = partial(hashlib.blake2b, digest_size=10)
_ENCODING = "save the file as UTF-8"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
                raise CsvError(f"{path}: is no file — an import goes on where it stopped: save it")
            with path.open("rb") as file:
                self.contents = hashlib.file_digest(file, _digest).hexdigest()
                self.size = file.tell()
                file.seek(0)
                self._columns = self._header(file)
                self.begins = file.tell()
        except OSError as error:
            raise CsvError(f"{path}: {error.strerror} — check the path and its rights") from error

    def lines(self, offset: int, number: int) -> Iterator[CsvLine]:
        """The lines from an offset, empty ones left out; ``number`` is that of the line before."""
        with self.path.open("rb") as file:
            file.seek(offset)
            while raw := file.readline(LONGEST_LINE):
                number += 1
                if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                    _skip(file)
                    fix = "one number a line, lines ended by a line feed"
                    yield CsvLine(number, file.tell(), {}, f"is longer than any line — {fix}")
                elif raw.strip():
                    yield self._line(number, file.tell(), raw)

    def _line(self, number: int, end: int, raw: bytes) -> CsvLine:
        try:
            cells = _cells(raw)
        except UnicodeDecodeError as error:
            return CsvLine(number, end, {}, f"byte {error.start + 1} is not UTF-8 — {_ENCODING}")
        except csv.Error as error:
            fix = "close every quote on its own line, and write a quote in a field twice"
            return CsvLine(number, end, {}, f"its quotes do not fit ({error}) — {fix}")
        if len(cells) != len(self._columns):
            wrong = f"{len(cells)} fields, the header has {len(self._columns)}"
            return CsvLine(number, end, {}, f"{wrong} — put fields with commas in quotes")
        return CsvLine(number, end, dict(zip(self._columns, cells, strict=True)))

    def _header(self, file: BinaryIO) -> tuple[str, ...]:
        raw = file.readline(LONGEST_LINE)
        if raw.startswith(_WIDE):
            raise CsvError(f"{self.path}:1: is UTF-16 — {_ENCODING}")
        try:
            found = [cell.casefold() for cell in _cells(raw.removeprefix(codecs.BOM_UTF8))]
        except (UnicodeDecodeError, csv.Error) as error:
            raise CsvError(f"{self.path}:1: the header is no CSV: {error} — {_ENCODING}") from error
        if wrong := self._misfit(found):
            known = ",".join(self.listing.needed)
            more = "".join(f"[,{name}]" for name in self.listing.optional)
            raise CsvError(f"{self.path}:1: {wrong} — begin the file with a line {known}{more}")
        return tuple(found)

    def _misfit(self, found: list[str]) -> str:
        known = (*self.listing.needed, *self.listing.optional)
        if missing := [name for name in self.listing.needed if name not in found]:
            return f"no column {', '.join(missing)}"
        if unknown := [name for name in found if name not in known]:
            return f"unknown column {', '.join(repr(name) for name in unknown)}"
        return "a column stands twice" if len(set(found)) != len(found) else ""


def _cells(raw: bytes) -> list[str]:
    text = raw.decode("utf-8").rstrip("\r\n")
    # A line without quotes is split ten times as fast as by the reader.
    cells = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    return [cell.strip() for cell in cells]


def _skip(file: BinaryIO) -> None:
    """Read to the end of a line that is too long."""
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass
