"""Checks of the store: durability, memory, disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from app.settings import Settings
from app.storage.archive import archive_register
from app.storage.clients import StoreClients
from commands.diagnostics.addresses import for_simulated_network
from commands.diagnostics.check import Check
from receipts.ports.store import StoreUnavailableError
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.connection import RedisConnection

#: Settings of a server that answers only when a write is on disk.
_DURABLE = {"appendonly": "yes", "appendfsync": "always"}

#: Shares of memory and disk, in per cent, from which there is little time left.
_FULL_PERCENT, _FREE_PERCENT = 80, 5

_MEBIBYTE = 1 << 20


def check_store(settings: Settings, clients: StoreClients) -> Iterator[Check]:
    """Check what the server writes to disk, and how much room it has."""
    where = store_name(settings)
    try:
        servers = clients.connection.servers()
        lax = {name: _lax(clients.connection, server) for name, server in servers.items()}
    except StoreUnavailableError:
        yield Check(True, f"store ({where}); it does not show whether it writes to disk")
    else:
        for name in filter(lax.get, lax):
            fix = ", ".join(f"{setting} {_DURABLE[setting]}" for setting in lax[name])
            subject = f"store ({name or where}) may lose confirmed changes"
            yield Check(False, subject, f"set {fix}", "StoreNotDurable")
        if not any(lax.values()):
            yield Check(True, f"store ({where}) writes to disk before it answers")
    try:
        for found in clients.connection.info():
            yield from _memory(found)
    except StoreUnavailableError:
        return  # the server does not tell


def _lax(connection: RedisConnection, server: "redis.Redis") -> list[str]:
    """The settings by which one server answers before a write is on disk."""
    found: Any = connection.run(lambda: server.config_get(*_DURABLE))
    return [name for name, value in _DURABLE.items() if found.get(name) != value]


def check_store_kind(settings: Settings) -> Iterator[Check]:
    """Warn of the embedded store where real customers are served."""
    if settings.redis_url or for_simulated_network(settings):
        return
    fix = "for production run a server of your own and set REDIS_URL (docs/operations.md)"
    yield Check(True, "REDIS_URL is unset: the embedded store is for trials and one machine", fix)


def store_name(settings: Settings) -> str:
    """Where the store is, for people."""
    return "REDIS_URL" if settings.redis_url else f"our own in {settings.data_dir}"


def _memory(info: dict[str, object]) -> Iterator[Check]:
    used, limit = _number(info, "used_memory"), _number(info, "maxmemory")
    policy, machine = str(info.get("maxmemory_policy", "")), _number(info, "total_system_memory")
    if limit and policy != "noeviction":
        subject = f"store drops records when it is full (maxmemory-policy {policy})"
        yield Check(False, subject, "set maxmemory-policy noeviction", "StoreDropsRecords")
    room = limit or machine
    if room and used * 100 >= room * _FULL_PERCENT:
        name = "maxmemory" if limit else "the machine's memory"
        subject = f"store uses {used * 100 // room} % of {name} ({room // _MEBIBYTE} MiB)"
        fix = "raise maxmemory or add memory: a full store takes no change"
        yield Check(False, subject, fix, "StoreFull")
    if info.get("aof_last_write_status", "ok") != "ok":
        fix = "free the disk of the store: until then it takes no change"
        yield Check(False, "store could not write to its disk", fix, "StoreCannotWrite")


def _number(info: dict[str, object], name: str) -> int:
    found = info.get(name)
    return found if isinstance(found, int) else 0


def check_folder(settings: Settings) -> Iterator[Check]:
    """Check that DATA_DIR can be written and its disk has room."""
    folder = settings.data_dir
    if not folder.is_dir():
        return  # the store's own check says so where it is needed
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "give it to the user of the service (chown)"
        yield Check(False, f"DATA_DIR={folder} cannot be written", fix)
    yield from _disk(folder)


def check_archive(settings: Settings, clients: StoreClients) -> Iterator[Check]:
    """Check that the archive of older receipts is the store's own and can be written."""
    folder, register = settings.archive_dir, archive_register(settings, clients.connection)
    known, found = register.name(), ArchiveFolder(folder).name()
    if not known:
        return  # nothing was archived yet
    if known != found:
        state = "is another store's" if found else "is missing or empty"
        fix = "set ARCHIVE_DIR, mount the folder, or copy it back (docs/backup.md)"
        yield Check(False, f"archive {folder} {state}: older receipts cannot be read", fix)
    elif not os.access(folder, os.W_OK | os.X_OK):
        fix = "give it to the user of the service (chown)"
        yield Check(False, f"archive {folder} cannot be written: receipts stay in the store", fix)
    else:
        yield Check(True, f"archive ({folder}) is the store's own")


def _disk(folder: Path) -> Iterator[Check]:
    disk = shutil.disk_usage(folder)
    if disk.free * 100 < disk.total * _FREE_PERCENT:
        subject = f"the disk of DATA_DIR is nearly full: {disk.free // _MEBIBYTE} MiB are free"
        yield Check(False, subject, "free some, or move DATA_DIR while the service is stopped")
