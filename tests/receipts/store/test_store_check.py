"""The check names each kind of damage with its fix, and finds none in a healthy store."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import redis

from app import bootstrap
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.store.check.findings import FIXES, DamageKind
from receipts.store.check.repair import Repair
from receipts.store.check.shapes import named
from receipts.store.check.store_check import StoreCheck
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.schema.upgrades import count_customers
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock

ANNA = Msisdn(GUANGDONG)
KEYS = KeySchema(16)
_K = DamageKind

Found = Callable[[], dict[DamageKind, list[str]]]


@pytest.fixture
def admin(store_admin_url: str) -> Iterator[RedisConnection]:
    with connected(store_admin_url) as client:
        yield RedisConnection(client)


@pytest.fixture
def found(admin: RedisConnection, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> Found:
    """Check the store; the keys of the findings by kind."""
    monkeypatch.setattr("receipts.store.check.store_check._PAUSE_SECONDS", 0.01)

    def check() -> dict[DamageKind, list[str]]:
        listed: dict[DamageKind, list[str]] = {}
        for each in StoreCheck(admin, KEYS, dt.timedelta(days=28)).findings(clock.now()):
            listed.setdefault(each.kind, []).append(each.key)
        return listed

    return check


@pytest.fixture
def story(network: Network) -> Network:
    """A subscriber with receipts, one who has cancelled, one who is asked, and passers-by."""
    network.open()
    network.open(JILIN)
    network.text(JILIN, "QXDXHZ")
    network.text(JILIN, "TD")
    network.text(ZHEJIANG, "开通短信回执")
    for message in ("SM1", "SM2"):
        network.status(message, "delivered")
    network.status("SM3", "undelivered", ZHEJIANG, GUANGDONG)
    network.text("+8613001012345", "hello")
    network.text(GUANGDONG, "PT")
    return network


def receipts(built: bootstrap.Container) -> list[Receipt]:
    return built.store.receipts_of(ANNA, None, None)


def test_a_healthy_store_has_no_finding(story: Network, found: Found):
    del story
    assert found() == {}


def test_every_kind_has_a_fix():
    assert FIXES.keys() == set(DamageKind)


@pytest.mark.parametrize("key", ["{s3}:settled", "{line:kannel}:settled", "{note:seen}:settled"])
def test_marks_of_a_cluster_are_known(key: str):
    assert named(key.encode()) is not None


def test_each_damage_is_named(
    story: Network, built: bootstrap.Container, raw: "redis.Redis", found: Found
):
    del story
    receipt, gone = receipts(built)[-1], receipts(built)[0]
    own = KEYS.receipt(10, receipt.id)
    owner, chain = KEYS.owner(ANNA), KEYS.consent(ANNA)
    raw.set("other", 1)
    raw.set("{s3}:new:thing", 1)
    raw.hset(owner, "field", 1)
    raw.set("{s3}:sub:8613802880000", "1|{}")
    astray = own.replace("{s10}", "{s3}")
    raw.copy(own, astray)
    raw.persist(own)
    raw.delete(KEYS.receipt(10, gone.id))
    raw.lset(chain, 0, raw.lindex(chain, 0).replace(b"order", b"ordeR"))
    raw.hincrby("{s10}:figures:standing", "state|GD-1|active", 5)
    names = found()
    assert names.pop(_K.UNKNOWN_KEY) in (["other", "{s3}:new:thing"], ["{s3}:new:thing", "other"])
    assert names.pop(_K.WRONG_TYPE) == [owner]
    assert sorted(names.pop(_K.WRONG_SHARD)) == [astray, "{s3}:sub:8613802880000"]
    assert names.pop(_K.NO_EXPIRY) == [own]
    assert names.pop(_K.RECEIPT_MISSING) == [KEYS.receipts(ANNA)]
    assert names.pop(_K.ENTRY_WITHOUT_RECEIPT) == ["{s10}:outbox"]
    assert names.pop(_K.CHAIN_BROKEN) == [chain]
    assert names.pop(_K.FIGURE_WRONG) == ["{s10}:figures:standing"]
    assert names == {_K.UNREADABLE: ["{s3}:sub:8613802880000"]}


@pytest.mark.parametrize("damage", [b"", b"1|", b"no record", b'7|{"n":1}', b"\xff\xfe"])
def test_an_unreadable_record_ends_no_check(
    story: Network, raw: "redis.Redis", found: Found, damage: bytes
):
    del story
    raw.set(KEYS.subscription(ANNA), damage)
    assert found()[_K.UNREADABLE] == [KEYS.subscription(ANNA)]


def test_damage_of_queues_timers_and_lists_is_repaired(
    story: Network,
    built: bootstrap.Container,
    raw: "redis.Redis",
    found: Found,
    admin: RedisConnection,
    clock: TestClock,
):
    del story
    month = clock.now().strftime("%Y-%m")
    zhejiang = Msisdn(ZHEJIANG)
    raw.delete("{s10}:outbox", KEYS.timers(KEYS.shard(zhejiang)))
    raw.zadd(KEYS.unsure(10), {receipts(built)[0].id: 1})
    raw.delete(KEYS.charged(10, month))
    before = found()
    assert before.keys() == {
        _K.NOT_QUEUED, _K.WRONGLY_UNSURE, _K.CHARGES_NOT_LISTED, _K.TIMER_MISSING,
    }  # fmt: skip
    assert len(before[_K.NOT_QUEUED]) >= 2
    check = StoreCheck(admin, KEYS, dt.timedelta(days=28))
    assert all(Repair(admin, KEYS).apply(each) for each in check.findings(clock.now()))
    assert found() == {}
    assert raw.ttl(KEYS.charged(10, month)) == raw.ttl(KEYS.charges(ANNA, month))
    (timer,) = built.clients.bulk_reader.timers_of(zhejiang)
    assert timer.at == built.store.load(zhejiang).subscription.order.expires_at


def test_charges_without_an_end_are_listed(
    story: Network, raw: "redis.Redis", found: Found, admin: RedisConnection, clock: TestClock
):
    del story
    month = clock.now().strftime("%Y-%m")
    raw.persist(KEYS.charges(ANNA, month))
    raw.delete(KEYS.charged(10, month))
    (damage,) = (
        each
        for each in StoreCheck(admin, KEYS, dt.timedelta(days=28)).findings(clock.now())
        if each.kind is _K.CHARGES_NOT_LISTED
    )
    assert Repair(admin, KEYS).apply(damage)
    assert raw.sismember(KEYS.charged(10, month), ANNA)
    assert _K.CHARGES_NOT_LISTED not in found()


def test_wrong_figures_are_counted_anew(
    story: Network, raw: "redis.Redis", found: Found, admin: RedisConnection
):
    del story
    raw.delete("{s10}:figures:standing")
    assert found().keys() == {_K.FIGURE_WRONG}
    count_customers(admin, KEYS, lambda _: None)
    assert found() == {}


def test_late_timers_are_named(story: Network, found: Found, clock: TestClock):
    del story
    clock.move(days=3)
    assert found().keys() == {_K.TIMERS_LATE}
