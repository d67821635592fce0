"""The service as people run it: real processes, real ports, a data folder of its own."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import requests

from app.clock import MovableClock
from commands.demo import settings_for
from receipts.rulebook.loader import SHIPPED

T = TypeVar("T")

COMMAND = Path(sys.executable).parent / "sms-receipt"

#: What a process needs of the surroundings it is started in, and nothing that could set it up.
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


def until(check: Callable[[], T], seconds: float, why: str) -> T:
    """The first true answer of a check; fails with the reason when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
        time.sleep(0.02)
    return found


def two_free_ports() -> int:
    """A port that is free, and so is the one above it."""
    while True:
        port = free_port()
        if _reserved(port + 1):
            return port


def surroundings(**more: str) -> dict[str, str]:
    """An environment with nothing of ours set but what is given."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | more


def command(
    *words: str, given: str = "", seconds: float = 30, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run ``sms-receipt`` to its end, with only these settings."""
    return subprocess.run(
        [COMMAND, *words],
        env=surroundings(**settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def processes_of(folder: Path) -> dict[int, str]:
    """Every process that has to do with a data folder, by its environment, words or place."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            words = _about(entry, str(folder))
            if words is not None:
                found[int(entry.name)] = words
    return found


def _about(entry: Path, folder: str) -> str | None:
    """The command line of a process if it has to do with the folder; None too when it is over."""
    try:
        words = (entry / "cmdline").read_bytes()
        if not words:  # a zombie, or the kernel's own
            return None
        place = str((entry / "cwd").readlink())
        traces = (entry / "environ").read_bytes() + b"\0" + words
    except OSError:
        return None
    mine = folder.encode() in traces or place == folder or place.startswith(f"{folder}/")
    return words.replace(b"\0", b" ").decode(errors="replace").strip() if mine else None


@dataclass
class Running:
    """A service in a folder: ``start`` the demo, or doors, worker and network one by one."""

    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=two_free_ports)
    _children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def doors(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def network(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def environ(self) -> dict[str, str]:
        return surroundings(DATA_DIR=str(self.folder), NETWORK_SPEECH="0") | dict(self.more)

    @cached_property
    def settings(self) -> dict[str, str]:
        """What the demo would tell its processes."""
        return settings_for(self.environ, self.port)

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    def demo(self) -> None:
        """The whole service in one command; returns when it says that it runs."""
        seen = len(self.said())
        self._run("demo", self.environ, "demo", "--port", str(self.port))
        self._await(lambda: "Stop with Ctrl-C" in self.said()[seen:], "the demo to be ready")

    def start(self, *names: str, wait: bool = True) -> None:
        """Doors, worker, network: each as its own command; returns when they answer."""
        commands = {"doors": ("serve", "--workers", "2"), "worker": ("work",)}
        for name in names:
            self._run(name, self.settings, *commands.get(name, (name,)))
        for name, url in (
            ("doors", f"{self.doors}/readyz"),
            ("network", f"{self.network}/healthz"),
        ):
            if name in names and wait:
                self._await(lambda url=url: answers(url), f"{url} to answer")

    def employ(self, name: str) -> None:
        """One more worker, under this name."""
        self._run(name, self.settings, "work")

    def _run(self, name: str, environ: Mapping[str, str], *words: str) -> None:
        with self.log.open("ab") as out:
            self._children[name] = subprocess.Popen(
                [COMMAND, *words],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def _await(self, check: Callable[[], bool], what: str) -> None:
        def ready() -> bool:
            ended = {n: c.returncode for n, c in self._children.items() if c.poll() is not None}
            assert not ended, f"ended while waiting for {what}: {ended}\n{self.said()[-2000:]}"
            return check()

        until(ready, 60, f"waited for {what}\n{self.said()[-2000:]}")

    def said(self) -> str:
        """All that the processes wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def processes(self) -> dict[int, str]:
        return processes_of(self.folder)

    def door_processes(self) -> set[int]:
        """The processes that answer requests at the doors."""
        kept = self.find("app.server")
        return {pid for pid in kept if _parent(pid) in kept}

    def find(self, words: str) -> list[int]:
        """The processes of this service whose command line holds these words."""
        return [pid for pid, said in self.processes().items() if words in said]

    @property
    def runs(self) -> bool:
        """Whether anything of it was started and not yet ended by us."""
        return bool(self._children)

    def kill(self, *names: str) -> None:
        """Kill -9, all at the same moment."""
        for name in names:
            self._children[name].kill()
        for name in names:
            self._children.pop(name).wait(10)

    def kill_everything(self, spared: str = "") -> None:
        """Kill -9 of every process of the folder but one: ours, and the store's server."""
        kept = {name: child for name, child in self._children.items() if name == spared}
        pids = self.processes().keys() - {child.pid for child in kept.values()}
        for pid in pids:
            kill(pid)
        for name in self._children.keys() - kept.keys():
            self._children.pop(name).wait(10)
        until(lambda: not pids & self.processes().keys(), 3, "the killed processes to be gone")

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 20) -> float:
        """Ask everything to end; the seconds that took until no process was left."""
        began = time.monotonic()
        for child in self._children.values():
            child.send_signal(how)
        for child in self._children.values():
            child.wait(seconds)
        self._children.clear()
        self.gone(seconds)
        return time.monotonic() - began

    def gone(self, seconds: float = 10) -> None:
        """Returns when no process of the folder is left."""
        deadline = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < deadline, f"left over after {seconds:g} s: {left}"
            time.sleep(0.05)

    def later(self, step: str) -> None:
        """Time passes for the whole service: what ``sms-receipt clock`` does, without its start."""
        MovableClock(self.folder).move(step)

    def command(
        self, *words: str, given: str = "", **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """``sms-receipt`` in another terminal of the same folder."""
        return command(*words, given=given, **(self.environ | more))


def _parent(pid: int) -> int:
    """The parent of a process; 0 when it is over."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def answers(url: str) -> bool:
    """Whether a page answers well."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be over by now."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


def free_port() -> int:
    """A port nobody listens on, and that no other test on this machine is given meanwhile.

    It lies below those that the kernel hands out, and those of a cluster's nodes: no connection of
    anybody takes it until it is used.
    """
    while True:
        port = random.randrange(8_100, 11_900)
        if _reserved(port):
            return port


def _reserved(port: int) -> bool:
    """Whether a port is free and ours: a name that the kernel keeps until this process ends."""
    name = socket.socket(socket.AF_UNIX)
    with socket.socket() as probe:
        try:
            name.bind(f"\0port {port} of a test of sms-receipt")
            probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            return False
    name.detach()  # stays open
    return True


def answers_at(port: int) -> bool:
    """Whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_book(folder: Path, values: Mapping[str, str]) -> Path:
    """The shipped rule book with some values of its own."""
    text = SHIPPED.read_text()
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value}  ", text)
        assert found == 1, name
    book = folder / "rulebook.toml"
    book.write_text(text)
    return book
