"""The outbox: workers share it, and reclaim the entries of silent workers."""

import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, OutboxEntry, Timer
from receipts.ports.store import StoreUnavailableError
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection
from receipts.store.keys import GROUP, KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.receipts.store.conftest import NOW

NUMBERS = [Msisdn(f"+86138028800{tail:02}") for tail in range(60)]


@pytest.fixture
def posted(store: RedisStore) -> list[str]:
    """Sixty receipts of sixty customers in the outbox."""
    ids = [store.receipt_id(number, number.digits) for number in NUMBERS]
    store.commit_all(
        [ChangeSet(number, outbox=(ident,)) for number, ident in zip(NUMBERS, ids, strict=True)]
    )
    return ids


def ids(entries: Sequence[OutboxEntry]) -> list[str]:
    return sorted(entry.receipt_id for entry in entries)


def customer_of(entry: OutboxEntry) -> Msisdn:
    return Msisdn("+" + entry.receipt_id.partition("-")[2])


def all_of(outbox: RedisOutbox, worker: str) -> list[OutboxEntry]:
    taken: list[OutboxEntry] = []
    while more := outbox.fetch(worker, 32, 0):
        taken += more
    return taken


def test_each_entry_goes_to_one_worker(outbox: RedisOutbox, posted: list[str]):
    with ThreadPoolExecutor(4) as pool:
        hands = list(pool.map(lambda worker: all_of(outbox, worker), "abcd"))
    assert ids([entry for hand in hands for entry in hand]) == sorted(posted)
    assert all_of(outbox, "e") == []


def test_entry_has_its_shard(outbox: RedisOutbox, keys: KeySchema, posted: list[str]):
    del posted
    for entry in all_of(outbox, "a"):
        assert entry.shard == keys.shard_of_receipt(entry.receipt_id)


@pytest.mark.parametrize("limit", [16, 32, 100])
def test_fetch_and_reclaim_respect_the_limit(outbox: RedisOutbox, posted: list[str], limit: int):
    assert 0 < len(outbox.fetch("a", limit, 0)) <= min(limit, len(posted))
    all_of(outbox, "a")
    assert 0 < len(outbox.reclaim("b", 0, limit)) <= min(limit, len(posted))


def test_fetch_blocks_on_an_empty_outbox(outbox: RedisOutbox, store: RedisStore):
    began = time.monotonic()
    assert outbox.fetch("a", 16, 0.2) == []
    assert time.monotonic() - began >= 0.19
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outbox.fetch, "a", 16, 30.0)
        time.sleep(0.05)
        store.commit(ChangeSet(NUMBERS[0], outbox=("0-1",)))
        assert ids(waiting.result(timeout=20)) == ["0-1"]


def test_entries_of_a_silent_worker_are_reclaimed(outbox: RedisOutbox, posted: list[str]):
    held = all_of(outbox, "dead")
    assert outbox.reclaim("alive", 5, 1600) == []
    assert ids(outbox.reclaim("alive", 0, 1600)) == sorted(posted)
    outbox.discard(held)
    assert outbox.reclaim("third", 0, 1600) == []


def test_renewed_entries_are_not_reclaimed(outbox: RedisOutbox, posted: list[str]):
    held = all_of(outbox, "busy")
    time.sleep(1.1)
    outbox.renew_leases("busy", held[:5])
    assert ids(outbox.reclaim("other", 1.0, 1600)) == sorted(set(posted) - set(ids(held[:5])))


def test_renewal_does_not_restore_acknowledged_entries(
    outbox: RedisOutbox, store: RedisStore, raw: "redis.Redis", keys: KeySchema, posted: list[str]
):
    del posted
    held = all_of(outbox, "busy")
    done = held[0]
    store.commit(ChangeSet(customer_of(done), acked=(done,)))
    outbox.renew_leases("busy", held)
    outbox.renew_leases("busy", [])
    assert done not in outbox.reclaim("other", 0, 1600)
    waiting = sum(raw.xpending(keys.outbox(shard), GROUP)["pending"] for shard in range(16))
    assert waiting == len(held) - 1


def test_acknowledged_and_discarded_entries_are_removed(
    outbox: RedisOutbox, store: RedisStore, raw: "redis.Redis", keys: KeySchema, posted: list[str]
):
    del posted
    done, *rest = all_of(outbox, "a")
    store.commit(ChangeSet(customer_of(done), acked=(done,)))
    outbox.discard(rest)
    outbox.discard([])
    assert sum(raw.xlen(keys.outbox(shard)) for shard in range(16)) == 0
    assert sum(raw.xpending(keys.outbox(s), GROUP)["pending"] for s in range(16)) == 0


def test_due_timers_of_all_shards_come_oldest_first(outbox: RedisOutbox, store: RedisStore):
    timers = [
        Timer("lapse", number, f"a|b {place}", NOW - dt.timedelta(seconds=(place * 37) % 60))
        for place, number in enumerate(NUMBERS)
    ]
    store.commit_all([ChangeSet(timer.number, timers=(timer,)) for timer in timers])
    late = Timer("end", NUMBERS[0], "", NOW + dt.timedelta(microseconds=1))
    store.commit(ChangeSet(NUMBERS[0], timers=(late,)))
    expected = sorted(timers, key=lambda timer: timer.at or NOW)
    assert outbox.due_timers(NOW, 100) == expected
    assert outbox.due_timers(NOW, 7) == expected[:7]
    assert outbox.due_timers(NOW - dt.timedelta(hours=1), 7) == []


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_give_the_same_results(
    store_url: str, keys: KeySchema, posted: list[str], protocol: int
):
    with redis.Redis.from_url(store_url, protocol=protocol) as client:
        spoken = RedisOutbox(RedisConnection(client), keys)
        assert ids(all_of(spoken, "a")) == sorted(posted)
        assert ids(spoken.reclaim("b", 0, 1600)) == sorted(posted)
        assert spoken.fetch("a", 16, 0) == []
        store = RedisStore(RedisConnection(client), keys)
        timer = Timer("end", NUMBERS[0], "", NOW)
        store.commit(ChangeSet(NUMBERS[0], timers=(timer,), counters=("reports",)))
        assert RedisBulkReader(RedisConnection(client), keys).counts() == {"reports": 1}
        assert spoken.due_timers(NOW, 5) == [Timer("end", NUMBERS[0], "", NOW)]


def test_outbox_key_of_a_wrong_type_is_refused(
    raw: "redis.Redis", server: RedisConnection, keys: KeySchema
):
    raw.set(keys.outbox(3), "not ours")
    with pytest.raises(StoreUnavailableError, match="WRONGTYPE"):
        RedisOutbox(server, keys).open()
