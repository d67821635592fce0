"""A store of its own for a measurement, and ways to fill it."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from receipts.store.local_server import LocalServer

SHARDS = 16

#: The time since when each customer has a subscription.
OPENED = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)


@contextmanager
def local_store() -> Iterator[Path]:
    """A new embedded server; yields its data folder."""
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as name:
        server = LocalServer(Path(name))
        server.start()
        try:
            yield Path(name)
        finally:
            server.stop(last_writes_seconds=0)


@contextmanager
def without_fsync(*clients: "redis.Redis") -> Iterator[None]:
    """Let servers not wait for the disk while the block fills them."""
    for client in clients:
        client.config_set("appendfsync", "no")
    yield
    for client in clients:
        client.config_set("appendfsync", "always")
