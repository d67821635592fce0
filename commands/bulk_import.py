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


def _group(listing: ImportFormat, summary: str, import_summary: str, purpose: str) -> click.Group:
    """The command group of one kind of list, such as `customers import`."""
    name = listing.name
    group = click.Group(name, help=summary, epilog=examples(f"{name} import FILE.csv"))
    columns = ", ".join(listing.needed)
    more = f"; optional: {', '.join(listing.optional)}" if listing.optional else ""

    @group.command(
        "import",
        help=(
            f"{purpose}\n\nFILE is a CSV file with a header. Columns: {columns}{more}. "
            "If interrupted, the next run resumes. Rejected lines are listed in FILE.errors with a "
            "fix for each; the exit status is then 1."
        ),
        short_help=import_summary,
        epilog=examples(f"{name} import FILE.csv", f"{name} import --afresh FILE.csv"),
    )
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--afresh", is_flag=True, help="Import the file again from its first line.")
    def _(file: Path, *, afresh: bool) -> None:
        with open_services() as services, file_errors("name a file that can be read"):
            sys.exit(_import(services, listing, file, afresh=afresh))

    return group


def _import(
    services: bootstrap.Container, listing: ImportFormat, path: Path, *, afresh: bool
) -> int:
    """Import a file and print the counts; return the exit status, 1 with rejected lines.

    Raises CsvError, OSError, StoreUnavailableError.
    """
    if listing is CUSTOMERS:
        listing = listing.accepting(services.settings.trial_people)
    file = CsvFile(path, listing)
    job = ImportJob(file, services.import_handler, services.store, services.clients.bulk_reader)
    earlier = None if afresh else job.before()
    if earlier and earlier.done:
        end, rest = earlier, "already imported; use --afresh to import it again"
    else:
        if earlier:
            click.echo(f"{path}: resuming after line {earlier.line}", err=True)
        with progress_bar(f"{listing.name} import", file.size) as move:
            for end in job.run(earlier):
                move(end.offset)
        rest = job.rejects.described(end.refused) if end.refused else "no errors"
    click.echo(
        f"{path}: {end.lines} lines: {end.changed} changed, "
        f"{end.known} unchanged, {end.refused} rejected; {rest}"
    )
    return 1 if end.refused else 0


#: Also has the commands on one customer's data.
CUSTOMERS_GROUP = _group(
    CUSTOMERS,
    "Import customers, export or erase a customer's data.",
    "Import the customer list.",
    "Import the customer list: whose numbers they are, and what identifies their owners.",
)
COMMANDS: tuple[click.Command, ...] = (
    CUSTOMERS_GROUP,
    _group(
        PORTED,
        "Import ported numbers.",
        "Import ported numbers.",
        "Import ported numbers. A customer who has left is cancelled at once and told by text.",
    ),
    _group(
        COLLECTIONS,
        "Import results of fee collection.",
        "Import collection results.",
        "Import collection results: an unpaid fee suspends the service, a payment resumes it.",
    ),
)
