"""Hot reload of the rule book: a valid change applies within a second, an invalid one never.

The last valid book is kept in DATA_DIR for processes that start while the file is invalid.
"""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog

from app import bootstrap, metrics
from app.factory import create_app
from app.settings import Settings
from receipts.model.calendar import SHANGHAI
from receipts.ports.clock import Clock
from receipts.rulebook.diff import changed_tariffs, fingerprint
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED, load_rule_book
from receipts.rulebook.schema import RuleBook

_log = structlog.get_logger()

#: Seconds between two checks of the file, and the least age of a change: an editor may still write.
_EVERY = 0.5
_SETTLED = 0.25

#: Modification time, size and inode of the file.
_Version = tuple[int, int, int] | None


def load_effective_rule_book(settings: Settings) -> RuleBook:
    """The rule book of the settings, or the last valid one. Raises RuleBookError without any."""
    file, kept = _files(settings)
    try:
        book = load_rule_book(file)
    except RuleBookError as wrong:
        if (last_good := _valid_book(kept)) is None:
            raise
        _log.error("rule book refused, the last valid one stays in force", why=str(wrong))
        return last_good
    _keep(file, kept, book)
    return book


class RuleBookWatcher:
    """Checks the rule book file for changes, at most every half second."""

    def __init__(self, settings: Settings, book: RuleBook, clock: Clock) -> None:
        self._file, self._kept = _files(settings)
        self._book, self._clock = book, clock
        # The first check reads the file once more: it may have changed during the start.
        self._seen: _Version = (0, 0, 0)
        self._unsettled: _Version = (0, 0, 0)
        self._next = 0.0

    def soon(self) -> None:
        """Read the file at the next check, even if it seems unchanged."""
        self._seen, self._next = (0, 0, 0), 0.0

    def changed(self) -> RuleBook | None:
        """A new valid book, or None; an invalid one is logged once."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _EVERY
        seen = _version(self._file)
        if seen == self._seen or self._still_written(seen):
            return None
        self._seen = seen
        try:
            book = load_rule_book(self._file)
        except RuleBookError as wrong:
            log_entry = {"in_force": self._book.version, "fingerprint": fingerprint(self._book)}
            _log.error("rule book refused, the old one stays in force", why=str(wrong), **log_entry)
            # Another process may have read a valid book between two checks of this one.
            return self._adopted(_valid_book(self._kept))
        return self._adopted(book)

    def _still_written(self, seen: _Version) -> bool:
        """Whether the last change is too recent to be complete."""
        if seen == self._unsettled:
            return False
        self._unsettled = seen
        return seen is None or abs(time.time() - seen[0] / 1e9) < _SETTLED

    def _adopted(self, book: RuleBook | None) -> RuleBook | None:
        if book is None or book == self._book:
            return None
        today = self._clock.now().astimezone(SHANGHAI).date()
        for sentence in changed_tariffs(self._book, book, today):
            _log.warning("a tariff is never edited once it has begun", what=sentence)
        log_entry = {"version": book.version, "fingerprint": fingerprint(book)}
        _log.info("rule book in force", **log_entry, before=self._book.version)
        self._book = book
        _keep(self._file, self._kept, book)
        return book


class ReloadingApp:
    """The web application, rebuilt for each new rule book.

    Raises SettingsError, StoreUnavailableError or RuleBookError.
    """

    def __init__(self, settings: Settings, container: bootstrap.Container | None = None) -> None:
        container = container or bootstrap.services(settings, load_effective_rule_book(settings))
        self._container = container
        self._watcher = RuleBookWatcher(settings, container.book, container.clock)
        self._app = create_app(settings, container)
        self._checking = threading.Lock()
        metrics.set_rule_book(container.book)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request under the current rule book."""
        # One thread checks the file; requests on other threads precede the change.
        if self._checking.acquire(blocking=False):
            try:
                self._reload(self._watcher.changed())
            finally:
                self._checking.release()
        return self._app(environ, start)

    def _reload(self, book: RuleBook | None) -> None:
        if book is not None:
            before, self._container = self._container, self._container.with_rule_book(book)
            self._app = create_app(self._container.settings, self._container)
            metrics.set_rule_book(book, before.book)


def _files(settings: Settings) -> tuple[Path, Path]:
    return settings.rule_book or SHIPPED, settings.data_dir / "rulebook.good.toml"


def _version(file: Path) -> _Version:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keep(file: Path, kept: Path, book: RuleBook) -> None:
    """Copy a valid book to DATA_DIR; a failure is ignored."""
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, fresh)
        # The file may have changed since it was read.
        if _valid_book(fresh) == book:
            fresh.replace(kept)
        fresh.unlink(missing_ok=True)


def _valid_book(file: Path) -> RuleBook | None:
    try:
        return load_rule_book(file)
    except RuleBookError:
        return None
