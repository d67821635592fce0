"""The rule book while the service runs: a good change counts within a second, a bad one never.

The last good book is kept in DATA_DIR, so that a process started while the file is bad follows
the same rules as its neighbours.
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

#: Seconds between two looks at the file, and how old a change must be: an editor may not have
#: written the rest of it yet.
_EVERY = 0.5
_SETTLED = 0.25

_Seen = tuple[int, int, int] | None


def book_in_force(settings: Settings) -> RuleBook:
    """The rule book of the settings; while it is bad, the last good one.

    Raises RuleBookWrong when there never was a good one.
    """
    file, kept = _files(settings)
    try:
        book = load_rule_book(file)
    except RuleBookError as wrong:
        try:
            book = load_rule_book(kept)
        except RuleBookError:
            raise wrong from None
        _log.error("rule book refused, the last good one stays", why=str(wrong))
        return book
    _keep(file, kept, book)
    return book


class RuleBookWatcher:
    """Looks at the rule book's file now and then. Between looks it costs a reading of a clock."""

    def __init__(self, settings: Settings, book: RuleBook, clock: Clock) -> None:
        self._file, self._kept = _files(settings)
        self._book, self._clock = book, clock
        # The file is read once more at the first look: it may have changed while we started.
        self._seen: _Seen = (0, 0, 0)
        self._unsettled: _Seen = (0, 0, 0)
        self._next = 0.0

    def soon(self) -> None:
        """Look at the next chance, whatever the file's time says."""
        self._seen, self._next = (0, 0, 0), 0.0

    def changed(self) -> RuleBook | None:
        """A good book that was not in force until now; a bad one is told of once, and left."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _EVERY
        seen = _look(self._file)
        if seen == self._seen or self._still_written(seen):
            return None
        self._seen = seen
        try:
            book = load_rule_book(self._file)
        except RuleBookError as wrong:
            log_entry = {"in_force": self._book.version, "fingerprint": fingerprint(self._book)}
            _log.error("rule book refused, the old one stays in force", why=str(wrong), **log_entry)
            return self._last_good()
        return self._taken(book)

    def _last_good(self) -> RuleBook | None:
        """The last good book, where it came and went while this process was not looking."""
        try:
            book = load_rule_book(self._kept)
        except RuleBookError:
            return None
        return self._taken(book)

    def _still_written(self, seen: _Seen) -> bool:
        """Whether the last change is so fresh that it may not be whole; asked again next time."""
        if seen == self._unsettled:
            return False
        self._unsettled = seen
        return seen is None or abs(time.time() - seen[0] / 1e9) < _SETTLED

    def _taken(self, book: RuleBook) -> RuleBook | None:
        if book == self._book:
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
    """The doors as a WSGI app that follows its rule book. Raises what ``create_app`` raises."""

    def __init__(self, settings: Settings, container: bootstrap.Container | None = None) -> None:
        self._built = container or bootstrap.services(settings, book_in_force(settings))
        self._watch = RuleBookWatcher(settings, self._built.book, self._built.clock)
        self._app = create_app(settings, self._built)
        self._looking = threading.Lock()
        metrics.follows(self._built.book)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request, under the rules as they are now."""
        if self._looking.acquire(blocking=False):
            # One thread looks; another's request comes a moment before the change.
            try:
                self._follow(self._watch.changed())
            finally:
                self._looking.release()
        return self._app(environ, start)

    def _follow(self, book: RuleBook | None) -> None:
        if book is not None:
            before, self._built = self._built, self._built.with_rule_book(book)
            self._app = create_app(self._built.settings, self._built)
            metrics.follows(book, before.book)


def _files(settings: Settings) -> tuple[Path, Path]:
    return settings.rule_book or SHIPPED, settings.data_dir / "rulebook.good.toml"


def _look(file: Path) -> _Seen:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keep(file: Path, kept: Path, book: RuleBook) -> None:
    """Keep a copy of a good book; without one the service works as well."""
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, fresh)
        if _reads_as(fresh, book):
            fresh.replace(kept)
        fresh.unlink(missing_ok=True)


def _reads_as(file: Path, book: RuleBook) -> bool:
    """Whether a file still says this: it may have been edited on since it was read."""
    try:
        return load_rule_book(file) == book
    except RuleBookError:
        return False
