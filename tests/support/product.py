"""The launcher: each of our commands as a real process, on real ports, in a data folder."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from app import bootstrap
from app.clock import MovableClock
from app.settings import Settings, described_settings
from commands.demo import settings_for
from tests.support import first_moment
from tests.support.passed_sockets import passing
from tests.support.processes import processes_of
from tests.support.stopwatch import Stopwatch

T = TypeVar("T")

#: Longest wait for another process or thread, on a machine with much else to do.
PATIENCE_SECONDS = 60.0

Completed = subprocess.CompletedProcess[str]

COMMAND = Path(sys.executable).parent / "sms-receipt"

#: No setting of this process, for commands that ``CliRunner`` runs in it.
UNSET = dict.fromkeys(each.name for each in described_settings())

#: The only variables that a process inherits: none of them configures it.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


def until(check: Callable[[], T], seconds: float = PATIENCE_SECONDS, why: str = "") -> T:
    """Return the first true result of a check; fail with the reason after so many seconds.

    A promise of a time is measured on its own: this limit only ends a test that has failed.
    """
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
        time.sleep(0.02)
    return found


def surroundings(**more: str) -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | more


def command(
    *words: str, given: str = "", seconds: float = PATIENCE_SECONDS, **settings: str
) -> Completed:
    """Run ``sms-receipt`` to its end, with only these settings."""
    return run_to_end(COMMAND, *words, given=given, seconds=seconds, **settings)


def run_to_end(
    *argv: str | Path, given: str = "", seconds: float = PATIENCE_SECONDS, **settings: str
) -> Completed:
    """Run a program to its end, with only these settings."""
    return subprocess.run(
        argv, env=surroundings(**settings), input=given, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def free_port(low: int = 8_100, high: int = 11_900) -> int:
    """Return a free port that no other test on this machine gets meanwhile.

    By default it lies below the kernel's ephemeral ports and those of a cluster's nodes.
    """
    return until(lambda: _reserved(random.randrange(low, high)))


def two_free_ports(apart: int = 1, **limits: int) -> int:
    """Return the lower of two free ports."""
    return until(lambda: port if _reserved((port := free_port(**limits)) + apart) else 0)


def _reserved(port: int) -> int:
    """Reserve a free port by an abstract socket name until this process ends; return it or 0."""
    name = socket.socket(socket.AF_UNIX)
    with socket.socket() as probe:
        try:
            name.bind(f"\0port {port} of a test of sms-receipt")
            probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            return 0
    name.detach()  # stays open
    return port


def answers_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(eq=False)
class Service:
    """The processes of one data folder; ``more`` are settings beside those of the demo."""

    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=two_free_ports)
    metrics_port: int = field(default_factory=free_port)
    children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    #: Listening sockets that `serve` gets as systemd passes them; they stay open between restarts.
    passed: tuple[int, ...] = ()

    @property
    def doors(self) -> str:
        """Address of the webhooks and pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def network(self) -> str:
        """Address of the simulated network."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def environ(self) -> dict[str, str]:
        more = {} if "REDIS_URL" in self.more else {"METRICS_PORT": str(self.metrics_port)}
        own = surroundings(DATA_DIR=str(self.folder), NETWORK_SPEECH="0")
        return own | more | dict(self.more)

    @property
    def metrics(self) -> str:
        """The page of the metrics; empty before its server answers."""
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=20).text
        return ""

    @cached_property
    def settings(self) -> dict[str, str]:
        """Environment that the demo gives to its processes."""
        return settings_for(self.environ, self.port)

    def environment_of(self, name: str) -> Mapping[str, str]:
        return self.environ if name == "demo" else self.settings

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    @contextmanager
    def running_demo(self) -> Iterator[Self]:
        self.demo()
        try:
            yield self
        finally:
            self.stop()

    def demo(self) -> None:
        """Run the whole service by one command; return when it says that it is ready."""
        earlier = len(self.said())
        self.run("demo", "--port", str(self.port))
        self._await(lambda: "Stop with Ctrl-C" in self.said()[earlier:], "the demo to be ready")

    def start(self, *names: str, wait: bool = True) -> None:
        """Run ``doors``, ``network`` or workers of any name; return when they answer."""
        commands = {"doors": ("serve", "--workers", "2"), "network": ("network",)}
        for name in names:
            self.run(*commands.get(name, ("work",)), name=name)
        pages = {"doors": f"{self.doors}/readyz", "network": f"{self.network}/healthz"}
        for url in (pages[name] for name in names if name in pages and wait):
            self._await(lambda url=url: answers(url), f"{url} to answer")

    def run(self, *words: str, name: str = "") -> "subprocess.Popen[bytes]":
        """Run one of our commands under a name, by default its own; do not wait for it."""
        name, command = name or words[0], [COMMAND, *words]
        passed = self.passed if words[0] == "serve" else ()
        if passed:
            command = passing(passed, command)
        if self.environ.get("CLOCK", "movable") == "movable":
            first_moment.set_clock(self.folder)
        with self.log.open("ab") as out:
            self.children[name] = subprocess.Popen(
                command, env=self.environment_of(name), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, pass_fds=passed,
            )  # fmt: skip
        return self.children[name]

    def _await(self, check: Callable[[], bool], condition: str) -> None:
        def ready() -> bool:
            ended = {n: c.returncode for n, c in self.children.items() if c.poll() is not None}
            assert not ended, f"ended while waiting for {condition}: {ended}\n{self.said()[-2000:]}"
            return check()

        until(ready, 60, f"waited for {condition}\n{self.said()[-2000:]}")

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pid(self, name: str) -> int:
        return self.children[name].pid

    def processes(self) -> dict[int, str]:
        return processes_of(self.folder)

    def door_processes(self) -> set[int]:
        """Return the processes that answer requests."""
        return set(self.find("app.server process"))

    def find(self, words: str) -> list[int]:
        """Return the processes whose command line contains these words."""
        return [pid for pid, said in self.processes().items() if words in said]

    @property
    def runs(self) -> bool:
        """Whether a process was started that we have not ended."""
        return bool(self.children)

    def kill(self, *names: str) -> None:
        """Send SIGKILL to processes at the same moment."""
        for name in names:
            self.children[name].kill()
        for name in names:
            self.children.pop(name).wait(PATIENCE_SECONDS)

    def kill_everything(self, spared: str = "") -> None:
        """Send SIGKILL to each process of the folder but one, the store's server included."""
        kept = {name: child for name, child in self.children.items() if name == spared}
        pids = self.processes().keys() - {child.pid for child in kept.values()}
        for pid in pids:
            kill(pid)
        for name in self.children.keys() - kept.keys():
            self.children.pop(name).wait(PATIENCE_SECONDS)
        until(lambda: not pids & self.processes().keys(), why="the killed processes to be gone")

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = PATIENCE_SECONDS) -> float:
        """Signal all processes to end; return the seconds until none was left.

        Seconds in which the machine was overloaded do not count.
        """
        watch = Stopwatch()
        for child in self.children.values():
            child.send_signal(how)
        for child in self.children.values():
            child.wait(seconds)
        self.children.clear()
        self.gone(seconds)
        return watch.seconds()

    def gone(self, seconds: float = PATIENCE_SECONDS) -> None:
        until(lambda: not self.processes(), seconds, f"an end of {self.processes()}")

    def later(self, step: str) -> None:
        """Move the clock of the whole service, as ``sms-receipt clock`` does."""
        MovableClock(self.folder).move(step)

    def command(self, *words: str, given: str = "", **more: str) -> Completed:
        """Run ``sms-receipt`` as in another terminal of the same folder."""
        # Without a demo no command shares its settings.
        given_settings = self.environ if "demo" in self.children else self.settings
        return command(*words, given=given, **(given_settings | more))

    def lines(self, *words: str) -> list[dict[str, Any]]:
        done = self.command(*words)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def shows(self, number: str) -> dict[str, Any]:
        return self.lines("show", number)[0]

    @contextmanager
    def container(self) -> Iterator[bootstrap.Container]:
        """Yield our own connection to the store, with the services on it."""
        services = bootstrap.services(Settings.read(self.settings))
        try:
            yield services
        finally:
            services.clients.connection.client.close()
            services.clients.close()


def answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(url, timeout=10).ok
    return False


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, how)
