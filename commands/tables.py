"""Output of commands: JSON for programs, tables and progress bars for people at a terminal."""

import datetime as dt
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from app.exports.json_text import json_text
from receipts.model.calendar import SHANGHAI

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")
Record = Mapping[str, Any]
_NOTHING: Mapping[str, Any] = {}

WIDE_COLUMNS = 120  # characters a line of a terminal that shows all columns
_REDRAW_EVERY = 1_000  # items between two redraws of a progress bar
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")

#: Characters of a customer's text that would move the cursor or turn the direction of writing.
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its title, the key of its values, and how they are drawn."""

    title: str
    key: str
    right: bool = False
    #: Left out on a terminal narrower than WIDE_COLUMNS.
    wide: bool = False
    #: Takes the room that the others leave, and breaks its lines there.
    wrap: bool = False
    #: A rich style for each value that has one, such as red for "failed".
    styles: Mapping[str, str] = field(default_factory=dict)


def wants_table(as_json: bool) -> bool:  # noqa: FBT001 - the value of --json
    """Whether standard output is a terminal, and --json was not given."""
    return sys.stdout.isatty() and not as_json


def print_json(value: object, indent: int | None = None) -> None:
    """Print a value as JSON: on one line, or indented."""
    click.echo(json_text(value, indent))


def print_records(
    records: Iterable[Record], columns: Sequence[Column], *, as_json: bool, empty: str
) -> None:
    """Print records as a table on a terminal, else as JSON lines; ``empty`` stands for no rows."""
    if not wants_table(as_json):
        for record in records:
            print_json(record)
    elif rows := list(records):
        _print_rows(_console(sys.stdout), rows, columns)
    else:
        click.echo(empty, err=True)


def print_record(
    record: Record, *, as_json: bool, lists: Mapping[str, Sequence[Column]] = _NOTHING
) -> None:
    """Print a record as a table of its fields on a terminal, else as JSON.

    ``lists`` names fields that hold records: each becomes a table with these columns.
    """
    if not wants_table(as_json):
        print_json(record)
        return
    console = _console(sys.stdout)
    console.print(_fields_table({k: v for k, v in record.items() if k not in lists}))
    for key, columns in lists.items():
        console.print()
        _print_rows(console, record[key], columns)


def print_kept(things: str, kept: int, dropped: int, rest: str = "the oldest are dropped") -> None:
    """Say on standard error how many of all things are kept, if not all are."""
    if dropped:
        click.echo(f"sms-receipt: {kept} of {kept + dropped} {things} kept; {rest}", err=True)


def print_totals(totals: Record) -> None:
    """Print a record on standard error: as a table on a terminal, else as one JSON object."""
    if sys.stderr.isatty():
        _console(sys.stderr).print(_fields_table(totals))
    else:
        click.echo(json.dumps(totals), err=True)


def print_columns(records: Sequence[Record], columns: Sequence[Column]) -> None:
    """Print records as a table on a terminal, else as aligned columns, two spaces apart."""
    if sys.stdout.isatty():
        print_records(records, columns, as_json=False, empty="")
        return
    from rich.console import Console  # noqa: PLC0415 - not at the start of every command
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    _fill(table, records, columns)
    # Wide enough that no cell is ever wrapped.
    console = Console(color_system=None, width=10_000)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


@contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Draw a progress bar on standard error if that is a terminal.

    Yields a function that takes the position reached, from 0 to ``length``.
    """
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield lambda position: bar.update(max(0, position - bar.pos))


def track(
    items: Iterable[T], label: str, length: int | None = None, *, hidden: bool = False
) -> Iterator[T]:
    """Pass items on and count them on a progress bar, as ``progress_bar`` draws it."""
    with click.progressbar(
        items,
        length=length,
        label=label,
        show_pos=True,
        file=sys.stderr,
        hidden=hidden or not sys.stderr.isatty(),
        update_min_steps=_REDRAW_EVERY,
    ) as bar:
        yield from bar


def _console(file: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - not at the start of every command

    return Console(file=file, highlight=False)


def _table(*, show_header: bool = True) -> "Table":
    from rich import box  # noqa: PLC0415 - not at the start of every command
    from rich.table import Table  # noqa: PLC0415

    return Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, show_header=show_header
    )


def _print_rows(console: "Console", rows: Sequence[Record], columns: Sequence[Column]) -> None:
    table, is_wide = _table(), console.width >= WIDE_COLUMNS
    _fill(table, rows, [each for each in columns if is_wide or not each.wide])
    console.print(table)


def _fill(table: "Table", rows: Sequence[Record], columns: Sequence[Column]) -> None:
    for each in columns:
        side: Any = "right" if each.right else "left"
        table.add_column(each.title, justify=side, no_wrap=not each.wrap, overflow="fold")
    for row in rows:
        table.add_row(*(_text(row[column.key], column.styles) for column in columns))


def _fields_table(record: Record) -> "Table":
    table = _table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in record.items():
        table.add_row(_title(key), _text(value))
    return table


def _text(value: object, styles: Mapping[str, str] = _NOTHING) -> "Text":
    from rich.text import Text  # noqa: PLC0415 - not at the start of every command

    # Not a plain string: rich would read its square brackets as markup.
    text = Text(_UNPRINTABLE.sub("\ufffd", _words(value)))
    text.stylize(styles.get(str(value), ""))
    return text


def _words(value: object, separator: str = "\n") -> str:
    """A value as people read it; a moment in China's time."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        lines = (f"{_title(key)}: {_words(each, '; ')}" for key, each in value.items())
        return separator.join(lines) or "-"
    if isinstance(value, str) and _ISO_TIME.fullmatch(value):
        return f"{dt.datetime.fromisoformat(value).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    return str(value)


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()
