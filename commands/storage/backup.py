"""The command `backup`."""

import datetime as dt
from importlib.metadata import version
from pathlib import Path

import click

from app.clock import clock_for
from app.settings import Settings
from commands.params import examples, file_errors
from commands.storage.opening import any_store
from commands.tables import print_record, progress_bar
from receipts.ports.store import StoreUnavailableError
from receipts.store.backup.archive import BackupHeader, BackupTotals, BackupWriter, new_file
from receipts.store.backup.create import copy_all
from receipts.store.connection import RedisConnection
from receipts.store.schema.stamp import check_shards, check_version, read_stamp

#: Steps of the progress bar.
STEPS = 1000


@click.command(epilog=examples("backup /backups/2026-11-30.backup"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Back up the store into a new file, while the service runs.

    The file has all that was acknowledged before it was begun, and phone numbers: keep it
    encrypted. It has no secret; keep SECRETS_FILE and RULE_BOOK apart.
    """
    advice = "name a new file in a folder that this user may write, on a disk with room"
    with any_store() as (settings, connection), file_errors(advice):
        header = _header(settings, connection)
        with new_file(file) as out:
            totals = _written(connection, BackupWriter(out, header))
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
        },
        as_json=False,
    )


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
    )


def _written(connection: RedisConnection, writer: BackupWriter) -> BackupTotals:
    with progress_bar("Backing up", STEPS) as reached:
        copy_all(connection, writer, lambda share: reached(int(share * STEPS)))
    return writer.close(dt.datetime.now(dt.UTC))
