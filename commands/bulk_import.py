"""Commands that import the operator's lists: customers, ported numbers, collections."""

import sys
from pathlib import Path

import click

from app import bootstrap
from commands.params import examples, file_errors, open_services
from commands.tables import progress_bar
from receipts.bulk_import.csv_reader import CsvFile
from receipts.bulk_import.job import ImportJob
from receipts.bulk_import.rows import COLLECTIONS, CUSTOMERS, PORTED, ImportFormat


def _group(listing: ImportFormat, summary: str, import_summary: str) -> click.Group:
    """The command group of one kind of list, such as `customers import`."""
    name = listing.name
    group = click.Group(name, help=summary, epilog=examples(f"{name} import FILE.csv"))
    columns = ",".join(listing.needed)
    more = f" (and maybe {', '.join(listing.optional)})" if listing.optional else ""

    @group.command(
        "import",
        help=(
            f"{import_summary}\n\nFILE is a CSV with a header: {columns}{more}. "
            "A run that was interrupted resumes where it stopped. Refused lines are listed in "
            "FILE.errors, and the exit status is 1."
        ),
        short_help=import_summary,
        epilog=examples(f"{name} import FILE.csv", f"{name} import --afresh FILE.csv"),
    )
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--afresh", is_flag=True, help="Begin again, even if it was imported before.")
    def _(file: Path, *, afresh: bool) -> None:
        with open_services() as services, file_errors("name a file that can be read"):
            sys.exit(_import(services, listing, file, afresh=afresh))

    return group


def _import(
    services: bootstrap.Container, listing: ImportFormat, path: Path, *, afresh: bool
) -> int:
    """Import a file and print the counts; return the exit status, 1 with refused lines.

    Raises CsvError, OSError, StoreUnavailableError.
    """
    file = CsvFile(path, listing)
    job = ImportJob(file, services.import_handler, services.store, services.clients.bulk_reader)
    earlier = None if afresh else job.before()
    if earlier and earlier.done:
        end, rest = earlier, "was imported before; --afresh begins again"
    else:
        if earlier:
            click.echo(f"{path}: goes on behind line {earlier.line}", err=True)
        with progress_bar(f"{listing.name} import", file.size) as move:
            for end in job.run(earlier):
                move(end.offset)
        rest = f"see {job.rejects.path}" if end.refused else "all is well"
    click.echo(
        f"{path}: {end.lines} lines: {end.changed} changed, "
        f"{end.known} known already, {end.refused} refused; {rest}"
    )
    return 1 if end.refused else 0


COMMANDS: tuple[click.Command, ...] = (
    _group(
        CUSTOMERS,
        "Import the operator's customer list.",
        "Import numbers, networks and proofs of ownership.",
    ),
    _group(
        PORTED,
        "Import numbers that changed their network.",
        "Import ported numbers: one that left loses the service at once.",
    ),
    _group(
        COLLECTIONS,
        "Import results of collecting fees.",
        "Import collections: unpaid pauses the service, paid resumes it.",
    ),
)
