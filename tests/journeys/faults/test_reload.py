"""`serve` and `work` under a service manager: reloaded and replaced without a refused request."""

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests

from app.serving.sockets import listen
from tests.support.manager import Manager
from tests.support.product import Service, kill, until
from tests.support.redis_nodes import Node

pytestmark = pytest.mark.faults


@contextmanager
def _managed(folder: Path, **more: str) -> Iterator[tuple[Service, Manager]]:
    """A service whose `serve` has a socket passed to it, and its manager."""
    with ExitStack() as stack:
        manager = stack.enter_context(closing(Manager()))
        service = Service(folder / "data", manager.environ(watchdog_seconds=1) | more)
        listener = stack.enter_context(closing(listen("127.0.0.1", service.port)))
        service.passed = (listener.fileno(),)
        stack.callback(service.kill_everything)
        service.start("doors", wait=False)
        # The request waits at the socket.
        assert requests.get(f"{service.doors}/healthz", timeout=60).ok
        manager.wait("READY=1")
        yield service, manager


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Manager]]:
    folder = tmp_path_factory.mktemp("reload")
    node = Node(folder / "server")
    node.start()
    try:
        with _managed(folder, REDIS_URL=node.url) as found:
            yield found
    finally:
        node.stop()


def _reload(service: Service, manager: Manager) -> None:
    """Reload while kept and new connections ask; none may fail."""
    manager.forget()
    parent, before = service.pid("doors"), service.door_processes()
    with requests.Session() as session:
        assert session.get(f"{service.doors}/readyz", timeout=20).ok
        kill(parent, signal.SIGHUP)
        manager.wait("RELOADING=1")
        while not manager.count("READY=1"):
            assert session.get(f"{service.doors}/readyz", timeout=20).ok
            assert requests.get(f"{service.doors}/readyz", timeout=20).ok
    until(lambda: not service.door_processes() & before, why="the old processes to leave")
    assert len(service.door_processes()) == 2
    assert service.pid("doors") == parent


def test_reload_replaces_processes_while_others_answer(managed: tuple[Service, Manager]) -> None:
    service, manager = managed
    _reload(service, manager)
    manager.wait("WATCHDOG=1", times=3)


def test_reload_with_a_store_of_its_own(tmp_path: Path) -> None:
    with _managed(tmp_path) as (service, manager):
        (store,) = service.find("valkey.sock")
        _reload(service, manager)
        assert service.find("valkey.sock") == [store]


def test_reload_that_cannot_start_keeps_the_old_processes(
    managed: tuple[Service, Manager],
) -> None:
    service, manager = managed
    before = service.door_processes()
    manager.forget()
    kill(service.pid("doors"), signal.SIGHUP)
    manager.wait("RELOADING=1")
    (fresh,) = until(lambda: service.door_processes() - before, why="a new process")
    kill(fresh)
    manager.wait("READY=1")
    assert service.door_processes() == before
    assert "those before it stay" in service.said()


def test_requests_wait_at_the_socket_while_serve_is_replaced(
    managed: tuple[Service, Manager],
) -> None:
    service, manager = managed
    service.stop(signal.SIGTERM)
    manager.wait("STOPPING=1")
    with socket.create_connection(("127.0.0.1", service.port), 60) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        service.start("doors", wait=False)
        assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def test_worker_tells_that_it_is_ready_alive_and_ending(managed: tuple[Service, Manager]) -> None:
    service, manager = managed
    service.stop(signal.SIGTERM)
    manager.forget()
    service.start("worker")
    manager.wait("READY=1")
    manager.wait("WATCHDOG=1", times=3)
    service.stop(signal.SIGTERM)
    manager.wait("STOPPING=1")
