"""The web server's reader in a thread, with a small application, on a real socket."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from app.edge.reader import Listener, Reader
from app.serving.sockets import listen
from tests.support.product import PATIENCE_SECONDS

HOST = b"Host: example.org\r\n"


@dataclass
class Edge:
    """A reader on a port of loopback. Its application answers with the environ that it got."""

    port: int
    inside_port: int = 0
    #: Requests for /wait stay in their thread until it is set.
    released: threading.Event = field(default_factory=threading.Event)
    environs: list[WSGIEnvironment] = field(default_factory=list)
    #: Seconds without progress, as the reader reported them.
    beats: list[float] = field(default_factory=list)
    #: For each request of a shared door, those that had begun when it ended, and had not ended.
    begun_together: list[int] = field(default_factory=list)
    _begun: int = 0
    stop: Callable[[], None] = field(default=lambda: None)

    def app(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        self.environs.append(environ | {"body": body})
        if path == "/kannel/report":
            self._begun += 1
            return self._ended(start)
        if path == "/wait":
            self.released.wait(20)
        if path == "/broken":
            raise ZeroDivisionError
        content = b"x" * 8_000_000 if path == "/large" else json.dumps([path, len(body)]).encode()
        start("200 OK", [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")])
        return [content]

    def _ended(self, start: StartResponse) -> Iterator[bytes]:
        self.begun_together.append(self._begun)
        self._begun -= 1
        start("200 OK", [])
        yield b""

    @contextmanager
    def open(self, sent: bytes = b"", source: str = "127.0.0.1") -> Iterator[socket.socket]:
        """A connection on which some bytes were sent."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, 10, (source, 0)) as connection:
            connection.sendall(sent)
            yield connection

    def ask(self, sent: bytes, *more: bytes, pause: float = 0) -> bytes:
        """All that the server answers until it closes the connection."""
        with self.open(sent) as connection:
            with suppress(ConnectionError):
                for part in more:
                    time.sleep(pause)
                    connection.sendall(part)
            return rest(connection)

    def get(self, path: str = "/", method: str = "GET") -> bytes:
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        return self.ask(request.encode())


def rest(connection: socket.socket) -> bytes:
    """The bytes until the end of a connection."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def status(answer: bytes) -> int:
    """The status of the first response; 0 without any."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


@contextmanager
def serving(*, has_inside: bool = False) -> Iterator[Edge]:
    """An edge, if wanted with an inside port."""
    listener, inside = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    edge = Edge(listener.getsockname()[1], inside.getsockname()[1])
    listeners = [Listener(listener, False if has_inside else None), Listener(inside, True)]
    reader = Reader(edge.app, listeners, "/below")
    edge.stop = reader.stop
    thread = threading.Thread(target=reader.run, args=(edge.beats.append,))
    thread.start()
    try:
        yield edge
    finally:
        edge.released.set()
        reader.stop()
        thread.join(10)
        listener.close()
        inside.close()
        assert not thread.is_alive()


@pytest.fixture
def edge() -> Iterator[Edge]:
    with serving() as running:
        yield running


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    def wait(check: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not check():
            assert time.monotonic() < end
            time.sleep(0.02)

    return wait
