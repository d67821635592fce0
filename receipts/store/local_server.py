"""The Valkey server in `DATA_DIR/store`, used when `REDIS_URL` is unset.

One process owns it and runs it as its child; all others only connect to its socket.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

from receipts.ports.store import StoreUnavailableError
from receipts.store.server_binary import server_binary

_SOCKET = "valkey.sock"
_LOG = "store.log"
_DATA = "aof"
_OPTIONS = (
    *("--port", "0"),
    *("--unixsocket", _SOCKET),  # relative, like every path here: the folder's may be any length
    *("--unixsocketperm", "700"),
    *("--logfile", _LOG),
    *("--appendonly", "yes"),
    *("--appendfsync", "always"),  # acknowledged means on disk
    *("--appenddirname", _DATA),
    *("--aof-load-truncated", "yes"),  # a power cut leaves half of an unacknowledged write
    *("--auto-aof-rewrite-percentage", "100"),
    *("--auto-aof-rewrite-min-size", "64mb"),
    *("--save", ""),
    *("--repl-diskless-sync-delay", "0"),  # a backup need not wait for replicas to come
    *("--maxmemory-policy", "noeviction"),  # a full store refuses writes and keeps its data
    *("--shutdown-on-sigterm", "nosave", "now", "force"),  # all is on disk: no reason to wait
)
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TZ")  # keeps our secrets out of the server
_PR_SET_PDEATHSIG = 1
#: The allocator of Debian's own servers (package libjemalloc2), used where it is installed: with
#: that of glibc, a store of a million records costs about twice the CPU.
_ALLOCATOR = "libjemalloc.so.2"
_LIBRARIES = (f"/usr/lib/{os.uname().machine}-linux-gnu", "/usr/lib64", "/usr/local/lib")
_SOCKET_PATH_BYTES = 107  # room in the kernel's sockaddr_un, without the final zero
_LOG_BYTES = 4_000_000  # a longer log is set aside at the next start; one old log is kept
_LOCK_SECONDS = 3.0  # a killed owner's server still needs a moment to end
_LAST_WRITES_SECONDS = 5.0  # the lease of a worker: afterwards others may hold its entries
_STOP_SECONDS = 10.0


class StoreNotReadyError(StoreUnavailableError):
    """No server runs in the data folder, or it still reads its data."""


class StoreInUseError(StoreUnavailableError):
    """Another process owns the store of this data folder."""


class LocalServer:
    """The one owner of the server in a data folder.

    The kernel ends the server with the thread that started it, also after kill -9.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir, self._folder = data_dir, data_dir.absolute() / "store"
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def claim(self) -> None:
        """Become the owner. Raises StoreInUseError or StoreUnavailableError."""
        if sys.platform != "linux":  # elsewhere no signal ends the server of a killed owner
            raise StoreUnavailableError("The local store needs Linux. Set REDIS_URL to a server.")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = self._lock or _locked(self._folder / "owner.lock")
            log = self._folder / _LOG
            if log.exists() and log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
        except OSError as error:
            raise StoreUnavailableError(
                f"The store cannot use the folder {self._folder}: {error.strerror or error}. "
                "Give this user the right to write there, or set DATA_DIR to another folder, "
                "or REDIS_URL to a server of yours."
            ) from error

    def start(self) -> "subprocess.Popen[bytes]":
        """Claim the folder, start the server, return once it has read its data and answers.

        Raises StoreUnavailableError.
        """
        self.claim()
        process = self.spawn()
        while True:
            with contextlib.suppress(StoreUnavailableError):
                running_server_url(self._data_dir)
                return process
            if process.poll() is not None:
                self.stop()
                raise StoreUnavailableError(f"The store does not start. {self.last_words()}")
            time.sleep(0.01)

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start the server's process in the claimed folder, without waiting for its answer."""
        assert self._lock is not None, "claim() comes first"  # noqa: S101 - an error of the caller
        with (self._folder / _LOG).open("ab") as out:
            self._process = subprocess.Popen(
                [server_binary(), *_OPTIONS],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                env=_server_environment(),
                umask=0o077,
                # The server keeps the lock as well: two servers never write the same files.
                pass_fds=(self._lock,),
                start_new_session=True,  # Ctrl-C is for the owner
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - no threads here
            )
        return self._process

    def stop(self, last_writes_seconds: float = _LAST_WRITES_SECONDS) -> None:
        """Stop the server and give up the folder.

        Waits first while clients are connected, at most ``last_writes_seconds``: a worker that is
        told to end at the same moment still writes its results.
        """
        if self._process is not None:
            deadline = time.monotonic() + last_writes_seconds
            while time.monotonic() < deadline and self._has_clients():
                time.sleep(0.05)
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._lock is not None:
            os.close(self._lock)
        self._process = self._lock = None

    def erase(self) -> None:
        """Delete all data of the stopped server. Raises StoreInUseError or StoreUnavailableError.

        The data is renamed first: an erasure that was cut short leaves none of it to a server.
        """
        self.claim()
        data, erased = self._folder / _DATA, self._folder / "erased"
        shutil.rmtree(erased, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            data.rename(erased)
        shutil.rmtree(erased, ignore_errors=True)

    def last_words(self) -> str:
        """The last line of the server's log, as a part of an error message."""
        *_, line = (self._folder / _LOG).read_text(errors="replace").rstrip().split("\n")
        return f"{self._folder / _LOG} ends with: {line} Is the disk full?"

    def _has_clients(self) -> bool:
        try:
            reply = _reply(self._folder, b"INFO clients\r\n")
        except OSError:
            return False
        connected = re.search(rb"connected_clients:(\d+)", reply)
        return connected is not None and int(connected[1]) > 1  # one asks this


def _server_environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    folders = (*environment.get("LD_LIBRARY_PATH", "").split(os.pathsep), *_LIBRARIES)
    for path in (Path(folder) / _ALLOCATOR for folder in folders if folder):
        if path.is_file():
            return environment | {"LD_PRELOAD": str(path)}
    return environment


def running_server_url(data_dir: Path) -> str:
    """URL of the server that runs in a data folder, valid in this process and its forks.

    Creates no file and no folder. Raises StoreNotReadyError, or StoreUnavailableError.
    """
    where, folder = f"DATA_DIR={data_dir.absolute()}", data_dir.absolute() / "store"
    try:
        reply = _reply(folder, b"PING\r\n")
    except (FileNotFoundError, ConnectionRefusedError):
        raise StoreNotReadyError(
            f"No store runs in {where}. Start one there with `make run` or `sms-receipt serve`, "
            "or set DATA_DIR to the folder of one that runs, or REDIS_URL to a server of yours."
        ) from None
    except OSError as error:
        raise StoreUnavailableError(
            f"The store in {where} cannot be reached: {error.strerror or error}."
        ) from error
    if reply.startswith(b"-LOADING"):
        raise StoreNotReadyError(f"The store in {where} still reads its data. Try again.")
    path = str(folder / _SOCKET)
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
        # The descriptor stays open: the path is valid for as long as this process lives.
        path = f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}/{_SOCKET}"
    return f"unix://{quote(path)}"


def wait_for_server(data_dir: Path, on_wait: Callable[[str], None]) -> None:
    """Wait without limit until a server runs; ``on_wait`` gets the reason, twice a second."""
    while True:
        try:
            running_server_url(data_dir)
        except StoreNotReadyError as error:
            on_wait(str(error))
            time.sleep(0.5)
        else:
            return


def _reply(folder: Path, command: bytes) -> bytes:
    directory = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(f"/proc/self/fd/{directory}/{_SOCKET}")
            connection.sendall(command)
            return connection.recv(4096)
    finally:
        os.close(directory)


def _locked(file: Path) -> int:
    """A descriptor that holds the lock; our process id is in the file."""
    deadline = time.monotonic() + _LOCK_SECONDS
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise StoreInUseError(
                    f"The store in {file.parent} is in use by process {file.read_text()}. "
                    "Stop that process, or set DATA_DIR to another folder."
                ) from None
            time.sleep(0.02)
        else:
            file.write_text(str(os.getpid()))
            return lock


def die_with_parent(parent: int, sent: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end this process when its parent ends, however that was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(sent))
    if os.getppid() != parent:  # it ended before the request was in place
        os._exit(1)
