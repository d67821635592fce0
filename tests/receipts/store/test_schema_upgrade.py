"""A store written by an earlier release is upgraded in steps, and its story goes on.

``stores/schema-1.backup`` was written by the release of 2026-11-29 before figures were counted: a
subscriber in Guangdong with receipts, one in Guangxi who has cancelled, one in Zhejiang asked to
confirm. ``sms-receipt backup`` made it from a real demo; its numbers are the demo's.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app import bootstrap
from app.settings import Settings
from receipts.model.figure import STANDING
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import StoreUnavailableError
from receipts.store.backup import restore
from receipts.store.backup.archive import BackupReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import SCHEMA_VERSION, STAMP, KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.schema import upgrades
from receipts.store.schema.stamp import Stamp, read_stamp, write_stamp
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock

FILE = Path(__file__).parent / "stores/schema-1.backup"
BEGUN = BackupReader(FILE).header.service_time

ACTIVE, ENDING, PENDING = "state|GD-1|active", "state|GX-1|ending", "state|ZJ-1|pending"
COUNTED = {ACTIVE: 1, ENDING: 1, PENDING: 1}


@pytest.fixture
def server(store_admin_url: str, raw: "redis.Redis") -> Iterator[RedisConnection]:
    """The server under a user with all rights, as an operator has them."""
    del raw
    with connected(store_admin_url) as client:
        yield RedisConnection(client)


@pytest.fixture
def clock() -> TestClock:
    return TestClock(BEGUN + dt.timedelta(minutes=1))


@pytest.fixture
def old_store(server: RedisConnection) -> RedisConnection:
    """The store of the earlier release; its records are as young as when they were saved."""
    aged_ms = int((dt.datetime.now(dt.UTC) - BackupReader(FILE).header.begun).total_seconds() * 1e3)
    records = (each._replace(expires_ms=each.expires_ms and each.expires_ms + aged_ms)
               for each in BackupReader(FILE).records())  # fmt: skip
    restore.empty(server, 16)
    assert list(restore.write(server, records))
    write_stamp(server, Stamp("1", "16"))
    return server


@pytest.fixture
def settings(settings: Settings, old_store: RedisConnection) -> Settings:
    """Settings on the upgraded store."""
    assert upgrades.upgrade(old_store, KeySchema(16), lambda _: None) == 1
    return settings


def standing(raw: "redis.Redis") -> dict[str, int]:
    names = [KeySchema(16).figures(shard, STANDING) for shard in range(16)]
    found = [pair for name in names for pair in raw.hgetall(name).items()]
    return {name.decode(): int(count) for name, count in found}


def test_an_earlier_store_is_refused_with_the_command_for_it(old_store: RedisConnection):
    with pytest.raises(StoreUnavailableError, match="sms-receipt store upgrade"):
        RedisOutbox(old_store, KeySchema(16)).open()
    assert read_stamp(old_store) == Stamp("1", "16")


def test_upgrade_counts_the_customers_that_the_store_has(settings: Settings, raw: "redis.Redis"):
    del settings
    assert standing(raw) == COUNTED
    assert raw.hget(STAMP, "schema") == b"%d" % SCHEMA_VERSION


def test_changes_that_were_counted_alone_give_way_to_the_sums(
    old_store: RedisConnection, raw: "redis.Redis"
):
    raw.hset("{s10}:figures:standing", mapping={ACTIVE: -3, "state|GD-0|active": 2})
    upgrades.upgrade(old_store, KeySchema(16), lambda _: None)
    assert standing(raw) == COUNTED


def test_an_interrupted_upgrade_is_refused_and_run_again(
    old_store: RedisConnection, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise StoreUnavailableError("the store is away")

    with monkeypatch.context() as patch:
        patch.setitem(upgrades.STEPS, 1, broken)
        with pytest.raises(StoreUnavailableError, match="away"):
            upgrades.upgrade(old_store, KeySchema(16), lambda _: None)
    assert raw.hget(STAMP, "schema") == b"upgrading from 1"
    with pytest.raises(StoreUnavailableError, match="sms-receipt store upgrade"):
        RedisOutbox(old_store, KeySchema(16)).open()
    assert upgrades.upgrade(old_store, KeySchema(16), lambda _: None) == 1
    assert standing(raw) == COUNTED


def test_a_step_leads_on_from_each_version_before_this_one():
    assert sorted(upgrades.STEPS) == list(range(1, SCHEMA_VERSION))


def test_the_story_goes_on_in_the_upgraded_store(
    network: Network, built: bootstrap.Container, raw: "redis.Redis"
):
    store = built.store
    before = store.receipts_of(Msisdn(GUANGDONG), None, None)
    assert [each.state for each in before][:1] == ["delivered"]
    assert [each.fen for each in store.charges_of(before[0].number, ["2026-11"])] == [100]
    network.text(ZHEJIANG, "是")
    network.status("SMnew", "delivered", GUANGDONG)
    opened = store.load(Msisdn(ZHEJIANG)).subscription
    assert opened.state == "active"
    assert standing(raw) == {ACTIVE: 1, ENDING: 1, PENDING: 0, "state|ZJ-1|active": 1}
    assert len(store.receipts_of(before[0].number, None, None)) == len(before) + 1
    assert built.clients.bulk_reader.consent(opened.number)[-1].action == "confirm"
