"""One small process starts the embedded server, revives it, and stops it with its last user.

Run by path as `python -I -S keeper.py FOLDER LOCK BINARY` (see `embedded.py`): without
site-packages it is small and quick to start; asleep in `wait`, it takes no processor time.

Two locks, both let go by the kernel however a process ends, so nothing left on disk can mislead:

- `users.lock`: every user shares it. Having it alone means that nobody uses the store, and while
  it is had alone nobody can begin to: a newcomer waits the tenth of a second a clean stop takes.
- `keeper.lock`: handed over by the user that started the keeper, and inherited by the server. While
  it is taken there is a keeper or a server still writing, so two servers never share the data.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time

SOCKET = "valkey.sock"
LOG = "store.log"
USERS_LOCK = "users.lock"
KEEPER_LOCK = "keeper.lock"

_SERVER = (
    ("--port", "0"),
    ("--unixsocket", SOCKET),  # relative, as everything here: the folder's path may be any length
    ("--unixsocketperm", "700"),
    ("--logfile", LOG),
    ("--appendonly", "yes"),
    ("--appendfsync", "always"),  # acknowledged means on disk
    ("--appenddirname", "aof"),
    ("--aof-load-truncated", "yes"),  # a power cut leaves half of a write nobody was told of
    ("--auto-aof-rewrite-percentage", "100"),
    ("--auto-aof-rewrite-min-size", "64mb"),
    ("--save", ""),
    ("--maxmemory-policy", "noeviction"),  # a full store refuses, it never forgets
    ("--shutdown-on-sigterm", "nosave", "now", "force"),  # all is on disk: nothing may delay it
)
_PR_SET_PDEATHSIG = 1
_SHORT_LIFE = 1.0  # seconds; a server that ends sooner has no use for another try
_MINUTE = 60.0
_DEATHS_A_MINUTE = 5
_PAUSE = 0.1
_STOPPING = 10.0  # seconds for a clean stop, then it is killed


def keep(binary: str, users: int) -> None:
    """Serve for as long as somebody uses the store and the server can live; then stop it."""
    deaths: list[float] = []
    server, born = _serve(binary), time.monotonic()
    watcher = _watch(users)
    while True:
        child, status = os.wait()
        if child == watcher and status == 0:
            break
        if child == watcher:
            time.sleep(_PAUSE)  # killed, or the lock failed: never in a tight circle
            watcher = _watch(users)
        if child != server:
            continue
        now = time.monotonic()
        deaths = [at for at in deaths if now - at < _MINUTE] + [now]
        ended = f"the server (pid {server}) ended with {os.waitstatus_to_exitcode(status)}"
        if now - born < _SHORT_LIFE or len(deaths) >= _DEATHS_A_MINUTE:
            _log(f"{ended}; left so: the next who needs the store will start it")
            return
        _log(f"{ended}; started again")
        server, born = _serve(binary), now
    _stop(server)


def _serve(binary: str) -> int:
    """Start the server so that it cannot outlive its keeper."""
    keeper = os.getpid()
    child = os.fork()
    if child:
        return child
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # ignored would stay ignored until it is ready
    _follow(keeper, signal.SIGTERM)
    try:
        os.execv(binary, [binary, *(word for setting in _SERVER for word in setting)])  # noqa: S606  the point
    except OSError as problem:
        _log(f"{binary} does not start: {problem.strerror}")
    os._exit(127)


def _watch(users: int) -> int:
    """Start a child that ends well once nobody uses the store; the lock is then the keeper's too.

    A child, not a thread: the keeper waits for both children with one call, and may fork safely.
    """
    keeper = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        _follow(keeper, signal.SIGKILL)
        fcntl.flock(users, fcntl.LOCK_EX)
        os._exit(0)
    finally:
        os._exit(1)


def _follow(keeper: int, number: signal.Signals) -> None:
    """Have the kernel send this process the signal when its keeper ends, kill -9 included."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != keeper:  # it ended before we asked
        os._exit(1)


def _stop(server: int) -> None:
    """End the server cleanly, and by force when it does not obey."""
    os.kill(server, signal.SIGTERM)
    by = time.monotonic() + _STOPPING
    while os.waitpid(server, os.WNOHANG)[0] == 0:
        if time.monotonic() > by:
            _log(f"the server (pid {server}) did not stop in {_STOPPING:.0f} s: killed")
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
            return
        time.sleep(0.005)


def _log(sentence: str) -> None:
    """Write a line into the store's log; a full disk must not end the keeper."""
    with contextlib.suppress(OSError):
        os.write(2, f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} {sentence}\n".encode())


def main() -> None:
    """Leave the process that started us, then keep the server of the current folder."""
    _folder, lock, binary = sys.argv[1:]  # the folder is for people reading a process list
    if os.fork():
        os._exit(0)
    os.set_inheritable(int(lock), True)  # the server holds it as well
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a service being stopped still needs its store
    os.umask(0o077)
    users = os.open(USERS_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    keep(binary, users)


if __name__ == "__main__":
    main()
