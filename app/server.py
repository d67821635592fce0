"""The web server (granian); `python -m app.server WORKERS` runs it as a supervisor's child."""

import gc
import multiprocessing
import os
import shutil
import signal
import socket
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from app.metrics_folder import FOLDER, FOLDER_VARIABLE
from app.settings import Settings
from receipts.store.local_server import die_with_parent, wait_for_server

#: Allocated objects, less freed ones, that start a garbage collection.
_GC_THRESHOLD = 10_000

#: Requests in progress in one process; most wait for the store's disk, which groups their writes.
_THREADS = 4

_SHUTDOWN_SECONDS = 6

#: Limit of a request's head, in bytes.
_MAX_HEAD_BYTES = 16 * 1024

#: From the start of a connection, or from the last response, to the end of a head.
_HEAD_MILLISECONDS = 10_000

#: Open connections of one process. Silent ones end after the time for a head.
_CONNECTIONS = 8192


def serve(settings: Settings, workers: int) -> None:
    """Answer at HOST and PORT until a signal stops the server."""
    counts = settings.data_dir / FOLDER
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(counts.absolute())
    Granian(
        "app.server:door_process",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        # HTTP/2 without TLS: streams that end without their bodies keep a process busy for ever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEAD_MILLISECONDS, max_buffer_size=_MAX_HEAD_BYTES
        ),
        websockets=False,
        backpressure=_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=_SHUTDOWN_SECONDS,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


def door_process() -> object:
    """The application of one web process, which ends with its parent."""
    # The inherited handlers of the parent would swallow a signal during the start.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        # Commits are atomic, so SIGKILL is safe; an orphan would keep the port.
        die_with_parent(parent.pid)
    # Loaded modules are never freed: to scan them is a seventh of the start time.
    gc.disable()
    # Not at the top: the parent process needs none of it.
    import structlog  # noqa: PLC0415

    from app import log_setup  # noqa: PLC0415
    from app.rulebook_reload import ReloadingApp  # noqa: PLC0415

    settings = Settings.read()
    log_setup.set_up(settings)
    if not settings.redis_url:
        # The supervisor may be restarting the store at this moment.
        wait_for_server(settings.data_dir, structlog.get_logger().warning)
    app = ReloadingApp(settings)
    freeze_garbage()
    return app


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
    serve(Settings.read(), int(sys.argv[1]))
