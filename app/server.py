"""The web processes: `python -m app.server WORKERS [SOCKET...]` runs them as a supervisor's child.

The sockets are descriptors of the supervisor's; without them the ports are opened here.
"""

import gc
import os
import resource
import shutil
import signal
import sys
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

import structlog

from app import log_setup
from app.edge import limits
from app.metrics.folder import FOLDER, FOLDER_VARIABLE
from app.serving.processes import WebProcesses
from app.serving.sockets import Listeners
from app.settings import Settings
from receipts.store.local_server import wait_for_server

_log = structlog.get_logger()

#: Allocated objects, less freed ones, that start a garbage collection.
_GC_THRESHOLD = 10_000


def serve(settings: Settings, workers: int, listeners: Listeners) -> None:
    """Answer at HOST and PORT, and at INSIDE_PORT if set, until a signal stops the server."""
    counts = settings.data_dir / FOLDER
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(counts.absolute())
    log_setup.set_up(settings)
    WebProcesses(listeners, workers).run()


def run_process(beats: int, *sockets: int) -> None:
    """Be one web process, on the parent's sockets, until SIGTERM."""
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
    inside = settings.inside_port
    listeners = [
        Listener(each, each.getsockname()[1] == inside if inside else None)
        for each in Listeners(settings, sockets).sockets
    ]
    reader = Reader(app, listeners, urlsplit(settings.public_url).path)
    signal.signal(signal.SIGTERM, lambda *_: reader.stop())
    freeze_garbage()
    reader.run(partial(give_sign_of_life, beats))


def give_sign_of_life(beats: int, seconds_without_progress: float) -> None:
    """Write to the parent's pipe, or end this process if its threads make no progress."""
    if seconds_without_progress > limits.STUCK_SECONDS:
        _log.error("the threads of a web process make no progress; it ends")
        os._exit(1)
    # A parent that was stopped has many unread; one that was killed takes this process along.
    with suppress(BlockingIOError, BrokenPipeError):
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


if __name__ == "__main__":
    if sys.argv[1] == "process":
        run_process(*map(int, sys.argv[2:]))
    else:
        own = Settings.read()
        serve(own, int(sys.argv[1]), Listeners(own, map(int, sys.argv[2:])))
