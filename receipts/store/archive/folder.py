"""The folder of the archive: its id, its files, and the locks of those that write them."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from receipts.store.archive.month_file import MonthFile, sync_folder

_MONTH = re.compile(r"\d{4}-\d\d")
_FILE = re.compile(r"s(\d{1,5})\.sqlite")
_NAME = "ARCHIVE"


class ArchiveFolder:
    """The files ``2026-10/s3.sqlite`` below a folder. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name_file(self) -> Path:
        """The file with the id of the archive."""
        return self.path / _NAME

    def name(self) -> str:
        """The id of the archive; empty for a folder that is missing or has none."""
        with suppress(FileNotFoundError):
            return self.name_file.read_text().strip()
        return ""

    def create(self) -> str:
        """Make the folder, or an archive in it, and return its id; it is on disk on return."""
        self.path.mkdir(0o700, parents=True, exist_ok=True)
        with self.lock("folder"):
            if name := self.name():
                return name
            name, part = uuid4().hex, self.path / f".{_NAME}.part"
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{name}\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.name_file)
            sync_folder(self.path)
            sync_folder(self.path.parent)
        return name

    def file(self, month: str, shard: int) -> MonthFile:
        """The file of a month and shard, which may be missing."""
        return MonthFile(self.path / month / f"s{shard}.sqlite")

    def new_file(self, month: str, shard: int) -> MonthFile:
        """The same, in a folder that exists."""
        (self.path / month).mkdir(0o700, exist_ok=True)
        return self.file(month, shard)

    def months(self, shard: int | None = None) -> list[str]:
        """The months that have a folder, or a file of a shard, oldest first."""
        with suppress(FileNotFoundError):
            names = sorted(each.name for each in self.path.iterdir() if _MONTH.fullmatch(each.name))
            return [m for m in names if shard is None or self.file(m, shard).path.exists()]
        return []

    def shards(self, month: str) -> list[int]:
        """The shards that have a file of a month."""
        with suppress(FileNotFoundError):
            found = (_FILE.fullmatch(each.name) for each in (self.path / month).iterdir())
            return sorted(int(each[1]) for each in found if each)
        return []

    def remove(self, month: str) -> None:
        """Delete a whole month."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path / month)
            sync_folder(self.path)

    def delete(self) -> None:
        """Delete a whole archive; a folder that is none stays."""
        if self.name():
            shutil.rmtree(self.path)

    @contextmanager
    def lock(self, name: str | int, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of a shard, or of a task; False without ``wait`` if another has it.

        The system frees it when its process ends, however it ends.
        """
        path = self.path / f".lock-{name}"
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)
