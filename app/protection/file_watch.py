"""Notices that a file has changed, by a look at most every half second."""

import time
from pathlib import Path

#: Seconds between two looks, and the least age of a change: an editor may still write.
_EVERY = 0.5
_SETTLED = 0.25

#: Modification time, size and inode of the file.
_Version = tuple[int, int, int] | None
_UNSEEN: _Version = (0, 0, 0)


class FileWatch:
    """Tells once of each change. The first look tells too: the file may change during a start."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = self._unsettled = _UNSEEN
        self._next = 0.0

    def soon(self) -> None:
        """Tell of a change at the next look, even if there seems to be none."""
        self._seen, self._next = _UNSEEN, 0.0

    def has_changed(self) -> bool:
        """Whether the file has a version that was not told of yet."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVERY
        version = _version(self._file)
        if version == self._seen or self._still_written(version):
            return False
        self._seen = version
        return True

    def _still_written(self, version: _Version) -> bool:
        """Whether the last change is too recent to be complete."""
        if version == self._unsettled:
            return False
        self._unsettled = version
        return version is None or abs(time.time() - version[0] / 1e9) < _SETTLED


def _version(file: Path) -> _Version:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
