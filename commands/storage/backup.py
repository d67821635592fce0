"""The command `backup`."""

import datetime as dt
from importlib.metadata import version
from pathlib import Path

import click

from app.clock import clock_for
from app.settings import Settings
from app.storage.archive import archive_register
from commands.params import CommandError, examples, file_errors
from commands.storage.opening import any_store
from commands.tables import print_record, progress_bar
from receipts.ports.store import StoreUnavailableError
from receipts.store.archive.copy import copy_archive
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.reader import DAMAGE
from receipts.store.backup.archive import BackupHeader, BackupTotals, BackupWriter, new_file
from receipts.store.backup.create import copy_all
from receipts.store.connection import RedisConnection
from receipts.store.schema.stamp import check_shards, check_version, read_stamp

_APART = (
    "older receipts are not in the file: copy the archive {folder} with --archive FOLDER, or with "
    "the machine's own backup"
)

#: Steps of the progress bar.
STEPS = 1000


@click.command(
    epilog=examples(
        "backup /backups/2026-11-30.backup",
        "backup /backups/2026-11-30.backup --archive /backups/archive",
    )
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--archive",
    "copy",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of a copy of the archive, which is brought up to date.",
)
def backup(file: Path, copy: Path | None) -> None:
    """Back up the store into a new file, while the service runs.

    The file has all that was acknowledged before it was begun, and phone numbers: keep it
    encrypted. It has no secret; keep SECRETS_FILE and RULE_BOOK apart. Older receipts are in the
    archive: --archive copies what has changed of it, and erases there what was erased.
    """
    advice = "name a new file in a folder that this user may write, on a disk with room"
    with any_store() as (settings, connection), file_errors(advice):
        header = _header(settings, connection)
        with new_file(file) as out:
            totals = _written(connection, BackupWriter(out, header))
        # Behind the store: a receipt that moves meanwhile is in both, never in neither.
        copied = _copied(settings, copy) if copy else None
    print_record(
        {
            "file": str(file),
            "begun": header.begun.isoformat(),
            "ended": totals.ended.isoformat(),
            "keys": totals.keys,
            "customers": totals.customers,
            "receipts": totals.receipts,
            "bytes": file.stat().st_size,
            "schema": header.schema,
            "shards": header.shards,
            "archive": str(copy) if copy else None,
            "archive_files_copied": copied,
        },
        as_json=False,
    )
    if header.archive and not copy:
        click.echo(f"sms-receipt: {_APART.format(folder=settings.archive_dir)}", err=True)


def _copied(settings: Settings, copy: Path) -> int:
    try:
        return copy_archive(ArchiveFolder(settings.archive_dir), ArchiveFolder(copy))
    except DAMAGE as error:
        raise CommandError(
            f"the store is backed up, its archive {settings.archive_dir} is not: {error}"
        ) from error


def _header(settings: Settings, connection: RedisConnection) -> BackupHeader:
    stamp = read_stamp(connection)
    if not stamp.schema:
        raise StoreUnavailableError("the store is empty: there is no service to back up")
    if stamp.version is None or stamp.schema != str(stamp.version):
        check_version(stamp)
    check_shards(stamp.shards, settings.shards)
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    servers = len(connection.run(connection.primaries))
    return BackupHeader(
        schema=int(stamp.schema),
        shards=settings.shards,
        begun=clock.wall_clock(),
        service_time=clock.now(),
        release=version("sms-receipt"),
        servers=servers,
        archive=archive_register(settings, connection).name(),
    )


def _written(connection: RedisConnection, writer: BackupWriter) -> BackupTotals:
    with progress_bar("Backing up", STEPS) as reached:
        copy_all(connection, writer, lambda share: reached(int(share * STEPS)))
    return writer.close(dt.datetime.now(dt.UTC))
