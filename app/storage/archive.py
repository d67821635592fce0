"""The archive of older receipts, in the folder of the settings."""

import datetime as dt

from app.settings import Settings
from app.storage.clients import StoreClients
from receipts.ports.clock import Clock
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.mover import ArchiveMover
from receipts.store.archive.reader import FileReceiptArchive
from receipts.store.archive.register import ArchiveRegister
from receipts.store.keys import KeySchema


def open_archive(clients: StoreClients, settings: Settings, clock: Clock) -> FileReceiptArchive:
    """The archive in ``ARCHIVE_DIR``."""

    def oldest() -> dt.datetime:
        return clock.now() - dt.timedelta(seconds=clients.store.retention.receipts)

    register = ArchiveRegister(clients.connection, KeySchema(settings.shards))
    return FileReceiptArchive(register, ArchiveFolder(settings.archive_dir), oldest)


def archive_mover(clients: StoreClients, settings: Settings, clock: Clock) -> ArchiveMover:
    """The mover into ``ARCHIVE_DIR``."""
    keys, folder = KeySchema(settings.shards), ArchiveFolder(settings.archive_dir)
    return ArchiveMover(clients.connection, keys, clients.store, folder, clock.now)
