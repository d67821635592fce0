"""The web processes: `python -m app.server WORKERS` runs them as a supervisor's child.

The parent opens the ports and replaces a process that ends or gives no sign of life.
"""

import gc
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import structlog

from app import log_setup
from app.edge import limits
from app.metrics.folder import FOLDER, FOLDER_VARIABLE
from app.settings import Settings
from receipts.store.local_server import die_with_parent, wait_for_server

_log = structlog.get_logger()

#: Allocated objects, less freed ones, that start a garbage collection.
_GC_THRESHOLD = 10_000

#: A process that gives no sign of life for so long is replaced. It gives two a second.
_SILENCE_SECONDS = 10.0

_WATCH_SECONDS = 0.2
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_SHUTDOWN_SECONDS = 6.0

#: Connections that the kernel completes before a process accepts them.
_BACKLOG = 4096


def serve(settings: Settings, workers: int) -> None:
    """Answer at HOST and PORT, and at INSIDE_PORT if set, until a signal stops the server."""
    counts = settings.data_dir / FOLDER
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(counts.absolute())
    log_setup.set_up(settings)
    listeners = [listen(settings.host, settings.port)]
    if settings.inside_port:
        listeners.append(listen(settings.inside_host, settings.inside_port))
    WebProcesses(listeners, workers).run()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket of one address."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it; a response is sent in one piece.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(address)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


@dataclass(eq=False, slots=True)
class _WebProcess:
    process: "subprocess.Popen[bytes]"
    #: The end of a pipe from which its signs of life are read.
    beats: int
    #: Time of the last sign; the start has no time limit, since it may wait for the store.
    heard_at: float | None = None
    started_at: float = field(default_factory=time.monotonic)


class WebProcesses:
    """Processes that accept from the same sockets; one that fails is replaced."""

    def __init__(self, listeners: list[socket.socket], count: int) -> None:
        self._listeners, self._count = listeners, count
        self._running: list[_WebProcess] = []
        self._failures, self._start_at = 0, 0.0
        self._stopped = self._hung_up = False

    def run(self) -> None:
        """Keep the processes running until SIGINT or SIGTERM; SIGHUP replaces them all.

        Meanwhile new connections wait at the sockets.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        while not self._stopped:
            self._start_missing()
            if self._hung_up:
                self._hung_up = False
                for each in list(self._running):
                    each.process.terminate()
            self._listen_to_processes()
        self._end()

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _hang_up(self, *_: object) -> None:
        self._hung_up = True

    def _start_missing(self) -> None:
        while len(self._running) < self._count and time.monotonic() >= self._start_at:
            beats, written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            numbers = [each.fileno() for each in self._listeners]
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

    def _listen_to_processes(self) -> None:
        """Read signs of life for a moment; take leave of processes that ended or are stuck."""
        poll = select.poll()
        for each in self._running:
            poll.register(each.beats, select.POLLIN)
        ready = {number for number, _ in poll.poll(_WATCH_SECONDS * 1000)}
        now = time.monotonic()
        for each in list(self._running):
            if each.beats in ready:
                if not os.read(each.beats, 4096):
                    self._remove(each)
                    continue
                each.heard_at = now
            if each.heard_at is not None and now - each.heard_at > _SILENCE_SECONDS:
                _log.error("a web process gives no sign of life; it is replaced")
                each.process.kill()
                self._remove(each)

    def _remove(self, ended: _WebProcess) -> None:
        self._running.remove(ended)
        os.close(ended.beats)
        code = ended.process.wait()
        if self._stopped or code == 0:
            return
        _log.warning("a web process ended; it is started again", code=code)
        self._failures = 0 if ended.heard_at is not None else self._failures + 1
        pause = _FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10)
        self._start_at = time.monotonic() + min(pause, _LONGEST_PAUSE_SECONDS)

    def _end(self) -> None:
        for each in self._running:
            each.process.terminate()
        until = time.monotonic() + _SHUTDOWN_SECONDS
        for each in self._running:
            try:
                each.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


def run_process(beats: int, public: int, *inside: int) -> None:
    """Be one web process, on the parent's sockets, until SIGTERM.

    ``inside`` is the socket of INSIDE_PORT, if that is set.
    """
    # Loaded modules are never freed: to scan them is a seventh of the start time.
    gc.disable()
    # Not at the top: the parent process needs none of it.
    from app.edge.reader import Listener, Reader  # noqa: PLC0415
    from app.rulebook_reload import ReloadingApp  # noqa: PLC0415

    settings = Settings.read()
    log_setup.set_up(settings)
    _allow_many_files()
    if not settings.redis_url:
        # The supervisor may be restarting the store at this moment.
        wait_for_server(settings.data_dir, _log.warning)
    app = ReloadingApp(settings)
    listeners = [Listener(_socket(public), is_inside=False if inside else None)]
    listeners += [Listener(_socket(number), is_inside=True) for number in inside]
    reader = Reader(app, listeners, urlsplit(settings.public_url).path)
    signal.signal(signal.SIGTERM, lambda *_: reader.stop())
    freeze_garbage()
    reader.run(partial(give_sign_of_life, beats))


def _socket(number: int) -> socket.socket:
    inherited = socket.socket(fileno=number)
    inherited.setblocking(False)
    return inherited


def give_sign_of_life(beats: int, seconds_without_progress: float) -> None:
    """Write to the parent's pipe, or end this process if its threads make no progress."""
    if seconds_without_progress > limits.STUCK_SECONDS:
        _log.error("the threads of a web process make no progress; it ends")
        os._exit(1)
    with suppress(BlockingIOError):  # a parent that was stopped has many unread
        os.write(beats, b".")


def _allow_many_files() -> None:
    """Raise the limit of open files, one of which each connection takes, as far as is allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def freeze_garbage() -> None:
    """Exclude all loaded objects from garbage collection, and make it rare afterwards.

    Requests and receipts create few reference cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()


def bind_error(host: str, port: int) -> str | None:
    """The reason why this process cannot listen at an address, or None."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return f"{host}:{port}: {error.strerror}"
    return None


if __name__ == "__main__":
    if sys.argv[1] == "process":
        run_process(*map(int, sys.argv[2:]))
    else:
        serve(Settings.read(), int(sys.argv[1]))
