"""Hot reload of the rule book: a valid change applies within a second, an invalid one never.

The console's book wins over the file (decision 022). The last valid book is kept in DATA_DIR for
processes that start while the one in force cannot be read.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog

from app import bootstrap
from app.factory import create_app
from app.metrics import counters
from app.metrics.sending import observe_commits
from app.protection.file_watch import FileWatch
from app.protection.secrets_reload import SecretsWatcher
from app.rulebook.proposals import kept_file
from app.rulebook.stored import StoredBook, StoredBookWatch, stored_book
from app.settings import Settings
from app.tracing.start import start_tracing
from receipts.model.calendar import SHANGHAI
from receipts.ports.book_store import BookStore
from receipts.rulebook.diff import changed_tariffs, fingerprint
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED, load_rule_book
from receipts.rulebook.schema import RuleBook

_log = structlog.get_logger()


def load_effective_rule_book(settings: Settings) -> RuleBook:
    """The rule book of the file, or the last valid one. Raises RuleBookError without any."""
    file, kept = _files(settings)
    return _valid_or_last(kept, lambda: _loaded(file, kept))


def book_in_force(settings: Settings, books: BookStore) -> RuleBook:
    """The rule book of the console, else of the file; or the last valid one.

    Raises RuleBookError without any, or StoreUnavailableError.
    """
    if (stored := stored_book(books)) is None:
        return load_effective_rule_book(settings)
    _, kept = _files(settings)
    book = _valid_or_last(kept, stored.parse)
    _keep(lambda fresh: fresh.write_bytes(stored.text or b""), kept, book)
    return book


class RuleBookWatcher:
    """Checks the console's rule book and the file for changes, at most every half second."""

    def __init__(self, services: bootstrap.Container) -> None:
        self._file, self._kept = _files(services.settings)
        self._book, self._clock = services.book, services.clock
        self._watch, self._stored = FileWatch(self._file), StoredBookWatch(services.books)
        self._is_file_seen = False
        counters.set_rule_book(self._book)

    def soon(self) -> None:
        """Read the rule book at the next check, even if it seems unchanged."""
        self._watch.soon()
        self._stored.soon()

    def changed(self) -> RuleBook | None:
        """A new valid book, or None; an invalid one is logged once."""
        if (stored := self._stored.changed()) is not None:
            if stored.version.book:
                return self._from_console(stored)
            self._watch.soon()
        if self._stored.is_followed:
            self._tell_of_unused_file()
            return None
        return self._from_file()

    def _from_console(self, stored: StoredBook) -> RuleBook | None:
        try:
            book = stored.parse()
        except RuleBookError as wrong:
            self._log_refused(wrong)
            return None
        return self._adopted(book, lambda fresh: fresh.write_bytes(stored.text or b""))

    def _from_file(self) -> RuleBook | None:
        if not self._watch.has_changed():
            return None
        self._is_file_seen = True
        try:
            book = load_rule_book(self._file)
        except RuleBookError as wrong:
            self._log_refused(wrong)
            # Another process may have read a valid book between two checks of this one.
            return self._adopted(_valid_book(self._kept), _copy_of(self._kept))
        return self._adopted(book, _copy_of(self._file))

    def _tell_of_unused_file(self) -> None:
        """Log that an edited file is not in force; it may have been edited before the start."""
        if not self._watch.has_changed():
            return
        if self._is_file_seen:
            _log.warning(
                "the rule book file changed but is not in force: the console's book is",
                fix="upload the file in the console, or run `sms-receipt provinces use-file`",
                **self._in_force(),
            )
        self._is_file_seen = True

    def _log_refused(self, wrong: RuleBookError) -> None:
        _log.error(
            "rule book refused, the old one stays in force", why=str(wrong), **self._in_force()
        )

    def _in_force(self) -> dict[str, str]:
        return {"in_force": self._book.version, "fingerprint": fingerprint(self._book)}

    def _adopted(self, book: RuleBook | None, write: "_Write") -> RuleBook | None:
        if book is None or book == self._book:
            return None
        today = self._clock.now().astimezone(SHANGHAI).date()
        for sentence in changed_tariffs(self._book, book, today):
            _log.warning("a tariff is never edited once it has begun", what=sentence)
        log_entry = {"version": book.version, "fingerprint": fingerprint(book)}
        _log.info("rule book in force", **log_entry, before=self._book.version)
        counters.set_rule_book(book, self._book)
        self._book = book
        _keep(write, self._kept, book)
        return book


class ReloadingApp:
    """The web application, rebuilt for each new rule book and for new secrets.

    Raises SettingsError, StoreUnavailableError or RuleBookError.
    """

    def __init__(self, settings: Settings, container: bootstrap.Container | None = None) -> None:
        container = container or bootstrap.services(settings, choose=book_in_force)
        self._container = container
        self._watcher = RuleBookWatcher(container)
        self._secrets = SecretsWatcher(settings, lambda: Settings.read().need_doors())
        self._app = create_app(settings, container)
        self._checking = threading.Lock()
        tracing = start_tracing(settings, "sms-receipt-serve")
        container.store.on_commit = tracing.observing(observe_commits)
        self._traced = tracing.wsgi(self._answer)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request under the current rule book and secrets."""
        return self._traced(environ, start)

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        # One thread checks the books; requests on other threads precede the change. A sign of life
        # never waits for the store.
        is_probe = environ.get("PATH_INFO") == "/healthz"
        if not is_probe and self._checking.acquire(blocking=False):
            try:
                self._reload(self._watcher.changed(), self._secrets.changed())
            finally:
                self._checking.release()
        return self._app(environ, start)

    def _reload(self, book: RuleBook | None, settings: Settings | None) -> None:
        before = self._container
        self._container = before.with_changes(book, settings)
        if self._container is not before:
            self._app = create_app(self._container.settings, self._container)


def _files(settings: Settings) -> tuple[Path, Path]:
    return settings.rule_book or SHIPPED, kept_file(settings)


def _loaded(file: Path, kept: Path) -> RuleBook:
    book = load_rule_book(file)
    _keep(_copy_of(file), kept, book)
    return book


def _valid_or_last(kept: Path, load: Callable[[], RuleBook]) -> RuleBook:
    try:
        return load()
    except RuleBookError as wrong:
        if (last_good := _valid_book(kept)) is None:
            raise
        _log.error("rule book refused, the last valid one stays in force", why=str(wrong))
        return last_good


#: Writes a book's contents to a file.
_Write = Callable[[Path], object]


def _copy_of(file: Path) -> _Write:
    return lambda fresh: shutil.copyfile(file, fresh)


def _keep(write: _Write, kept: Path, book: RuleBook) -> None:
    """Write a valid book to DATA_DIR; a failure is ignored."""
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write(fresh)
        # The file may have changed since it was read.
        if _valid_book(fresh) == book:
            fresh.replace(kept)
        fresh.unlink(missing_ok=True)


def _valid_book(file: Path) -> RuleBook | None:
    try:
        return load_rule_book(file)
    except RuleBookError:
        return None
