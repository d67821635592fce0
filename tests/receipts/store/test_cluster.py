"""The store on a Redis Cluster: three primaries with a replica each."""

import datetime as dt
import itertools
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from app.settings import Settings
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Deferred, OutboxEntry, Timer
from receipts.ports.store import ReportQuery, StoreUnavailableError
from receipts.store import cluster as store_cluster
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.redis_store import RedisStore
from receipts.worker.circuit_breaker import BreakerState
from receipts.worker.rate_limit import RateLimit
from tests.support.product import kill, until
from tests.support.redis_nodes import Cluster

pytestmark = pytest.mark.faults

NUMBERS = [Msisdn(f"+8613802880{tail:03}") for tail in range(200)]
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@dataclass
class Opened:
    """The parts of the store on one connection."""

    server: RedisConnection
    keys: KeySchema

    @property
    def store(self) -> RedisStore:
        return RedisStore(self.server, self.keys)

    @property
    def outbox(self) -> RedisOutbox:
        return RedisOutbox(self.server, self.keys)

    @property
    def archive(self) -> RedisBulkReader:
        return RedisBulkReader(self.server, self.keys)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def opened(cluster: Cluster) -> Iterator[Opened]:
    cluster.whole()
    for node in cluster.nodes:
        with node.client() as client, suppress(Exception):
            client.flushall()
    client = connected(Settings.read({"REDIS_URL": cluster.url}).redis_url)
    opened = Opened(RedisConnection(client), KeySchema(16))
    opened.outbox.open()
    yield opened
    client.close()


def _late(store: RedisStore, number: Msisdn) -> str:
    return store.receipt_id(number, f"a{number[-3:]}")


def _versions(store: RedisStore) -> set[int]:
    held = store.load_many([ReportQuery(n, n, "1") for n in NUMBERS])
    return {each.subscription.version for each in held}


def _to(version: int) -> list[ChangeSet]:
    return [ChangeSet(n, records=(Subscription(n, version),)) for n in NUMBERS]


def test_one_address_finds_the_whole_cluster(cluster: Cluster, opened: Opened):
    opened.store.commit_all(_to(1))
    client = connected(cluster.nodes[-1].url)
    assert _versions(RedisStore(RedisConnection(client), KeySchema(16))) == {1}
    client.close()


def test_changes_in_many_slots_are_independent(opened: Opened):
    store = opened.store
    assert {end.status for end in store.commit_all(_to(1))} == {CommitStatus.COMMITTED}
    again = store.commit_all([*_to(1)[:100], *_to(2)[100:]])
    expected = [CommitStatus.CONFLICT] * 100 + [CommitStatus.COMMITTED] * 100
    assert [end.status for end in again] == expected


def test_lost_scripts_are_loaded_on_all_nodes(cluster: Cluster, opened: Opened):
    opened.store.commit_all(_to(1))
    for node in cluster.nodes:
        with node.client() as client:
            client.script_flush()
    assert {end.status for end in opened.store.commit_all(_to(2))} == {CommitStatus.COMMITTED}
    assert _versions(opened.store) == {2}


def test_next_process_finds_the_consumer_groups(cluster: Cluster, opened: Opened):
    client = connected(cluster.url)
    RedisOutbox(RedisConnection(client), KeySchema(16)).open()
    with pytest.raises(StoreUnavailableError, match="SHARDS=16"):
        RedisOutbox(RedisConnection(client), KeySchema(8)).open()
    client.close()
    assert opened.outbox.fetch("w", 1, 0.01) == []


def test_batch_is_sent_to_all_nodes_before_the_first_reply_is_read(
    cluster: Cluster, opened: Opened, monkeypatch: pytest.MonkeyPatch
):
    opened.store.commit_all(_to(1))
    steps: list[str] = []
    for name in ("send", "receive"):
        step = getattr(store_cluster, name)

        def noted(*about: Any, name: str = name, step: Any = step) -> Any:  # noqa: ANN401
            steps.append(name)
            return step(*about)

        monkeypatch.setattr(store_cluster, name, noted)
    once = ["send"] * cluster.masters + ["receive"] * cluster.masters
    assert _versions(opened.store) == {1}
    assert steps == once
    opened.store.commit_all(_to(2))
    assert steps == once * 2


def test_entries_are_fetched_once_renewed_and_reclaimed(opened: Opened):
    posts = [ChangeSet(n, outbox=(opened.store.receipt_id(n, f"a{n[-3:]}"),)) for n in NUMBERS]
    opened.store.commit_all(posts)
    taken: list[OutboxEntry] = []
    while found := opened.outbox.fetch("one", 100, timeout=0.2):
        taken += found
    assert sorted(p.receipt_id for p in taken) == sorted(c.outbox[0] for c in posts)
    opened.outbox.renew_leases("one", taken)
    assert opened.outbox.reclaim("two", 60, 1000) == []
    reclaimed = opened.outbox.reclaim("two", 0, 10_000)
    assert sorted(p.entry for p in reclaimed) == sorted(p.entry for p in taken)
    opened.outbox.discard(taken)
    assert opened.outbox.reclaim("two", 0, 10_000) == []


def test_deferred_entries_are_fetched_by_age(opened: Opened):
    store = opened.store
    since = {n: NOW + dt.timedelta(seconds=place) for place, n in enumerate(NUMBERS)}
    for number in NUMBERS:
        receipt = Receipt(_late(store, number), number, "说", DisplayMode.FLASH, Language.ZH,
                          since[number], version=1)  # fmt: skip
        parked = Deferred(receipt.id, 1, "kannel", since[number])
        store.commit(ChangeSet(number, records=(receipt,)))
        store.commit(ChangeSet(number, deferred=(parked,)))
    assert sum(each.count for each in opened.outbox.backlog(["kannel", "twilio"])) == len(NUMBERS)
    taken = opened.outbox.fetch_deferred("one", "kannel", 20)
    assert {p.receipt_id for p in taken} == {_late(store, n) for n in NUMBERS[:20]}


def test_breaker_state_and_rate_limit_are_shared(opened: Opened):
    lines = RedisRateLimiter(opened.server)
    assert lines.save(BreakerState("kannel", 1, reason="away"))
    assert not lines.save(BreakerState("kannel", 1))
    assert lines.load(["kannel", "twilio"])["kannel"].reason == "away"
    paces = [RateLimit("kannel", 10), RateLimit("twilio 7500", 10)]
    assert all(given.count for given in lines.reserve(dict.fromkeys(paces, 1)).values())


def test_timers_of_all_slots_are_due(opened: Opened):
    opened.store.commit_all([ChangeSet(n, timers=(Timer("retry", n, "x", NOW),)) for n in NUMBERS])
    assert len(opened.outbox.due_timers(NOW, 1000)) == len(NUMBERS)


def test_scan_finds_each_customer_of_each_node_once(opened: Opened):
    opened.store.commit_all(_to(1))
    seen = [c.number for _, batch in opened.archive.customers() for c in batch]
    assert sorted(seen) == sorted(NUMBERS)
    assert opened.archive.server_run_id() == opened.archive.server_run_id()


def test_commit_without_a_replica_fails_and_so_does_its_repeat(cluster: Cluster, opened: Opened):
    store = opened.store
    store.commit_all(_to(1))
    # Stops the replica of the customer's primary, and no other node.
    customer = NUMBERS[0]
    master = cluster.master_of(KeySchema(16).subscription(customer))
    replicas = [node.pid for node in cluster.nodes if _follows(node, master.port)]
    # A replica that the cluster has marked as failed is not waited for.
    with cluster.patient():
        for pid in replicas:
            kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreUnavailableError, match="no replica"):
                store.commit(ChangeSet(customer, records=(Subscription(customer, 2),)))
            for nothing_new in (ChangeSet(customer), ChangeSet(customer, idempotency_key="alone")):
                with pytest.raises(StoreUnavailableError, match="no replica"):
                    store.commit(nothing_new)
        finally:
            for pid in replicas:
                kill(pid, signal.SIGCONT)
    until(lambda: _done(store, ChangeSet(customer)), 20, "the replica to be in step again")
    assert store.load(customer).subscription.version == 2


def test_killed_primary_loses_no_acknowledged_write(cluster: Cluster, opened: Opened):
    store = opened.store
    store.commit_all(_to(1))
    master = cluster.master_of(KeySchema(16).subscription(NUMBERS[0]))
    master.kill()
    try:
        until(lambda: _done(store, *_to(2)) or _versions_are(store, 2), 30, "another master")
        assert _versions(store) == {2}
    finally:
        master.start()
        cluster.whole()


def test_moved_slots_under_load_lose_and_repeat_no_change(cluster: Cluster, opened: Opened):
    store, over = opened.store, threading.Event()

    def write(numbers: Sequence[Msisdn]) -> int:
        """Commit events until stopped, each until acknowledged; return their number."""
        for place in itertools.count():
            number = numbers[place % len(numbers)]
            receipt_id = store.receipt_id(number, f"{place:x}")
            event = ChangeSet(number, idempotency_key=f"{number} {place}", outbox=(receipt_id,))
            until(lambda event=event: _known(store, event), 20, "an answer")
            if over.is_set():
                return place + 1
        raise AssertionError

    with ThreadPoolExecutor() as writers:
        counts = [writers.submit(write, NUMBERS[place::4]) for place in range(4)]
        try:
            fresh = cluster.grow()
            for shard in range(0, 16, 2):
                cluster.move(KeySchema.tagged(shard, "outbox"), fresh)
        finally:
            over.set()
        acknowledged = sum(count.result() for count in counts)
    found: list[OutboxEntry] = []
    while some := opened.outbox.fetch("one", 10_000, timeout=0.2):
        found += some
    assert len(found) == acknowledged
    assert acknowledged > 1000


def _known(store: RedisStore, event: ChangeSet) -> bool:
    try:
        return store.commit(event).status in {CommitStatus.COMMITTED, CommitStatus.DUPLICATE}
    except StoreUnavailableError:
        return False


def _done(store: RedisStore, *changes: ChangeSet) -> bool:
    try:
        return {end.status for end in store.commit_all(changes)} == {CommitStatus.COMMITTED}
    except StoreUnavailableError:
        return False


def _versions_are(store: RedisStore, version: int) -> bool:
    try:
        return _versions(store) == {version}
    except StoreUnavailableError:
        return False


def _follows(node, port: int) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with node.client() as client:
        told = client.info("replication")
    return bool(told["role"] == "slave" and told["master_port"] == port)
