"""The command `archive`, and the sentences of commands that read the archive."""

from collections.abc import Sequence

import click

from app.storage.archive import archive_mover
from commands.params import CommandError, examples, open_services
from commands.tables import print_record
from receipts.store.archive.mover import ArchiveMissingError
from receipts.store.archive.reader import DAMAGE


@click.command(epilog=examples("archive", "archive --start-anew"))
@click.option(
    "--start-anew",
    is_flag=True,
    help="After the loss of the archive: make the folder in ARCHIVE_DIR the store's own.",
)
def archive(*, start_anew: bool) -> None:
    """Move older receipts to the archive.

    Workers do so every hour. Receipts that have ended leave the store after
    `receipts_in_store_days` of the rule book, for files by month in ARCHIVE_DIR. Months that are
    kept no longer are deleted.
    """
    with open_services() as services:
        mover = archive_mover(services.clients, services.settings, services.clock)
        try:
            if start_anew:
                mover.start_anew()
            mover.open()
            # After a worker that is at work: each shard is one mover's at a time.
            moved = sum(mover.run())
        except ArchiveMissingError as error:
            raise CommandError(str(error)) from error
        except DAMAGE as error:
            raise CommandError(
                f"the archive {services.settings.archive_dir} cannot be written: {error}. The "
                "receipts are still in the store"
            ) from error
        folder = str(services.settings.archive_dir)
    print_record({"moved": moved, "folder": folder}, as_json=False)


def tell_of_archive(unreadable: Sequence[str], *, read: bool) -> None:
    """Say on standard error that older receipts came from the archive, or could not be read."""
    if read:
        click.echo(
            "sms-receipt: older receipts come from the archive, which takes longer", err=True
        )
    if unreadable:
        click.echo(
            f"sms-receipt: the archive of {', '.join(unreadable)} cannot be read: receipts of that "
            "time are left out. `sms-receipt store check` names the fault",
            err=True,
        )
