"""A store of another schema version is refused at start and left unchanged."""

import pytest
import redis

from receipts.ports.store import StoreUnavailableError
from receipts.store.connection import RedisConnection
from receipts.store.keys import GROUP, SCHEMA_VERSION, STAMP, KeySchema
from receipts.store.outbox import RedisOutbox
from tests.receipts.store.conftest import Dump


@pytest.fixture
def unopened(server: RedisConnection, keys: KeySchema) -> RedisOutbox:
    return RedisOutbox(server, keys)


def test_new_store_is_stamped(unopened: RedisOutbox, raw: "redis.Redis"):
    unopened.open()
    assert raw.hgetall(STAMP) == {b"schema": b"%d" % SCHEMA_VERSION, b"shards": b"16"}


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0])
def test_other_schema_version_is_refused_with_a_fix(
    unopened: RedisOutbox, raw: "redis.Redis", dump: Dump, version: int
):
    unopened.open()
    raw.hset(STAMP, "schema", version)
    before = dump()
    with pytest.raises(StoreUnavailableError) as refused:
        unopened.open()
    assert dump() == before
    assert str(refused.value) == (
        f"this store has schema version {version}, and this program needs schema version "
        f"{SCHEMA_VERSION}. Stored data of a later release, or of one without versions, is not "
        "read: use the release that wrote it, or start with an empty DATA_DIR or another database "
        "in REDIS_URL"
    )


def test_unstamped_store_is_refused(unopened: RedisOutbox, raw: "redis.Redis", dump: Dump):
    # The keys of a version without the stamp.
    raw.set("shards", 16)
    raw.xgroup_create("{s0}:outbox", GROUP, id="0", mkstream=True)
    before = dump()
    reason = "no schema version: an earlier version filled it"
    with pytest.raises(StoreUnavailableError, match=reason):
        unopened.open()
    assert dump() == before


def test_foreign_keys_do_not_prevent_the_stamp(unopened: RedisOutbox, raw: "redis.Redis"):
    raw.set("other", 1)
    unopened.open()
    assert raw.exists(STAMP)
