"""Keeps the web processes running, and replaces them one after another without a pause."""

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial

import structlog

from app.edge import limits
from app.serving.notify import Watchdog, notify
from app.serving.sockets import Listeners
from receipts.store.local_server import die_with_parent

_log = structlog.get_logger()

#: A process that gives no sign of life for so long is replaced. It gives two a second.
_SILENCE_SECONDS = 10.0

_WATCH_SECONDS = 0.2
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0

#: A process that was told to end has its own limit, and a moment more.
_END_SECONDS = limits.STOP_SECONDS + 1.0


@dataclass(eq=False, slots=True)
class _WebProcess:
    process: "subprocess.Popen[bytes]"
    #: The end of a pipe from which its signs of life are read.
    beats: int
    #: Time of the last sign; the start has no time limit, since it may wait for the store.
    heard_at: float | None = None
    #: Time at which it is killed, once it was told to end.
    kill_at: float | None = None

    def end(self) -> None:
        """Tell it to end after its requests in progress."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + _END_SECONDS
            self.process.terminate()

    def is_lost(self, now: float) -> bool:
        """Whether it gave no sign of life, or did not end, for too long."""
        if self.kill_at is not None:
            return now > self.kill_at
        return self.heard_at is not None and now - self.heard_at > _SILENCE_SECONDS


class WebProcesses:
    """Processes that accept from the same sockets; one that fails is replaced."""

    def __init__(self, listeners: Listeners, count: int) -> None:
        self._listeners, self._count = listeners, count
        self._running: list[_WebProcess] = []
        #: Those that were told to end and still answer requests.
        self._leaving: list[_WebProcess] = []
        #: Those that a reload still has to replace.
        self._outdated: list[_WebProcess] = []
        self._failures, self._start_at = 0, 0.0
        self._stopped = self._hung_up = self._is_ready = False
        self._watchdog = Watchdog()

    def run(self) -> None:
        """Keep the processes running until SIGINT or SIGTERM; SIGHUP replaces them in turn.

        Meanwhile new connections wait at the sockets.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        while not self._stopped:
            self._start_missing()
            self._listen_to_processes()
            self._reload()
            self._tell_when_ready()
            self._watchdog.alive()
        notify("STOPPING=1")
        self._end()

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _hang_up(self, *_: object) -> None:
        self._hung_up = True

    def _start_missing(self) -> None:
        # A reload starts the new process before the old one leaves.
        wanted = self._count + bool(self._outdated)
        while len(self._running) < wanted and time.monotonic() >= self._start_at:
            beats, written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            numbers = self._listeners.numbers
            command = [sys.executable, "-P", "-m", "app.server", "process", str(written)]
            process = subprocess.Popen(
                [*command, *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                pass_fds=(written, *numbers),
                # SIGKILL: commits are atomic, and an orphan would keep the port.
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - no threads here
            )
            os.close(written)
            self._running.append(_WebProcess(process, beats))

    def _reload(self) -> None:
        """Let one outdated process leave when all others, with one more, have begun to answer."""
        if self._hung_up:
            self._hung_up, self._outdated, self._is_ready = False, list(self._running), False
            notify("RELOADING=1")
        elif self._outdated and len(self._running) > self._count and self._all_answer():
            old = self._outdated.pop(0)
            self._running.remove(old)
            self._leaving.append(old)
            old.end()

    def _all_answer(self) -> bool:
        return all(each.heard_at is not None for each in self._running)

    def _tell_when_ready(self) -> None:
        if self._is_ready or self._outdated or len(self._running) != self._count:
            return
        if self._all_answer():
            self._is_ready = True
            notify("READY=1", f"STATUS={self._count} web processes answer")

    def _listen_to_processes(self) -> None:
        """Read signs of life for a moment; take leave of processes that ended or are stuck."""
        poll, processes = select.poll(), [*self._running, *self._leaving]
        for each in processes:
            poll.register(each.beats, select.POLLIN)
        ready = {number for number, _ in poll.poll(_WATCH_SECONDS * 1000)}
        now = time.monotonic()
        for each in processes:
            if each.beats in ready:
                if not os.read(each.beats, 4096):
                    self._remove(each)
                    continue
                each.heard_at = now
            if each.is_lost(now):
                _log.error("a web process gives no sign of life; it is replaced")
                each.process.kill()
                self._remove(each)

    def _remove(self, ended: _WebProcess) -> None:
        os.close(ended.beats)
        code = ended.process.wait()
        if ended in self._leaving:
            self._leaving.remove(ended)
            return
        self._running.remove(ended)
        if ended in self._outdated:
            self._outdated.remove(ended)
        elif self._outdated and ended.heard_at is None:
            _log.error("a new web process did not start; those before it stay", code=code)
            self._outdated = []
        if self._stopped or code == 0:
            return
        _log.warning("a web process ended; it is started again", code=code)
        self._failures = 0 if ended.heard_at is not None else self._failures + 1
        pause = _FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10)
        self._start_at = time.monotonic() + min(pause, _LONGEST_PAUSE_SECONDS)

    def _end(self) -> None:
        self._listeners.refuse()
        for each in self._running:
            each.end()
        for each in [*self._running, *self._leaving]:
            try:
                each.process.wait(max(0.1, (each.kill_at or 0.0) - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
