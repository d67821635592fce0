"""The store on a Redis Cluster: three primaries with a replica each."""

import datetime as dt
import itertools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.protection.limit_storage import code_limits
from app.settings import Settings
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.staff import StaffAct
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import (
    ChangeSet,
    CommitStatus,
    Deferred,
    DeliveryResult,
    OutboxEntry,
    Timer,
)
from receipts.ports.store import ReportQuery, StoreUnavailableError
from receipts.store import cluster as store_cluster
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.mover import ArchiveMover
from receipts.store.archive.reader import FileReceiptArchive
from receipts.store.archive.register import ArchiveRegister
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from receipts.store.staff.staff_store import RedisStaffStore
from receipts.worker.circuit_breaker import BreakerState
from receipts.worker.rate_limit import RateLimit
from statemachines.provider import ProviderState
from statemachines.receipt import ReceiptState
from tests.support.product import kill, until
from tests.support.redis_nodes import Cluster

pytestmark = pytest.mark.faults

NUMBERS = [Msisdn(f"+8613802880{tail:03}") for tail in range(200)]
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[RedisConnection]:
    """The empty cluster, in place of the one server of the shared fixtures."""
    cluster.whole()
    for node in cluster.nodes:
        with node.client() as client, suppress(Exception):
            client.flushall()
    with connected(Settings.read({"REDIS_URL": cluster.url}).redis_url) as client:
        yield RedisConnection(client)


def _late(store: RedisStore, number: Msisdn) -> str:
    return store.receipt_id(number, f"a{number[-3:]}")


def _versions(store: RedisStore) -> set[int]:
    held = store.load_many([ReportQuery(n, n, "1") for n in NUMBERS])
    return {each.subscription.version for each in held}


def _to(version: int) -> list[ChangeSet]:
    return [ChangeSet(n, records=(Subscription(n, version),)) for n in NUMBERS]


def test_one_address_finds_the_whole_cluster(cluster: Cluster, store: RedisStore, keys: KeySchema):
    store.commit_all(_to(1))
    with connected(cluster.nodes[-1].url) as client:
        assert _versions(RedisStore(RedisConnection(client), keys)) == {1}


def test_changes_in_many_slots_are_independent(store: RedisStore):
    assert _all_commit(store, _to(1))
    again = store.commit_all([*_to(1)[:100], *_to(2)[100:]])
    expected = [CommitStatus.CONFLICT] * 100 + [CommitStatus.COMMITTED] * 100
    assert [end.status for end in again] == expected


def test_lost_scripts_are_loaded_on_all_nodes(cluster: Cluster, store: RedisStore):
    store.commit_all(_to(1))
    for node in cluster.nodes:
        with node.client() as client:
            client.script_flush()
    assert _all_commit(store, _to(2))
    assert _versions(store) == {2}


def test_next_process_finds_the_consumer_groups(
    cluster: Cluster, outbox: RedisOutbox, keys: KeySchema
):
    with connected(cluster.url) as client:
        RedisOutbox(RedisConnection(client), keys).open()
        with pytest.raises(StoreUnavailableError, match="SHARDS=16"):
            RedisOutbox(RedisConnection(client), KeySchema(8)).open()
    assert outbox.fetch("w", 1, 0.01) == []


def test_batch_is_sent_to_all_nodes_before_the_first_reply_is_read(
    cluster: Cluster, store: RedisStore, monkeypatch: pytest.MonkeyPatch
):
    store.commit_all(_to(1))
    steps: list[str] = []
    for name in ("send", "receive"):
        step = getattr(store_cluster, name)

        def noted(*about: Any, name: str = name, step: Any = step) -> Any:  # noqa: ANN401
            steps.append(name)
            return step(*about)

        monkeypatch.setattr(store_cluster, name, noted)
    once = ["send"] * cluster.masters + ["receive"] * cluster.masters
    assert _versions(store) == {1}
    assert steps == once
    store.commit_all(_to(2))
    assert steps == once * 2


def test_entries_are_fetched_once_renewed_and_reclaimed(store: RedisStore, outbox: RedisOutbox):
    posts = [ChangeSet(n, outbox=(store.receipt_id(n, f"a{n[-3:]}"),)) for n in NUMBERS]
    store.commit_all(posts)
    taken: list[OutboxEntry] = []
    while found := outbox.fetch("one", 100, timeout=0.2):
        taken += found
    assert sorted(p.receipt_id for p in taken) == sorted(c.outbox[0] for c in posts)
    outbox.renew_leases("one", taken)
    assert outbox.reclaim("two", 60, 1000) == []
    reclaimed = outbox.reclaim("two", 0, 10_000)
    assert sorted(p.entry for p in reclaimed) == sorted(p.entry for p in taken)
    outbox.discard(taken)
    assert outbox.reclaim("two", 0, 10_000) == []


def test_workers_and_results_of_all_slots_are_read(
    server: RedisConnection, store: RedisStore, outbox: RedisOutbox, keys: KeySchema
):
    outbox.open()
    assert outbox.workers_idle_seconds() == []
    outbox.fetch("one", 10, 0)
    (idle_seconds,) = outbox.workers_idle_seconds()
    assert idle_seconds < 5
    for turn, number in enumerate(NUMBERS[:60]):
        at = NOW + dt.timedelta(seconds=turn)
        store.commit(ChangeSet(number, results=(DeliveryResult("twilio", at, str(turn)),)))
    found = RedisBulkReader(server, keys).results("twilio")
    assert [each.code for each in found] == [str(turn) for turn in range(59, 39, -1)]
    assert {str(info["maxmemory_policy"]) for info in server.info()} == {"noeviction"}


def test_deferred_entries_are_fetched_by_age(store: RedisStore, outbox: RedisOutbox):
    since = {n: NOW + dt.timedelta(seconds=place) for place, n in enumerate(NUMBERS)}
    for number in NUMBERS:
        receipt = Receipt(_late(store, number), number, "说", DisplayMode.FLASH, Language.ZH,
                          since[number], version=1)  # fmt: skip
        parked = Deferred(receipt.id, 1, "kannel", since[number])
        store.commit(ChangeSet(number, records=(receipt,)))
        store.commit(ChangeSet(number, deferred=(parked,)))
    assert sum(each.count for each in outbox.backlog(["kannel", "twilio"])) == len(NUMBERS)
    taken = outbox.fetch_deferred("one", "kannel", 20)
    assert {p.receipt_id for p in taken} == {_late(store, n) for n in NUMBERS[:20]}


def test_breaker_state_and_rate_limit_are_shared(server: RedisConnection):
    lines = RedisRateLimiter(server, RetentionSeconds)
    assert lines.save(BreakerState("kannel", 1, reason="away"))
    assert not lines.save(BreakerState("kannel", 1))
    assert lines.load(["kannel", "twilio"])["kannel"].reason == "away"
    act = StaffAct(NOW, "olga", "provider_hold", "kannel", "contract ended")
    held = BreakerState("kannel", 2, ProviderState.HELD, NOW, reason="contract ended")
    assert lines.switch(held, act, "form-1")
    assert lines.switch(held, act, "form-1")
    assert not lines.switch(held, act, "form-2")
    assert lines.load(["kannel"])["kannel"] == held
    assert [*RedisStaffStore(server, lambda: 60).acts("2026-11")] == [[act]]
    paces = [RateLimit("kannel", 10), RateLimit("twilio 7500", 10)]
    assert all(given.count for given in lines.reserve(dict.fromkeys(paces, 1)).values())


def test_timers_of_all_slots_are_due(store: RedisStore, outbox: RedisOutbox):
    store.commit_all([ChangeSet(n, timers=(Timer("retry", n, "x", NOW),)) for n in NUMBERS])
    assert len(outbox.due_timers(NOW, 1000)) == len(NUMBERS)


def test_scan_finds_each_customer_of_each_node_once(
    server: RedisConnection, keys: KeySchema, store: RedisStore
):
    store.commit_all(_to(1))
    archive = RedisBulkReader(server, keys)
    seen = [c.number for _, batch in archive.customers() for c in batch]
    assert sorted(seen) == sorted(NUMBERS)
    assert archive.server_run_id() == archive.server_run_id()


def test_commit_without_a_replica_fails_and_so_does_its_repeat(
    cluster: Cluster, store: RedisStore, keys: KeySchema
):
    store.commit_all(_to(1))
    # Stops the replica of the customer's primary, and no other node.
    customer = NUMBERS[0]
    master = cluster.master_of(keys.subscription(customer))
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
    _await(lambda: _all_commit(store, [ChangeSet(customer)]), "the replica to be in step again")
    assert store.load(customer).subscription.version == 2


def test_killed_primary_loses_no_acknowledged_write(
    cluster: Cluster, store: RedisStore, keys: KeySchema
):
    store.commit_all(_to(1))
    master = cluster.master_of(keys.subscription(NUMBERS[0]))
    master.kill()
    try:
        _await(lambda: _all_commit(store, _to(2)) or _versions(store) == {2}, "another master")
        assert _versions(store) == {2}
    finally:
        master.start()
        cluster.whole()


def test_moved_slots_under_load_lose_and_repeat_no_change(
    cluster: Cluster, store: RedisStore, outbox: RedisOutbox
):
    over, known = threading.Event(), {CommitStatus.COMMITTED, CommitStatus.DUPLICATE}

    def write(numbers: Sequence[Msisdn]) -> int:
        """Commit events until stopped, each until acknowledged; return their number."""
        for place in itertools.count():
            number = numbers[place % len(numbers)]
            receipt_id = store.receipt_id(number, f"{place:x}")
            event = ChangeSet(number, idempotency_key=f"{number} {place}", outbox=(receipt_id,))
            _await(lambda event=event: store.commit(event).status in known, "an answer")
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
    while some := outbox.fetch("one", 10_000, timeout=0.2):
        found += some
    assert len(found) == acknowledged
    assert acknowledged > 1000


def _all_commit(store: RedisStore, changes: Sequence[ChangeSet]) -> bool:
    return {end.status for end in store.commit_all(changes)} == {CommitStatus.COMMITTED}


def _await(check: Callable[[], bool], why: str) -> None:
    """Wait for a check that may find the store unavailable at first."""

    def holds() -> bool:
        with suppress(StoreUnavailableError):
            return check()
        return False

    until(holds, why=why)


def _follows(node, port: int) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with node.client() as client:
        told = client.info("replication")
    return bool(told["role"] == "slave" and told["master_port"] == port)


def test_limits_of_code_requests_hold_on_a_cluster(server: RedisConnection):
    limits = code_limits(server, Settings.read({"HOME": "/", "CODES_PER_VISITOR": "2"}))
    waits = [limits.wait_seconds(visitor, "203.0.113.7") for visitor in ("a", "a", "a", "b", "b")]
    assert [bool(wait) for wait in waits] == [False, False, True, False, False]
    assert [limits.is_first(form) for form in ("f", "g", "f")] == [True, True, False]


def test_receipts_move_to_the_archive(
    server: RedisConnection, store: RedisStore, keys: KeySchema, tmp_path: Path
):
    ended = [
        Receipt(store.receipt_id(number, f"{index}{number[1:]:0>19}"), number, "text",
                DisplayMode.TEXT, Language.ZH, NOW, version=1, state=ReceiptState.DELIVERED)
        for number in NUMBERS[:60] for index in range(3)
    ]  # fmt: skip
    store.commit_all([ChangeSet(each.number, records=(each,)) for each in ended])
    folder, later = ArchiveFolder(tmp_path / "archive"), NOW + dt.timedelta(days=40)
    mover = ArchiveMover(server, keys, store, folder, lambda: later)
    assert sum(mover.run()) == len(ended)
    assert store.receipts(each.id for each in ended) == [None] * len(ended)
    register = ArchiveRegister(server, keys)
    archive = FileReceiptArchive(register, folder, lambda: NOW)
    assert archive.find([each.id for each in ended]).by_id == {each.id: each for each in ended}
    assert sum(sum(register.counts(shard).values()) for shard in range(16)) == len(ended)
