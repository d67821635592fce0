"""The supervisor of `demo` and of `serve`: starts child processes, restarts and ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.edge import limits
from receipts.store.local_server import LocalServer, die_with_parent

_WATCH_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
#: Web processes end within their own limit, and a moment more.
_END_SECONDS = limits.STOP_SECONDS + 3.0
#: A child that ran for so long starts a new count of falls.
_STABLE_SECONDS = 60.0
#: In a row; with the pauses about five minutes, in which a full disk may get room again.
_MOST_FALLS = 60


class ChildFailedError(Exception):
    """A child process ends again and again; the message names it."""


@dataclass(slots=True)
class _Child:
    spawn: Callable[[], "subprocess.Popen[bytes]"]
    process: "subprocess.Popen[bytes]"
    falls: int = 0
    started_at: float = field(default_factory=time.monotonic)
    restart_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Child processes of one command; one that ends is started again, later each time.

    The children are modules of ours, run in the environment given, and the store if there is one.
    """

    environ: Mapping[str, str]
    store: LocalServer | None = None
    most_falls: int = _MOST_FALLS
    _children: dict[str, _Child] = field(default_factory=dict)

    def start_store(self) -> None:
        """Start the store and wait until it answers. Raises StoreUnavailableError."""
        if self.store is not None:
            self._children["store"] = _Child(self.store.spawn, self.store.start())

    def start(self, name: str, *words: str, passed: Sequence[int] = ()) -> None:
        """Start a module of ours as a child: its name, then its arguments.

        The child inherits the descriptors in ``passed``.
        """
        spawn = partial(_spawn, words, self.environ, passed)
        self._children[name] = _Child(spawn, spawn())

    def ended(self) -> list[str]:
        """The names of the children that ended by themselves."""
        return [name for name, child in self._children.items() if child.process.poll() is not None]

    def has_ended_with(self, name: str, status: int) -> bool:
        """Whether a child has ended by itself with this exit status."""
        return self._children[name].process.poll() == status

    def watch(
        self,
        stop: list[int],
        on_restart: Callable[[str], None],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Restart children that end, until ``stop`` holds a signal or ``is_over`` is true.

        Raises ChildFailedError.
        """
        while not stop and not is_over():
            time.sleep(_WATCH_SECONDS)
            for name in self.restart_ended():
                on_restart(name)

    def restart_ended(self) -> list[str]:
        """Restart the children whose pause is over; their names. Raises ChildFailedError."""
        now, restarted = time.monotonic(), []
        for name in self.ended():
            child = self._children[name]
            if not child.restart_at:
                stable = now - child.started_at > _STABLE_SECONDS
                child.falls = 1 if stable else child.falls + 1
                pause = _FIRST_PAUSE_SECONDS * 2 ** min(child.falls - 1, 10)
                child.restart_at = now + min(pause, _LONGEST_PAUSE_SECONDS)
            if child.falls >= self.most_falls:
                why = self.store.last_words() if self.store and name == "store" else "See its log."
                raise ChildFailedError(f"The {name} ended {child.falls} times in a row. {why}")
            if now >= child.restart_at:
                child.process, child.started_at, child.restart_at = child.spawn(), now, 0.0
                restarted.append(name)
        return restarted

    def pids(self) -> dict[str, int]:
        """The process ids, by name."""
        return {name: child.process.pid for name, child in self._children.items()}

    def hang_up(self, name: str) -> None:
        """Send SIGHUP to a child."""
        self._children[name].process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """End all children, the last started first, each given time to finish; then the store."""
        processes = [child.process for name, child in self._children.items() if name != "store"]
        for process in reversed(processes):
            process.terminate()
        until = time.monotonic() + _END_SECONDS
        for process in reversed(processes):
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.store is not None:
            self.store.stop()


def _spawn(
    words: tuple[str, ...], environ: Mapping[str, str], passed: Sequence[int]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *words],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        pass_fds=passed,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone; it ends them in order
        # SIGKILL: after a SIGTERM they would wait for a store that has ended as well.
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - no threads here
    )


def stop_signals() -> list[int]:
    """A list that gets each SIGINT and SIGTERM that comes from now on."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda came, _: received.append(came))
    return received
