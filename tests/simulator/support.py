"""The network under test: a client of its HTTP API, and its process where a test needs one."""

# ruff: noqa: ANN401 - JSON answers have no type
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from tests.support.product import surroundings

T = TypeVar("T")


def until(check: Callable[[], T], seconds: float = 5.0) -> T:
    """Return the first true answer of a check; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
    return found


@dataclass
class Network:
    settings: dict[str, str]
    process: subprocess.Popen[str] | None = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['NETWORK_PORT']}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator"],
            env=surroundings(**self.settings),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert "phones at" in self.process.stdout.readline()

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        assert self.process
        assert self.process.stdout
        self.process.send_signal(signal_number)
        status = self.process.wait(5)
        self.process.stdout.close()
        self.process = None
        return status

    def post(self, path: str, expect: int | None = None, **body: Any) -> Any:
        answer = self.session.post(self.url + path, json=body, timeout=10)
        assert expect is None or answer.status_code == expect, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        return self.session.get(self.url + path, timeout=40).json()

    def events(self, number: str, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        found = self.get(f"/api/phones/{number}/events?after={after}")["events"]
        return [event for event in found if not kind or event["kind"] == kind]

    def texts(self, number: str, direction: str = "in") -> list[str]:
        return [e["body"] for e in self.events(number, "text") if e["direction"] == direction]
