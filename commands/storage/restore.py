"""The command `restore`."""

import datetime as dt
from pathlib import Path

import click
from msgspec import Struct

from app.clock import clock_for
from app.settings import Settings
from app.storage.archive import archive_check
from commands.params import CommandError, examples, file_errors
from commands.storage.backup import STEPS
from commands.storage.opening import unused_store
from commands.tables import print_record, progress_bar
from receipts.model.calendar import SHANGHAI
from receipts.ports.restore_gap import RestoreGap
from receipts.ports.store import StoreUnavailableError
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.backup import restore as restoring
from receipts.store.backup.archive import BackupFileError, BackupReader, BackupTotals
from receipts.store.backup.exclusive import require_unused
from receipts.store.connection import RedisConnection
from receipts.store.keys import SCHEMA_VERSION, KeySchema
from receipts.store.schema.stamp import Stamp, write_stamp
from receipts.store.schema.upgrades import upgrade_records

_MINUTES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")

#: The next steps of an operator, on standard error.
_NEXT = """\
Lost: all that was acknowledged after {begun} (China time), for {gap}.
Texts that were waiting then, and receipts for reports of that time that are sent again, are looked
up at their provider first. Where that cannot be done they become unsure, and staff decide.
Next: start the service, then follow docs/backup.md, "After a restore"."""


_TAKE_OVER = (
    "the backup is from before the archive in {folder}: if that is this store's own, take it over "
    "with `sms-receipt archive --start-anew`"
)
_MISSING = (
    "files of the archive are missing, and older receipts cannot be read until they are copied "
    "back to ARCHIVE_DIR: {files}"
)


class _Restored(Struct, frozen=True):
    """A restore that is done."""

    reader: BackupReader
    totals: BackupTotals
    gap: RestoreGap
    schema_found: int


@click.command(epilog=examples("restore /backups/2026-11-30.backup"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--replace", is_flag=True, help="Delete all data of the store first.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--without-archive", is_flag=True, help="Restore though the archive of the backup is missing."
)
@click.option(
    "--lost-at",
    type=click.DateTime(_MINUTES),
    help="When the store was lost, in China time. Without it: now.",
)
def restore(
    file: Path, lost_at: dt.datetime | None, *, replace: bool, yes: bool, without_archive: bool
) -> None:
    """Restore a backup into an empty store, and tell the gap.

    Stop all processes of the service first. The file is checked before the first write. An
    interrupted restore is run again; until its end no process starts on the store.
    """
    with file_errors("name a backup that this user may read"):
        reader = BackupReader(file)
        totals = reader.verify()
        with unused_store(create=True) as (settings, connection):
            gap = _gap(settings, reader, lost_at)
            _require_fit(settings, reader)
            if not without_archive:
                _require_archive(settings, reader)
            restoring.require_target(connection, replace=replace)
            if replace and not yes and not restoring.is_empty(connection):
                click.confirm("Delete all data of this store?", abort=True, err=True)
            found = _write(settings, connection, reader, totals)
            write_stamp(connection, Stamp(str(SCHEMA_VERSION), str(settings.shards), gap))
            restoring.settle(connection, KeySchema(settings.shards))
            missing = archive_check(settings, connection).missing()
    _tell(_Restored(reader, totals, gap, found))
    if ArchiveFolder(settings.archive_dir).name() and not reader.header.archive:
        click.echo(f"sms-receipt: {_TAKE_OVER.format(folder=settings.archive_dir)}", err=True)
    if missing:
        click.echo(f"sms-receipt: {_MISSING.format(files=', '.join(missing))}", err=True)


def _gap(settings: Settings, reader: BackupReader, lost_at: dt.datetime | None) -> RestoreGap:
    now = clock_for(settings.data_dir, movable=settings.movable_clock).now()
    lost = lost_at.replace(tzinfo=SHANGHAI) if lost_at else now
    begun = reader.header.service_time
    if not begun.replace(second=0, microsecond=0) <= lost <= now:
        raise CommandError(
            f"--lost-at must lie between the backup ({_in_china(begun)}) and now ({_in_china(now)})"
        )
    return RestoreGap(reader.header.begun, lost, now)


def _require_fit(settings: Settings, reader: BackupReader) -> None:
    header = reader.header
    if header.schema > SCHEMA_VERSION:
        raise BackupFileError(
            f"the backup has schema version {header.schema}, and this release knows versions up "
            f"to {SCHEMA_VERSION}: restore it with release {header.release} or later"
        )
    if header.shards != settings.shards:
        raise BackupFileError(
            f"the backup is of a store with SHARDS={header.shards}: set that value, here and for "
            f"the service (now {settings.shards})"
        )


def _require_archive(settings: Settings, reader: BackupReader) -> None:
    """Raises BackupFileError unless the archive of the backup is in its folder."""
    wanted, found = reader.header.archive, ArchiveFolder(settings.archive_dir).name()
    if wanted and wanted != found:
        state = "has that of another store" if found else "has none"
        raise BackupFileError(
            f"older receipts of this backup are in its archive, and {settings.archive_dir}"
            f" {state}: set ARCHIVE_DIR, or copy the archive there. Without them: --without-archive"
        )


def _write(
    settings: Settings, connection: RedisConnection, reader: BackupReader, totals: BackupTotals
) -> int:
    """Fill the store and upgrade its records; the version that they had."""
    keys = KeySchema(settings.shards)
    servers = connection.run_id()
    restoring.empty(connection, settings.shards)
    with progress_bar("Restoring", totals.keys) as reached:
        for passed in restoring.write(connection, reader.records()):
            reached(passed)
    restoring.settle(connection, keys)
    with progress_bar("Upgrading", STEPS) as reached:
        found = reader.header.schema
        upgrade_records(connection, keys, found, lambda share: reached(int(share * STEPS)))
    require_unused(connection)
    if connection.run_id() != servers:
        raise StoreUnavailableError(
            "a server of the store restarted or was replaced meanwhile: run the restore again"
        )
    return found


def _tell(done: _Restored) -> None:
    header, gap = done.reader.header, done.gap
    lost = gap.lost_at - header.service_time
    print_record(
        {
            "begun": header.begun.isoformat(),
            "ended": done.totals.ended.isoformat(),
            "lost_at": gap.lost_at.isoformat(),
            "gap_seconds": max(0, int(lost.total_seconds())),
            "keys": done.totals.keys,
            "customers": done.totals.customers,
            "receipts": done.totals.receipts,
            "schema_found": done.schema_found,
            "schema": SCHEMA_VERSION,
        },
        as_json=False,
    )
    begun, seconds = _in_china(header.service_time), max(0, round(lost.total_seconds()))
    click.echo(_NEXT.format(begun=begun, gap=dt.timedelta(seconds=seconds)), err=True)


def _in_china(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
