"""References A and B: the empty page under the usual server, and under ours."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.cost import family
from tests.support.product import answers_at, free_port, surroundings, until

_SERVERS = {
    "A": ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "tests.bench.empty:app"),
    "B": ("granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "1",
          "--port", "{port}", "--log-level", "warning", "tests.bench.empty:app"),
}  # fmt: skip


class Peer:
    """An empty page that answers."""

    def __init__(self, name: str) -> None:
        self.port = free_port()
        program, *words = (word.format(port=self.port) for word in _SERVERS[name])
        self._process = subprocess.Popen(
            [Path(sys.executable).parent / program, *words],
            env=surroundings(PYTHONPATH="."), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: answers_at(self.port), 20, f"reference {name} answers")

    @property
    def pids(self) -> set[int]:
        return family(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@contextmanager
def peer(name: str) -> Iterator[Peer]:
    """A reference, running."""
    running = Peer(name)
    try:
        yield running
    finally:
        running.stop()
