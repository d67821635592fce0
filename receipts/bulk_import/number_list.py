"""A short list of numbers in a CSV file, taken as a whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from receipts.bulk_import.csv_reader import CsvError, CsvFile, CsvLine
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import NUMBERS
from receipts.model.vocabulary import Msisdn

#: Lines with an error that are told at once.
_MOST_WRONG = 50


@dataclass(frozen=True, slots=True)
class NumberList:
    """The numbers in their order; ``wrong`` are lines with the key of their error."""

    numbers: tuple[Msisdn, ...] = ()
    wrong: tuple[tuple[int, str], ...] = ()
    #: Whether the file cannot be read at all: another format, or no column ``number``.
    is_unreadable: bool = False


def read_numbers(contents: bytes) -> NumberList:
    """The numbers of a file, each once; a number that comes again is an error."""
    numbers: dict[Msisdn, None] = {}
    wrong: list[tuple[int, str]] = []
    try:
        with _as_file(contents) as path:
            file = CsvFile(path, NUMBERS)
            for line in file.lines(file.begins, file.header_line):
                number = _number(line)
                if number is None or number in numbers:
                    wrong.append((line.number, "no_number" if number is None else "repeated"))
                else:
                    numbers[number] = None
    except CsvError:
        return NumberList(is_unreadable=True)
    return NumberList(tuple(numbers), tuple(wrong[:_MOST_WRONG]))


def _number(line: CsvLine) -> Msisdn | None:
    if line.wrong:
        return None
    try:
        return NUMBERS.read(line.cells).number
    except RowError:
        return None


@contextmanager
def _as_file(contents: bytes) -> Iterator[Path]:
    """The contents in a file of this process alone, removed afterwards."""
    with NamedTemporaryFile(suffix=".csv") as file:
        file.write(contents)
        file.flush()
        yield Path(file.name)
