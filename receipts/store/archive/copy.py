"""A copy of the archive that is brought up to date."""

import os
from pathlib import Path
from shutil import copyfile

from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.month_file import sync_folder


def copy_archive(source: ArchiveFolder, target: ArchiveFolder) -> int:
    """Copy the files that have changed, and remove those that have gone; the number of copies.

    Each file is copied as of one moment. Raises the errors of the archive's files.
    """
    target.path.mkdir(0o700, parents=True, exist_ok=True)
    copied = 0
    for month in source.months():
        for shard in source.shards(month):
            with source.lock(shard):
                file, copy = source.file(month, shard), target.new_file(month, shard)
                if file.path.exists() and _state(file.path) != _state(copy.path):
                    at = file.path.stat().st_mtime_ns
                    file.copy_to(copy.path)
                    os.utime(copy.path, ns=(at, at))
                    copied += 1
        for shard in set(target.shards(month)) - set(source.shards(month)):
            target.file(month, shard).path.unlink()
    for month in set(target.months()) - set(source.months()):
        target.remove(month)
    if source.name() and source.name() != target.name():
        copyfile(source.name_file, target.name_file)
        target.name_file.chmod(0o600)
    sync_folder(target.path)
    return copied


def _state(path: Path) -> tuple[int, int]:
    """Size and time of a file; a copy has those of its source."""
    if not path.exists():
        return 0, 0
    found = path.stat()
    return found.st_size, found.st_mtime_ns
