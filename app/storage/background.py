"""The threads of a worker beside its sending: rehearsals, and the archive."""

import datetime as dt
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.bootstrap import Container
from app.rulebook.rehearsals import RehearsalThread
from app.storage.archive import archive_mover, open_archive
from receipts.ports.store import StoreUnavailableError
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.mover import ArchiveMissingError
from receipts.store.archive.reader import DAMAGE
from receipts.store.archive.register import ArchiveRegister
from receipts.store.keys import KeySchema

_log = structlog.get_logger()

#: Seconds between two looks for work.
_IDLE_SECONDS = 10.0

#: By the service's clock, a pass over the store begins at most once in this time.
_BETWEEN_PASSES = dt.timedelta(hours=1)


@contextmanager
def background(services: Container) -> Iterator[None]:
    """Run both threads."""
    threads = (RehearsalThread(services), ArchiveThread(services))
    for each in threads:
        each.start()
    yield
    for each in threads:
        each.stop()


class ArchiveThread:
    """A thread that rests for as long as it works; of several workers, one moves at a time."""

    def __init__(self, services: Container) -> None:
        clients, settings, clock = services.clients, services.settings, services.clock
        self._stop, self._rested_at, self._clock = threading.Event(), 0.0, clock
        self._folder = ArchiveFolder(settings.archive_dir)
        self._register = ArchiveRegister(clients.connection, KeySchema(settings.shards))
        self._archive = open_archive(clients, settings, clock)
        self._mover = archive_mover(clients, settings, clock)
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def stop(self) -> None:
        """End after the piece of work in hand."""
        self._stop.set()
        self._thread.join(5)

    def step(self) -> None:
        """Do what is due: erasures, and a pass over the store.

        Raises StoreUnavailableError, ArchiveMissingError and the errors of the archive's files.
        """
        self._rested_at = time.monotonic()
        for shard in self._register.shards_to_erase():
            self._archive.erase_pending(shard)
        if not self._is_pass_due():
            return
        self._mover.open()
        with self._folder.lock("mover", wait=False) as is_ours:
            if not is_ours or not self._is_pass_due():
                return
            began, moved = self._clock.now(), 0
            for count in self._mover.run(self._rest):
                moved += count
                if self._stop.is_set():
                    return
            self._register.passed(began.isoformat())
        if moved:
            _log.info("receipts moved to the archive", receipts=moved)

    def _is_pass_due(self) -> bool:
        last = self._register.last_pass()
        # A clock that is moved back makes the last pass one of the future.
        since = self._clock.now() - dt.datetime.fromisoformat(last) if last else _BETWEEN_PASSES
        return not dt.timedelta() <= since < _BETWEEN_PASSES

    def _rest(self) -> None:
        self._stop.wait(time.monotonic() - self._rested_at)
        self._rested_at = time.monotonic()

    def _run(self) -> None:
        while not self._stop.wait(_IDLE_SECONDS):
            try:
                self.step()
            except StoreUnavailableError:
                continue
            except (ArchiveMissingError, *DAMAGE) as error:
                _log.error("receipts stay in the store", error=str(error), process=os.getpid())
            except Exception:  # noqa: BLE001 - the worker sends receipts whether or not this runs
                _log.exception("a step of the archive failed")
