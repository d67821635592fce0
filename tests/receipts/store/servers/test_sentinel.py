"""Failovers by real Sentinels, by kill, by a hang and by command: acknowledged is found, once."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from app.settings import Settings
from commands.diagnostics.topology_checks import check_topology
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry
from receipts.ports.store import StoreUnavailableError
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from receipts.store.servers import sentinel
from receipts.store.servers.sentinel_views import SentinelViews
from tests.support.product import until
from tests.support.redis_nodes import Node
from tests.support.sentinel import SERVICE, SentinelGroup

NUMBERS = [Msisdn(f"+86138028{place:05}") for place in range(40)]
KNOWN = {CommitStatus.COMMITTED, CommitStatus.DUPLICATE}


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    group = SentinelGroup(tmp_path_factory.mktemp("sentinel"), hurried=True)
    try:
        group.start()
        yield group
    finally:
        group.stop()


@pytest.fixture
def server(group: SentinelGroup) -> Iterator[RedisConnection]:
    """The empty store, in place of the one server of the shared fixtures."""
    group.whole()
    with connected(group.url) as client:
        client.flushall()
        yield RedisConnection(client)


def _fail_by_command(group: SentinelGroup, _: Node) -> None:
    group.failover()


def _fail_by_kill(_: SentinelGroup, primary: Node) -> None:
    primary.kill()


def _fail_by_hang(group: SentinelGroup, primary: Node) -> None:
    group.freeze(primary)


class Load:
    """Writers and a worker at full speed. A refusal of the store ends the test."""

    def __init__(self, store: RedisStore, outbox: RedisOutbox) -> None:
        self._store, self._outbox = store, outbox
        self._over = threading.Event()
        self.acknowledged: list[str] = []
        self.found: list[str] = []

    def _write(self, numbers: list[Msisdn]) -> None:
        for place in itertools.count():
            number = numbers[place % len(numbers)]
            event = f"{number.digits}x{place}"
            receipt_id = self._store.receipt_id(number, event)
            change = ChangeSet(number, idempotency_key=event, outbox=(receipt_id,))
            assert self._store.commit(change).status in KNOWN
            self.acknowledged.append(receipt_id)
            assert self._store.load(number, event).previous_reply is not None
            if self._over.is_set():
                return

    def _work(self) -> None:
        """Blocking reads, by a connection of its own."""
        while not self._over.is_set():
            self._take(self._outbox.fetch("one", 10_000, timeout=0.1))

    def _take(self, entries: list[OutboxEntry]) -> None:
        self.found += [entry.receipt_id for entry in entries]

    def await_more(self) -> None:
        """Return once fifty more changes are acknowledged."""
        enough = len(self.acknowledged) + 50
        until(lambda: len(self.acknowledged) > enough, why="acknowledged changes")

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor() as threads:
            ends = [threads.submit(self._write, NUMBERS[n::4]) for n in range(4)]
            ends.append(threads.submit(self._work))
            try:
                yield
            finally:
                self._over.set()
            for end in ends:
                end.result()
        while some := self._outbox.fetch("one", 10_000, timeout=0.2):
            self._take(some)
        # A read whose reply was lost is in the lease of the worker.
        self._take(self._outbox.reclaim("two", 0, 1_000_000))


@pytest.mark.parametrize("fail", [_fail_by_kill, _fail_by_command, _fail_by_hang])
def test_failover_under_load_refuses_loses_and_repeats_nothing(
    group: SentinelGroup,
    store: RedisStore,
    outbox: RedisOutbox,
    fail: Callable[[SentinelGroup, Node], None],
):
    load, primary = Load(store, outbox), group.primary()
    with load.running():
        load.await_more()
        fail(group, primary)
        group.await_other_primary(primary)
        load.await_more()
        if primary.process is not None:
            group.thaw(primary)
    assert set(load.found) == set(load.acknowledged)
    assert sum(depth.count for depth in outbox.depth()) == len(load.acknowledged)


def test_isolated_primary_acknowledges_nothing(
    group: SentinelGroup, store: RedisStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sentinel, "PATIENCE_SECONDS", 1.0)
    customer = NUMBERS[0]
    assert store.commit(ChangeSet(customer, records=(Subscription(customer, 1),))).status in KNOWN
    for node in (*group.replicas(), *group.sentinels[1:]):
        node.kill()
    # It still answers reads, and takes the write that it cannot acknowledge.
    assert store.load(customer).subscription.version == 1
    for change in (ChangeSet(customer, idempotency_key="alone"), ChangeSet(customer)):
        with pytest.raises(StoreUnavailableError, match="Sentinels do not confirm"):
            store.commit(change)


def test_primary_whose_replicas_are_down_serves_alone(
    group: SentinelGroup, store: RedisStore, server: RedisConnection
):
    replicas = group.replicas()
    for replica in replicas:
        replica.kill()
    assert store.commit(ChangeSet(NUMBERS[0], idempotency_key="alone")).status in KNOWN
    for replica in replicas:
        replica.start()
    until(lambda: server.execute(("WAIT", 2, 100)) == [2], why="both replicas to be in step")
    assert store.commit(ChangeSet(NUMBERS[0], idempotency_key="alone")).status in KNOWN


def test_lost_scripts_are_loaded_again_before_the_replicas_are_waited_for(
    group: SentinelGroup, store: RedisStore, server: RedisConnection
):
    with group.primary().client() as client:
        client.script_flush()
    customer = NUMBERS[1]
    assert store.commit(ChangeSet(customer, records=(Subscription(customer, 1),))).status in KNOWN
    assert store.load(customer).subscription.version == 1
    archive = RedisBulkReader(server, KeySchema(16))
    assert [one.number for _, batch in archive.customers() for one in batch] == [customer]


class FoundSentinel:
    """A Sentinel that is cut off with the old primary."""

    def sentinel_master(self, _: str) -> dict[str, object]:
        found = {"ip": "10.0.0.1", "port": 6379, "num-other-sentinels": 2}
        return found | {"down-after-milliseconds": 1000}

    def sentinel_slaves(self, _: str) -> list[dict[str, object]]:
        return []


class SilentSentinel:
    """A Sentinel that no answer comes from."""

    def sentinel_master(self, _: str) -> None:
        raise redis.ConnectionError("no answer")


def test_a_sentinel_has_one_vote_while_another_thread_looks_for_the_primary():
    manager: Any = SimpleNamespace(sentinels=[SilentSentinel(), FoundSentinel(), SilentSentinel()])
    views = SentinelViews(manager, SERVICE)
    # redis-py moves the one that answered to the front in two steps. This is the list between them.
    manager.sentinels[0] = manager.sentinels[1]
    found, known = views.ask()
    assert (len(found), known) == (1, 3)


def test_unknown_service_and_silent_sentinels_are_named(
    group: SentinelGroup, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sentinel, "PATIENCE_SECONDS", 0.2)
    silent = "redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster"
    with connected(silent) as client, pytest.raises(StoreUnavailableError) as refusal:
        RedisConnection(client).ping()
    assert str(refusal.value) == "the store did not answer: No master found for 'mymaster'"
    for url, reason in (
        (group.url.replace("mymaster", "other"), "watch no primary 'other'.* mymaster"),
        (silent, "no Sentinel of REDIS_URL answered"),
    ):
        with connected(url) as client, pytest.raises(StoreUnavailableError, match=reason):
            RedisConnection(client).execute(("GET", "stamp"))


def test_doctor_names_the_servers_and_what_a_failover_lacks(
    group: SentinelGroup, server: RedisConnection
):
    def told() -> str:
        settings = Settings.read({"REDIS_URL": group.url})
        return "\n".join(f"{c.mark} {c.subject}: {c.fix}" for c in check_topology(settings, server))

    assert f"'{SERVICE}', replicas in step: 2, Sentinels: 3 of 3 agree: \n" in f"{told()}\n"
    assert "warn an isolated primary takes writes" in told()
    assert len(server.servers()) == 3
    for node in group.sentinels:
        node.ask("SENTINEL SET", SERVICE, "down-after-milliseconds", 30_000)
    assert "warn a failover begins after 30 s, and requests wait 8 s for its end" in told()
    for node in group.sentinels:
        node.ask("SENTINEL SET", SERVICE, "down-after-milliseconds", 1000)
    for node in group.sentinels[1:]:
        node.kill()
    assert re.search(r"no store: .* Sentinels: 1 of 3 agree: start the other Sentinels", told())
