"""The doors under granian: a few blocking threads a worker, half the CPU of the usual server.

`python -m app.server WORKERS` is the doors as a supervisor's child.
"""

import gc
import multiprocessing
import os
import shutil
import signal
import socket
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from app.process import die_with_parent
from app.settings import Settings
from receipts.store.local_server import wait_for_server

#: Where the processes of one service add their counts up; the library reads it at import.
_SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"

#: Things made and not yet gone before garbage is looked for.
_GARBAGE = 10_000

#: Requests that a door process has in hand: one is decided while others wait for the disk, and
#: what they write meanwhile reaches it together.
_THREADS = 4

#: Seconds that a door process told to end has for the answers under way.
_LAST_ANSWERS = 6


def serve(settings: Settings, workers: int) -> None:
    """Answer at HOST and PORT until told to stop."""
    counts = settings.data_dir / "metrics"
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    os.environ[_SHARED_COUNTS] = str(counts.absolute())
    Granian(
        "app.server:door_process",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=_LAST_ANSWERS,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


def door_process() -> object:
    """The app of one door process; it ends when the process that keeps it ends."""
    # It inherits its keeper's handlers, which would swallow the word to end while it starts.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    keeper = multiprocessing.parent_process()
    if keeper is not None and keeper.pid is not None:
        # At once: every change is whole or not there, and an orphan would keep the port.
        die_with_parent(keeper.pid, signal.SIGKILL)
    # What is loaded stays for good: to look through it for garbage is a seventh of the start.
    gc.disable()
    # Imported here: the process that only keeps the door processes needs none of it.
    import structlog  # noqa: PLC0415

    from app import log_setup  # noqa: PLC0415
    from app.rulebook_reload import ReloadingApp  # noqa: PLC0415

    settings = Settings.read()
    log_setup.set_up(settings.log_format)
    if not settings.redis_url:
        # The supervisor may be restarting the store at this moment.
        wait_for_server(settings.data_dir, structlog.get_logger().warning)
    doors = ReloadingApp(settings)
    settled()
    return doors


def settled() -> None:
    """To be called when all is loaded: what stays for good is not looked through for garbage.

    A request or a receipt makes little that only a search would find: rules and answers hold no
    circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    gc.enable()


def busy(host: str, port: int) -> str | None:
    """Why nobody could answer at an address just now, None when somebody could."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return f"{host}:{port}: {error.strerror}"
    return None


if __name__ == "__main__":
    serve(Settings.read(), int(sys.argv[1]))
