"""Runs rehearsals of rule books in a thread of each worker, at half its speed at most."""

import os
import socket
import threading
import time
from collections.abc import Callable

import structlog

from app.bootstrap import Container
from receipts.ports.store import StoreUnavailableError
from receipts.staff.books.rehearsals import RehearsalJob

_log = structlog.get_logger()

#: Seconds between two looks for a rehearsal to run.
_IDLE_SECONDS = 1.0


def rehearsal_job(services: Container, rest: Callable[[], object] = lambda: None) -> RehearsalJob:
    """The job of this process."""
    clients, clock, policy = services.clients, services.clock, services.policy
    archive = clients.bulk_reader
    return RehearsalJob(services.books, services.history, archive, clock, policy, rest)


class RehearsalThread:
    """A thread that rests for as long as it works: receipts are sent beside it."""

    def __init__(self, services: Container) -> None:
        self._stop, self._rested_at = threading.Event(), 0.0
        self._job = rehearsal_job(services, self._rest)
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)

    def start(self) -> None:
        """Begin to look for rehearsals."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step in hand; its checkpoint is saved."""
        self._stop.set()
        self._thread.join(5)

    def _rest(self) -> None:
        self._stop.wait(time.monotonic() - self._rested_at)
        self._rested_at = time.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._rested_at = time.monotonic()
            try:
                is_idle = not self._job.step(self._name)
            except StoreUnavailableError:
                is_idle = True
            except Exception:  # noqa: BLE001 - the worker sends receipts whether or not this runs
                _log.exception("a rehearsal's step failed")
                is_idle = True
            if is_idle:
                self._stop.wait(_IDLE_SECONDS)
            else:
                self._rest()
