"""The load, a process of its own: prepared requests out, answers timed.

`python -m tests.bench.load FILE PORT CONNECTIONS RATE` sends each request of the file once, over
loopback. With a rate of 0 every connection sends as soon as it has its answer; else requests are
due at even times, and a wait for a free connection counts as part of the answer's time.
"""

import json
import pickle
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TIRED = 60.0  # seconds; a server that takes longer for one run is broken


@dataclass(frozen=True)
class Answered:
    """What came back: how many answers by status, in how long, and how long each one took."""

    seconds: float
    statuses: dict[str, int]
    p50: float
    p99: float
    bodies: str

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


def drive(requests: Sequence[bytes], port: int, connections: int = 16, rate: float = 0) -> Answered:
    """Send the requests from another process. Raises AssertionError when one is not answered."""
    with tempfile.NamedTemporaryFile(suffix=".requests") as file:
        pickle.dump(list(requests), file)
        file.flush()
        words = [file.name, str(port), str(connections), str(rate)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.load", *words],
            check=False, capture_output=True, text=True, timeout=_TIRED * 2,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    found = Answered(**json.loads(done.stdout))
    assert found.good == len(requests), f"{len(requests)} sent, answered {found.statuses}"
    return found


class _Line:
    """One connection, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket: socket.socket | None = None
        self.due = 0.0
        self.held = b""

    def send(self, request: bytes, due: float) -> bool:
        """Send; whether the connection is a new one."""
        fresh = self.socket is None
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        self.due, self.held = due, b""
        return fresh

    def take(self) -> bytes | None:
        """The whole answer once it is there."""
        assert self.socket is not None
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError(self.held)
        self.held += octets
        head, end, body = self.held.partition(b"\r\n\r\n")
        if not end:
            return None
        lower = head.lower()
        at = lower.find(b"\r\ncontent-length:")
        length = int(lower[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
        return self.held if len(body) >= length else None

    def close(self) -> None:
        assert self.socket is not None
        self.socket.close()
        self.socket = None


def _run(  # noqa: C901, PLR0915 - one loop, read from top to bottom
    requests: Sequence[bytes], port: int, connections: int, rate: float
) -> dict[str, object]:
    ready = selectors.DefaultSelector()
    free = [_Line(port) for _ in range(connections)]
    waiting = iter(requests)
    took: list[float] = []
    statuses: dict[str, int] = {}
    last, sent, began = b"", 0, time.perf_counter()
    while len(took) < len(requests):
        now = time.perf_counter()
        assert now - began < _TIRED, f"tired of waiting: {statuses}"
        while free and sent < len(requests):
            due = began + sent / rate if rate else now
            if due > now:
                break
            line = free.pop()
            if line.send(next(waiting), due):
                assert line.socket is not None
                ready.register(line.socket, selectors.EVENT_READ, line)
            sent += 1
        wait = 1.0
        if rate and free and sent < len(requests):
            wait = max(0.0, began + sent / rate - time.perf_counter())
        for key, _ in ready.select(wait):
            line = key.data
            answer = line.take()
            if answer is None:
                continue
            took.append(time.perf_counter() - line.due)
            status = answer[9:12].decode()
            statuses[status], last = statuses.get(status, 0) + 1, answer
            if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
                ready.unregister(key.fileobj)
                line.close()
            free.append(line)
    took.sort()
    return {
        "seconds": time.perf_counter() - began,
        "statuses": statuses,
        "p50": took[len(took) // 2],
        "p99": took[min(len(took) - 1, len(took) * 99 // 100)],
        "bodies": last.decode(errors="replace")[-2000:],
    }


def main() -> None:
    """Drive as told on the command line; the result is one line of JSON."""
    file, port, connections, rate = sys.argv[1:]
    requests = pickle.loads(Path(file).read_bytes())
    print(json.dumps(_run(requests, int(port), int(connections), float(rate))))


if __name__ == "__main__":
    main()
