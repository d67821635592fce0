"""The store on the real server, and ways to look behind it."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import redis

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore

NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)


@pytest.fixture
def keys() -> KeySchema:
    return KeySchema(16)


@pytest.fixture
def server(store_url: str, raw: "redis.Redis") -> Iterator[RedisConnection]:
    del raw
    with connected(store_url) as client:
        yield RedisConnection(client)


@pytest.fixture
def outbox(server: RedisConnection, keys: KeySchema) -> RedisOutbox:
    made = RedisOutbox(server, keys)
    made.open()
    return made


@pytest.fixture
def store(server: RedisConnection, keys: KeySchema, outbox: RedisOutbox) -> RedisStore:
    """The store as a service opens it: the outbox ready."""
    del outbox
    return RedisStore(server, keys)


@pytest.fixture
def whole(raw: "redis.Redis") -> Callable[[], dict[bytes, object]]:
    """Everything that lies in the server, each key with its value and its end."""

    def dump() -> dict[bytes, object]:
        return {key: (raw.dump(key), raw.pexpiretime(key)) for key in raw.scan_iter(count=1000)}

    return dump


@pytest.fixture
def due(store: RedisStore) -> Callable[..., Receipt]:
    """A receipt that waits to be sent."""

    def make(number: Msisdn, seed: str = "1") -> Receipt:
        return Receipt(
            store.receipt_id(number, seed),
            number,
            "text",
            DisplayMode.TEXT,
            Language.ZH,
            NOW,
            version=1,
        )

    return make
