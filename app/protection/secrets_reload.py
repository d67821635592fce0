"""Secrets that change while a process runs: valid ones count within a second."""

from collections.abc import Callable

import structlog

from app.protection.file_watch import FileWatch
from app.settings import Settings, SettingsError

_log = structlog.get_logger()


class SecretsWatcher:
    """Checks the file of SECRETS_FILE for changes."""

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        """``read`` reads the settings anew; it raises SettingsError for those that do not serve."""
        self._settings, self._read = settings, read
        self._watch = FileWatch(settings.secrets_file) if settings.secrets_file else None

    def changed(self) -> Settings | None:
        """The settings with new secrets, or None; invalid ones are logged, the old ones stay."""
        if self._watch is None or not self._watch.has_changed():
            return None
        try:
            settings = self._read()
        except SettingsError as wrong:
            _log.error("secrets refused, the old ones stay in force", why=str(wrong))
            return None
        if settings == self._settings:
            return None
        self._settings = settings
        _log.info("new secrets in force")
        return settings

    def soon(self) -> None:
        """Read the file at the next check, even if it seems unchanged."""
        if self._watch is not None:
            self._watch.soon()
