"""Hot reload of the rule book: a valid change applies within a second, an invalid one never.

The last valid book is kept in DATA_DIR for processes that start while the file is invalid.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog

from app import bootstrap, metrics
from app.factory import create_app
from app.protection.file_watch import FileWatch
from app.protection.secrets_reload import SecretsWatcher
from app.settings import Settings
from receipts.model.calendar import SHANGHAI
from receipts.ports.clock import Clock
from receipts.rulebook.diff import changed_tariffs, fingerprint
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED, load_rule_book
from receipts.rulebook.schema import RuleBook

_log = structlog.get_logger()


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
        self._watch = FileWatch(self._file)

    def soon(self) -> None:
        """Read the file at the next check, even if it seems unchanged."""
        self._watch.soon()

    def changed(self) -> RuleBook | None:
        """A new valid book, or None; an invalid one is logged once."""
        if not self._watch.has_changed():
            return None
        try:
            book = load_rule_book(self._file)
        except RuleBookError as wrong:
            log_entry = {"in_force": self._book.version, "fingerprint": fingerprint(self._book)}
            _log.error("rule book refused, the old one stays in force", why=str(wrong), **log_entry)
            # Another process may have read a valid book between two checks of this one.
            return self._adopted(_valid_book(self._kept))
        return self._adopted(book)

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
    """The web application, rebuilt for each new rule book and for new secrets.

    Raises SettingsError, StoreUnavailableError or RuleBookError.
    """

    def __init__(self, settings: Settings, container: bootstrap.Container | None = None) -> None:
        container = container or bootstrap.services(settings, load_effective_rule_book(settings))
        self._container = container
        self._watcher = RuleBookWatcher(settings, container.book, container.clock)
        self._secrets = SecretsWatcher(settings, lambda: Settings.read().need_doors())
        self._app = create_app(settings, container)
        self._checking = threading.Lock()
        metrics.set_rule_book(container.book)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request under the current rule book and secrets."""
        # One thread checks the files; requests on other threads precede the change.
        if self._checking.acquire(blocking=False):
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
        if book is not None:
            metrics.set_rule_book(book, before.book)


def _files(settings: Settings) -> tuple[Path, Path]:
    return settings.rule_book or SHIPPED, settings.data_dir / "rulebook.good.toml"


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
