"""Failures of a real server: lost scripts, killed connections, full memory, wrong settings."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import redis.exceptions
from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry, Reply
from receipts.ports.store import Snapshot, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.store.commit_script import COMMIT_SHA
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.local_server import LocalServer, running_server_url
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.receipts.store.conftest import ANNA, NOW, Dump, charge

UNUSED = "unix:///tmp/no-server-listens-here.sock"
ERRORS = {
    name: each
    for name, each in vars(redis.exceptions).items()
    if isinstance(each, type) and issubclass(each, redis.RedisError)
}


@pytest.fixture
def server(store_admin_url: str, raw: "redis.Redis") -> Iterator[RedisConnection]:
    """Logged in with all rights: these tests send commands that the service never sends."""
    del raw
    with connected(store_admin_url) as client:
        yield RedisConnection(client)


def record(version: int) -> ChangeSet:
    return ChangeSet(ANNA, records=(Subscription(ANNA, version=version),))


def test_lost_script_is_loaded_again(store: RedisStore, raw: "redis.Redis"):
    assert store.commit(record(1)).status is CommitStatus.COMMITTED
    raw.script_flush()
    assert store.commit(record(2)).status is CommitStatus.COMMITTED
    raw.script_flush()
    both = [record(3), ChangeSet(ANNA, idempotency_key="c", reply=Reply(next="n"))]
    assert [end.status for end in store.commit_all(both)] == [CommitStatus.COMMITTED] * 2
    assert store.load(ANNA, "c").previous_reply == Reply(next="n")


def test_only_the_unknown_script_is_sent_again(server: RedisConnection, raw: "redis.Redis"):
    raw.script_flush()
    call = ("EVALSHA", COMMIT_SHA, 1, "{s0}:counts", "change", 0, 1, "", "count", 1, "seen", 1)
    assert server.execute(("INCR", "before"), call, ("INCR", "after")) == [1, [[b"done"]], 1]
    assert raw.hget("{s0}:counts", "seen") == b"1"


def test_error_reply_does_not_shift_later_replies(server: RedisConnection, raw: "redis.Redis"):
    with pytest.raises(StoreUnavailableError, match="WRONGTYPE") as refused:
        server.execute(("SET", "text", "a"), ("SADD", "text", "b"), ("INCR", "after"))
    assert isinstance(refused.value.__cause__, redis.ResponseError)
    assert raw.get("after") == b"1"
    assert server.execute(("ECHO", "next")) == [b"next"]


def test_connection_in_a_cycle_is_closed_before_the_cycle_is_finalized(
    server: RedisConnection, raw: "redis.Redis"
):
    open_at_the_end: list[bool] = []

    class Probe:
        """Older than the connection, so that its finalizer runs before that of the socket."""

        def __del__(self) -> None:
            open_at_the_end.append(any(c["name"] == "in-a-cycle" for c in raw.client_list()))

    def leave_a_cycle() -> None:
        probe: dict[str, object] = {"probe": Probe()}
        probe["connection"] = dropped = RedisConnection(server.client)
        probe["itself"] = probe
        dropped.execute(("CLIENT", "SETNAME", "in-a-cycle"))

    leave_a_cycle()
    gc.collect()
    assert open_at_the_end == [False]


def test_interruption_does_not_shift_later_replies(
    server: RedisConnection, monkeypatch: pytest.MonkeyPatch
):
    read, replies = redis.UnixDomainSocketConnection.read_response, []

    def interrupted(*about: object, **options: object) -> object:
        if replies:
            raise KeyboardInterrupt
        replies.append(read(*about, **options))
        return replies[0]

    assert server.execute(("ECHO", "connected")) == [b"connected"]
    with monkeypatch.context() as patch:
        patch.setattr(redis.UnixDomainSocketConnection, "read_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.execute(("ECHO", "first"), ("ECHO", "late"))
    assert replies == [b"first"]
    assert server.execute(("ECHO", "next")) == [b"next"]


def test_restarted_server_has_all_data_and_accepts_more(tmp_path: Path):
    local = LocalServer(tmp_path)
    local.start()
    with connected(running_server_url(tmp_path)) as client:
        server = RedisConnection(client)
        store, outbox = RedisStore(server, KeySchema(4)), RedisOutbox(server, KeySchema(4))
        try:
            outbox.open()
            store.commit(record(1))
            local.stop(last_writes_seconds=0)
            with pytest.raises(StoreUnavailableError):
                store.commit(record(2))
            local.start()
            assert store.commit(record(2)).status is CommitStatus.COMMITTED
            assert store.load(ANNA).subscription.version == 2
            assert outbox.fetch("w", 4, 0) == []
        finally:
            local.stop(last_writes_seconds=0)


@pytest.mark.usefixtures("outbox")
def test_other_number_of_shards_is_refused(server: RedisConnection, dump: Dump):
    before = dump()
    with pytest.raises(StoreUnavailableError, match=r"SHARDS=16.*now 32"):
        RedisOutbox(server, KeySchema(32)).open()
    assert dump() == before


def test_reopening_changes_nothing(server: RedisConnection, outbox: RedisOutbox, store: RedisStore):
    store.commit(ChangeSet(ANNA, outbox=("5-1",)))
    RedisOutbox(server, KeySchema(16)).open()
    assert [posted.receipt_id for posted in outbox.fetch("w", 1600, 0)] == ["5-1"]


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_redis_errors_become_store_unavailable(server: RedisConnection, error: type[Exception]):
    raised = error.__new__(error, "word of the server")
    Exception.__init__(raised, "word of the server")

    def fail() -> None:
        raise raised

    with pytest.raises(StoreUnavailableError, match="word of the server") as out_of_reach:
        server.run(fail)
    assert out_of_reach.value.__cause__ is raised


def test_other_errors_pass_through(server: RedisConnection):
    with pytest.raises(ZeroDivisionError):
        server.run(lambda: 1 / 0)


ENTRY = OutboxEntry(0, "1-1", "0-1")
OPERATIONS: dict[str, Callable[[RedisStore, RedisOutbox], object]] = {
    "ping": lambda store, _: store.ping(),
    "read": lambda store, _: store.load(ANNA, "c", reply_count=True, call="c"),
    "commit": lambda store, _: store.commit(record(1)),
    "commit_all": lambda store, _: store.commit_all([record(1), record(2)]),
    "receipts": lambda store, _: store.receipts(["0-1"]),
    "receipts_of": lambda store, _: store.receipts_of(ANNA, 3, MessageKind.RECEIPT),
    "receipt_window": lambda store, _: store.receipt_window(ANNA, 3),
    "receipts_at": lambda store, _: store.receipts_at(ANNA, [1]),
    "month_sums": lambda store, _: store.month_sums(ANNA, ["2026-11"]),
    "ledgers": lambda store, _: store.ledgers(ANNA, ["2026-11"], 9),
    "monthly_fees": lambda store, _: store.monthly_fees(ANNA, ["2026-11"]),
    "charges_of": lambda store, _: store.charges_of(ANNA, ["2026-11"]),
    "open": lambda _, outbox: outbox.open(),
    "take": lambda _, outbox: outbox.fetch("w", 1, 0),
    "take_over": lambda _, outbox: outbox.reclaim("w", 0, 1),
    "keep": lambda _, outbox: outbox.renew_leases("w", [ENTRY]),
    "forget": lambda _, outbox: outbox.discard([ENTRY]),
    "due": lambda _, outbox: outbox.due_timers(NOW, 1),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_missing_server_raises_store_unavailable(operation: str):
    with connected(UNUSED) as client:
        server = RedisConnection(client)
        with pytest.raises(StoreUnavailableError):
            OPERATIONS[operation](
                RedisStore(server, KeySchema(1)), RedisOutbox(server, KeySchema(1))
            )


def test_full_server_refuses_and_keeps_its_data(store: RedisStore, raw: "redis.Redis", dump: Dump):
    store.commit(record(1))
    before = dump()
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailableError, match="maxmemory"):
            store.commit(record(2))
        assert store.load(ANNA).subscription.version == 1
        assert dump() == before
    finally:
        raw.config_set("maxmemory", 0)
    assert store.commit(record(2)).status is CommitStatus.COMMITTED


def test_key_of_a_wrong_type_raises_store_unavailable(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    raw.sadd(keys.subscription(ANNA), "not ours")
    with pytest.raises(StoreUnavailableError, match="WRONGTYPE"):
        store.commit(record(1))


def decide(turn: int) -> Callable[[Snapshot], ChangeSet]:
    def once(held: Snapshot) -> ChangeSet:
        was = held.subscription
        return ChangeSet(
            ANNA,
            idempotency_key=f"event {turn}",
            reply=Reply(next=str(turn)),
            records=(replace(was, version=was.version + 1),),
            charges=(charge(f"c{turn}"),),
            counters=("done",),
            outbox=(f"0-{turn}",),
        )

    return once


def test_killed_connections_repeat_no_change(store: RedisStore, raw: "redis.Redis"):
    """A commit may succeed although its connection is killed; its repeat must be safe."""
    stop = threading.Event()

    def cut() -> None:
        while not stop.is_set():
            raw.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            time.sleep(0.001)

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        for turn in range(150):
            for _ in range(1000):
                try:
                    answered = run_in_transaction(store, ANNA, decide(turn), f"event {turn}")
                except StoreUnavailableError:
                    continue
                assert answered == Reply(next=str(turn))
                break
    finally:
        stop.set()
        cutter.join()
    charges = store.charges_of(ANNA, ["2026-11"])
    shard = store._keys.shard(ANNA)  # noqa: SLF001 - the key's own spelling
    assert len(charges) == 150
    assert store.load(ANNA).subscription.version == 150
    assert raw.hget(f"{{s{shard}}}:counts", "done") == b"150"
    assert raw.xlen(f"{{s{shard}}}:outbox") == 150


def test_silent_server_times_out(raw: "redis.Redis"):
    path = raw.connection_pool.connection_kwargs["path"]
    server = RedisConnection(redis.Redis(unix_socket_path=path, socket_timeout=0.2))
    assert server.execute(("PING",)) == [b"PONG"]
    pause_seconds = 2
    raw.execute_command("CLIENT", "PAUSE", pause_seconds * 1000)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        server.execute(("PING",))
    assert time.monotonic() - began < pause_seconds
    raw.ping()  # answered at the end of the pause
    # The late reply is not taken for that of another command.
    assert server.execute(("ECHO", "again")) == [b"again"]
