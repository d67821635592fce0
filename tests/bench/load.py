"""The load, in a process of its own: sends prepared requests and times the answers."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

from tests.support.loop import content_length

#: A server that takes longer for one run is broken.
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Answered:
    """The answers by status, the seconds they took together, and percentiles of one's seconds.

    ``times`` are those of the answers in Unix seconds, in the order of the requests.
    """

    seconds: float
    statuses: Mapping[str, int]
    p50: float
    p99: float
    times: Sequence[float] = ()

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


def drive(requests: Sequence[bytes], port: int, connections: int = 16, rate: float = 0) -> Answered:
    """Send each request once over loopback, from another process.

    With a rate of 0 every connection sends as soon as it has its answer. Otherwise requests are due
    at even times, and the wait for a free connection counts as latency. Raises AssertionError when
    a request gets no 2xx.
    """
    found = _process().submit(_drive, list(requests), port, connections, rate).result()
    assert found.good == len(requests), f"{len(requests)} sent, answered {found.statuses}"
    return found


@cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _drive(requests: Sequence[bytes], port: int, connections: int, rate: float) -> Answered:
    return _Driver(requests, port, connections, rate).run()


class _Connection:
    """One connection, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket: socket.socket | None = None
        self.due, self.index = 0.0, 0
        self._received = b""

    def send(self, request: bytes, due: float) -> bool:
        """Send a request; return whether the connection is new."""
        new = self.socket is None
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        self.due, self._received = due, b""
        return new

    def receive(self) -> bytes | None:
        """The answer once it is complete."""
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError(self._received)
        self._received += octets
        head, end, body = self._received.partition(b"\r\n\r\n")
        return self._received if end and len(body) >= content_length(head) else None

    def close(self) -> None:
        self.socket.close()
        self.socket = None


class _Driver:
    """Connections that send requests in turn, and the seconds of their answers."""

    def __init__(self, requests: Sequence[bytes], port: int, connections: int, rate: float) -> None:
        self._requests, self._rate = requests, rate
        self._ready = selectors.DefaultSelector()
        self._free = [_Connection(port) for _ in range(connections)]
        self._sent = 0
        self._latencies: list[float] = []
        self._times = [0.0] * len(requests)
        self._statuses: Counter[str] = Counter()

    def run(self) -> Answered:
        self._began = time.perf_counter()
        while len(self._latencies) < len(self._requests):
            waited = time.perf_counter() - self._began
            assert waited < _TIMEOUT_SECONDS, f"timed out: {self._statuses}"
            for key, _ in self._ready.select(self._send_due()):
                self._receive(key.data)
        seconds, latencies = time.perf_counter() - self._began, sorted(self._latencies)
        return Answered(seconds, self._statuses, latencies[len(latencies) // 2],
                        latencies[len(latencies) * 99 // 100], self._times)  # fmt: skip

    def _send_due(self) -> float:
        """Send the requests that are due; return the seconds until the next may be."""
        now = time.perf_counter()
        while self._free and self._sent < len(self._requests):
            due = self._began + self._sent / self._rate if self._rate else now
            if due > now:
                return max(0.0, due - time.perf_counter())
            connection = self._free.pop()
            connection.index = self._sent
            if connection.send(self._requests[self._sent], due):
                self._ready.register(connection.socket, selectors.EVENT_READ, connection)
            self._sent += 1
        return 1.0

    def _receive(self, connection: _Connection) -> None:
        answer = connection.receive()
        if answer is None:
            return
        self._latencies.append(time.perf_counter() - connection.due)
        self._times[connection.index] = time.time()
        self._statuses[answer[9:12].decode()] += 1
        if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            self._ready.unregister(connection.socket)
            connection.close()
        self._free.append(connection)
