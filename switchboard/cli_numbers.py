"""Commands that take the operator's lists in: customers, ported numbers, collections."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from receipts.lists import COLLECTIONS, CUSTOMERS, PORTED, Listing
from switchboard import wiring
from switchboard.csv_file import CsvFile, CsvWrong
from switchboard.importing import Import, Progress

Services = Callable[[], AbstractContextManager[wiring.Services]]

_GROUPS = (
    (CUSTOMERS, "The operator's customer list.", "Whose numbers they are, and what proves it."),
    (PORTED, "Numbers that changed their network.", "One that left loses the service at once."),
    (
        COLLECTIONS,
        "Fees the operator tried to collect.",
        "Unpaid pauses the service, paid brings it back.",
    ),
)


def commands(services: Services) -> list[click.Group]:
    """`customers import`, `ported import` and `collections import`, on these services."""
    return [_group(services, *each) for each in _GROUPS]


def _group(services: Services, listing: Listing, about: str, does: str) -> click.Group:
    group = click.Group(listing.name, help=about)
    columns = ",".join(listing.needed)
    more = f" (and maybe {', '.join(listing.optional)})" if listing.optional else ""

    @group.command("import", help=f"{does} FILE is a CSV with a header: {columns}{more}.")
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--afresh", is_flag=True, help="Begin again, even if it was imported before.")
    def _(file: Path, afresh: bool) -> None:  # noqa: FBT001 - click hands options over by name
        with services() as built:
            sys.exit(_take_in(built, listing, file, afresh=afresh))

    return group


def _take_in(built: wiring.Services, listing: Listing, path: Path, *, afresh: bool) -> int:
    """Import a file and tell of it. The exit status: 0, 1 with refused lines, 2 unreadable."""
    try:
        file = CsvFile(path, listing)
        taking = Import(file, wiring.lists(built), built.store, built.memory.archive)
        before = None if afresh else taking.before()
        if before is not None and before.done:
            click.echo(_told(path, before, "was imported before; --afresh begins again"))
            return 1 if before.refused else 0
        end = _with_bar(taking, file, before)
    except CsvWrong as wrong:
        click.echo(f"sms-receipt: {wrong}", err=True)
        return 2
    except OSError as error:
        click.echo(f"sms-receipt: {error.filename}: {error.strerror}", err=True)
        return 2
    see = f"see {taking.complaints.path}" if end.refused else "all is well"
    click.echo(_told(path, end, see))
    return 1 if end.refused else 0


def _with_bar(taking: Import, file: CsvFile, before: Progress | None) -> Progress:
    if before is not None:
        click.echo(f"{file.path}: goes on behind line {before.line}", err=True)
    label = f"{file.listing.name} import"
    with click.progressbar(length=file.size, label=label, file=sys.stderr) as bar:
        return taking.run(before, lambda now: bar.update(now.offset - bar.pos))


def _told(path: Path, end: Progress, rest: str) -> str:
    return (
        f"{path}: {end.lines} lines: {end.changed} changed, {end.known} known already, "
        f"{end.refused} refused; {rest}"
    )
