"""Connections that wait: closed in time, counted for each address, never holding a thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from app import server
from app.edge import connection, limits
from app.edge.connection import Phase
from app.edge.limits import THREADS
from tests.edge.conftest import HOST, Edge, rest, serving, status

HALF_HEAD = b"GET / HTTP/1.1\r\nHo"
HALF_BODY = b"POST /sms HTTP/1.1\r\n" + HOST + b"Content-Length: 30\r\n\r\nFrom="
WAIT = b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n"

SECONDS = 1.0

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for phase in (Phase.SILENT, Phase.HEAD, Phase.IDLE):
        limit = connection.TIME_LIMITS[phase]._replace(seconds=SECONDS)
        monkeypatch.setitem(connection.TIME_LIMITS, phase, limit)
    doors = tuple(door._replace(seconds=SECONDS) for door in limits.DOORS)
    monkeypatch.setattr(limits, "DOORS", doors)


@pytest.fixture
def hurried(_short_limits: None) -> Iterator[Edge]:
    with serving() as edge:
        yield edge


@pytest.mark.parametrize(("sent", "told"), [(b"", 0), (HALF_HEAD, 408), (HALF_BODY, 408)])
def test_unfinished_requests_end_in_time_and_hinder_no_good_one(
    hurried: Edge, sent: bytes, told: int
):
    with ExitStack() as stack:
        held = [stack.enter_context(hurried.open(sent)) for _ in range(200)]
        began = time.monotonic()
        for _ in range(50):
            assert status(hurried.get()) == 200
        assert time.monotonic() - began < SECONDS
        assert {status(rest(each)) for each in held} == {told}
        assert time.monotonic() - began < SECONDS + 2


@pytest.mark.parametrize("sent", [HALF_HEAD, HALF_BODY])
def test_dripping_does_not_prolong_the_time(hurried: Edge, sent: bytes):
    began = time.monotonic()
    answer = hurried.ask(sent, *[b"x"] * 20, pause=0.2)
    assert status(answer) == 408
    assert time.monotonic() - began < 4 + SECONDS
    assert not hurried.environs


def test_idle_connection_is_closed(hurried: Edge):
    with hurried.open(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") as kept:
        began = time.monotonic()
        assert rest(kept).count(b"HTTP/1.1 200") == 1
        assert SECONDS / 2 < time.monotonic() - began < SECONDS + 2


def test_address_over_its_bound_loses_the_connection_that_waited_longest(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "PEER_CONNECTIONS", 4)
    with ExitStack() as stack:
        other = stack.enter_context(edge.open(HALF_HEAD, "127.0.0.2"))
        kept = stack.enter_context(edge.open())
        silent = [stack.enter_context(edge.open()) for _ in range(3)]
        kept.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status(kept.recv(4096)) == 200
        newest = stack.enter_context(edge.open(HALF_HEAD))
        assert rest(silent[0]) == b""
        for each in (kept, newest, silent[1], silent[2], other):
            each.settimeout(0.1)
            with pytest.raises(TimeoutError):
                each.recv(1)
        for _ in range(20):
            assert status(edge.get()) == 200


def test_full_process_closes_the_connection_that_waited_longest(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "CONNECTIONS", 3)
    with ExitStack() as stack:
        held = [stack.enter_context(edge.open(source=f"127.0.0.{n}")) for n in range(2, 6)]
        assert rest(held[0]) == b""
        assert status(edge.get()) == 200


def test_health_is_told_without_a_thread(edge: Edge, monkeypatch: pytest.MonkeyPatch, until: Until):
    with ExitStack() as stack:
        for _ in range(THREADS):
            stack.enter_context(edge.open(WAIT))
        until(lambda: len(edge.environs) == THREADS)
        assert b"200 OK" in edge.get("/healthz")
        monkeypatch.setattr(limits, "UNHEALTHY_SECONDS", 0.2)
        until(lambda: edge.beats[-1] > 0.2)
        answer = edge.get("/healthz")
        assert (status(answer), b"no progress" in answer) == (503, True)
        edge.released.set()
        until(lambda: status(edge.get("/healthz")) == 200)


def test_requests_that_find_no_place_in_the_queue_are_refused(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, until: Until
):
    with ExitStack() as stack:
        for _ in range(THREADS):
            stack.enter_context(edge.open(WAIT))
        until(lambda: len(edge.environs) == THREADS)
        monkeypatch.setattr("app.edge.threads.WAITING_REQUESTS", 2)
        waiting = [stack.enter_context(edge.open(WAIT)) for _ in range(2)]
        assert status(edge.get("/healthz")) == 200  # by then both are in the queue
        assert b"Retry-After: 5" in edge.get()
        edge.released.set()
        assert all(status(each.recv(4096)) == 200 for each in waiting)


def test_requests_in_progress_are_answered_before_the_end(
    until: Until, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "DRAIN_SECONDS", 0.2)
    with ExitStack() as stack, serving() as edge:
        busy, silent = stack.enter_context(edge.open(WAIT)), stack.enter_context(edge.open())
        until(lambda: len(edge.environs) == 1)
        threading.Timer(0.5, edge.released.set).start()
        edge.stop()
        assert rest(silent) == b""
        assert status(rest(busy)) == 200


def test_kept_connections_get_a_last_answer_during_the_end(until: Until):
    ask = b"GET /%s HTTP/1.1\r\n" + HOST + b"\r\n"
    with ExitStack() as stack, serving() as edge:
        # One is between two requests, one has sent no byte yet, one waits for its answer.
        idle, silent = stack.enter_context(edge.open(ask % b"1")), stack.enter_context(edge.open())
        assert b"Connection: close" not in idle.recv(4096)
        busy = stack.enter_context(edge.open(WAIT))
        until(lambda: len(edge.environs) == 2)
        edge.stop()
        time.sleep(0.2)  # until the reader has noticed
        late = stack.enter_context(edge.open(ask % b"2"))
        late.settimeout(0.3)
        with pytest.raises(TimeoutError):  # it waits for a process that comes after this one
            late.recv(100)
        for kept in (idle, silent):
            kept.sendall(ask % b"3")
            last = rest(kept)
            assert status(last) == 200
            assert b"Connection: close" in last
        edge.released.set()
        # Its answer promised no end, so that a proxy may use the connection once more.
        assert b"Connection: close" not in busy.recv(4096)
        busy.sendall(ask % b"4")
        assert b"Connection: close" in rest(busy)


def test_process_without_progress_ends(monkeypatch: pytest.MonkeyPatch):
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    monkeypatch.setattr("os.write", lambda *_: 1)
    server.give_sign_of_life(0, limits.STUCK_SECONDS - 1)
    assert codes == []
    server.give_sign_of_life(0, limits.STUCK_SECONDS + 1)
    assert codes == [1]


def test_half_requests_hold_no_more_memory_than_the_limit(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BUFFERED_BYTES", 1_000_000)
    half = (
        b"POST /feed/reports HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 400000\r\n\r\n"
        + b"x" * 399_999
    )
    with ExitStack() as held:
        connections = [held.enter_context(edge.open(half)) for _ in range(6)]
        for old in connections[:4]:
            assert status(rest(old)) in {0, 503}
        connections[-1].sendall(b"x")
        connections[-1].settimeout(5)
        assert b"200 OK" in connections[-1].recv(100)
