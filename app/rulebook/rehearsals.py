"""Runs rehearsals of rule books in a thread of each worker, at half its speed at most."""

import os
import socket
import threading
import time

import structlog

from app.bootstrap import Container
from receipts.ports.store import StoreUnavailableError
from receipts.staff.books.rehearsals import RehearsalJob

_log = structlog.get_logger()

#: Seconds between two looks for a rehearsal to run.
_IDLE_SECONDS = 1.0


def rehearsal_job(services: Container) -> RehearsalJob:
    """The job of this process."""
    archive = services.clients.bulk_reader
    return RehearsalJob(services.books, services.store, archive, services.clock, services.policy)


class RehearsalThread:
    """A thread that takes a step, and then rests for as long: receipts are sent beside it."""

    def __init__(self, job: RehearsalJob) -> None:
        self._job, self._stop = job, threading.Event()
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)

    def start(self) -> None:
        """Begin to look for rehearsals."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step in hand; its checkpoint is saved."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        rest = 0.0
        while not self._stop.wait(rest):
            begun = time.monotonic()
            try:
                worked = self._job.step(self._name)
                rest = time.monotonic() - begun if worked else _IDLE_SECONDS
            except StoreUnavailableError:
                rest = _IDLE_SECONDS
            except Exception:  # noqa: BLE001 - the worker sends receipts whether or not this runs
                _log.exception("a rehearsal's step failed")
                rest = _IDLE_SECONDS
