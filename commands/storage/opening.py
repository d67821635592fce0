"""Connections to a store beside its service, or instead of it."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.settings import Settings
from commands.params import read_settings
from receipts.store.backup.exclusive import CLIENT_NAME, require_unused
from receipts.store.connection import RedisConnection, connected
from receipts.store.local_server import LocalServer, StoreNotReadyError, running_server_url

#: A worker that waits for the store of its folder connects within half a second.
_WAIT_SECONDS = 0.8


@contextmanager
def any_store() -> Iterator[tuple[Settings, RedisConnection]]:
    """A store that runs; one of a data folder that does not is started meanwhile.

    Never creates one. Raises SettingsError or StoreUnavailableError.
    """
    settings = read_settings()
    try:
        url = settings.redis_url or running_server_url(settings.data_dir)
    except StoreNotReadyError:
        if not _has_data(settings):
            raise
        with _owned(settings) as connection:
            yield settings, connection
    else:
        with closing(connected(url)) as client:
            yield settings, RedisConnection(client)


@contextmanager
def unused_store(*, create: bool) -> Iterator[tuple[Settings, RedisConnection]]:
    """A store that no other process uses; that of a data folder is started meanwhile.

    Raises SettingsError or StoreUnavailableError.
    """
    settings = read_settings()
    if settings.redis_url:
        with closing(connected(settings.redis_url, CLIENT_NAME)) as client:
            connection = RedisConnection(client)
            require_unused(connection)
            yield settings, connection
        return
    if not create and not _has_data(settings):
        running_server_url(settings.data_dir)
    with _owned(settings) as connection:
        time.sleep(_WAIT_SECONDS)
        require_unused(connection)
        yield settings, connection


def _has_data(settings: Settings) -> bool:
    return (settings.data_dir / "store" / "aof").exists()


@contextmanager
def _owned(settings: Settings) -> Iterator[RedisConnection]:
    server = LocalServer(settings.data_dir)
    server.start()
    try:
        with closing(connected(running_server_url(settings.data_dir), CLIENT_NAME)) as client:
            yield RedisConnection(client)
    finally:
        server.stop(last_writes_seconds=0)
