"""A store that another version filled is refused at start, and stays as it is."""

from collections.abc import Callable

import pytest
import redis

from receipts.ports.store import StoreUnavailableError
from receipts.store.connection import RedisConnection
from receipts.store.keys import GROUP, SCHEMA_VERSION, STAMP, KeySchema
from receipts.store.outbox import RedisOutbox

Dump = Callable[[], dict[bytes, object]]


@pytest.fixture
def unopened(server: RedisConnection, keys: KeySchema) -> RedisOutbox:
    return RedisOutbox(server, keys)


def test_a_new_store_is_stamped_with_schema_version_and_shards(
    unopened: RedisOutbox, raw: "redis.Redis"
) -> None:
    unopened.open()
    assert raw.hgetall(STAMP) == {b"schema": b"%d" % SCHEMA_VERSION, b"shards": b"16"}


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0])
def test_another_schema_version_is_refused_with_both_versions_and_a_remedy(
    unopened: RedisOutbox, raw: "redis.Redis", whole: Dump, version: int
) -> None:
    unopened.open()
    raw.hset(STAMP, "schema", version)
    before = whole()
    with pytest.raises(StoreUnavailableError) as refused:
        unopened.open()
    assert whole() == before
    assert str(refused.value) == (
        f"this store has schema version {version}, and this program needs schema version "
        f"{SCHEMA_VERSION}. Stored data of another version is not read: start with an empty "
        "DATA_DIR, or with another database in REDIS_URL"
    )


def test_a_store_without_a_stamp_is_refused_as_one_of_an_earlier_version(
    unopened: RedisOutbox, raw: "redis.Redis", whole: Dump
) -> None:
    # As the versions before the stamp left it.
    raw.set("shards", 16)
    raw.xgroup_create("{s0}:outbox", GROUP, id="0", mkstream=True)
    before = whole()
    with pytest.raises(
        StoreUnavailableError, match="no schema version: an earlier version filled it"
    ):
        unopened.open()
    assert whole() == before


def test_keys_of_another_program_in_the_database_are_no_store(
    unopened: RedisOutbox, raw: "redis.Redis"
) -> None:
    raw.set("other", 1)
    unopened.open()
    assert raw.exists(STAMP)
