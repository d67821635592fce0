"""The archive of older receipts, in the folder of the settings."""

import datetime as dt

from app.settings import Settings
from app.storage.clients import StoreClients
from receipts.ports.clock import Clock
from receipts.store.archive.check import ArchiveCheck
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.mover import ArchiveMover
from receipts.store.archive.reader import FileReceiptArchive
from receipts.store.archive.register import ArchiveRegister
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema


def open_archive(clients: StoreClients, settings: Settings, clock: Clock) -> FileReceiptArchive:
    """The archive in ``ARCHIVE_DIR``."""

    def oldest() -> dt.datetime:
        return clock.now() - dt.timedelta(seconds=clients.store.retention.receipts)

    register = archive_register(settings, clients.connection)
    return FileReceiptArchive(register, ArchiveFolder(settings.archive_dir), oldest)


def archive_mover(clients: StoreClients, settings: Settings, clock: Clock) -> ArchiveMover:
    """The mover into ``ARCHIVE_DIR``."""
    keys, folder = KeySchema(settings.shards), ArchiveFolder(settings.archive_dir)
    return ArchiveMover(clients.connection, keys, clients.store, folder, clock.now)


def archive_check(settings: Settings, connection: RedisConnection) -> ArchiveCheck:
    """The check of the archive in ``ARCHIVE_DIR``."""
    register = archive_register(settings, connection)
    return ArchiveCheck(register, ArchiveFolder(settings.archive_dir), settings.shards)


def archive_register(settings: Settings, connection: RedisConnection) -> ArchiveRegister:
    """What the store knows of its archive."""
    return ArchiveRegister(connection, KeySchema(settings.shards))
