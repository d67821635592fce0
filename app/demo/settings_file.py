"""The settings of a demo in its data folder: a file of one user, locked while the demo runs."""

import errno
import fcntl
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from app.demo.staff_accounts import PASSWORD_SETTINGS
from app.settings import described_settings

_LARGEST_FILE_BYTES = 64 * 1024

#: Settings that only the simulated network reads.
_NETWORK = ("NETWORK_PORT", "NETWORK_URL", "DOORS_URL")


def read_saved(file: Path) -> dict[str, str]:
    """The settings in a file of this user; none where it is missing or cannot be trusted."""
    try:
        with os.fdopen(open_plain(file), "rb") as opened:
            return parse(opened)
    except OSError:
        return {}


def parse(opened: BinaryIO) -> dict[str, str]:
    """The settings of the service and of its simulated network in a file; other names not."""
    known = {each.name for each in described_settings()} - {"DATA_DIR"}
    known |= {*_NETWORK, *PASSWORD_SETTINGS.values()}
    lines = opened.read(_LARGEST_FILE_BYTES).decode("utf-8", "replace").split("\n")
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return {name: value for name, value in found.items() if name in known and "\0" not in value}


def open_plain(file: Path) -> int:
    """A descriptor of a plain file that only this user reads and writes. Raises OSError."""
    # A named pipe is opened without a wait for its writer.
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionError(errno.EPERM, "it is a symbolic link", str(file)) from error
        raise
    found = os.fstat(descriptor)
    wrong = (
        (not stat.S_ISREG(found.st_mode) and "it is not a plain file")
        or (found.st_uid != os.geteuid() and "it belongs to another user")
        or (stat.S_IMODE(found.st_mode) & 0o177 and "other users have access to it: chmod 600")
    )
    if wrong:
        os.close(descriptor)
        raise PermissionError(errno.EPERM, wrong, str(file))
    return descriptor


def is_locked(descriptor: int) -> bool:
    """Whether the demo that wrote this file still runs: it holds the lock of the file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def save(file: Path, settings: Mapping[str, str]) -> None:
    """Write settings atomically, readable by this user only. Raises OSError."""
    fresh = file.with_suffix(".new")
    text = "".join(f"{n}={v}\n" for n, v in settings.items() if "\n" not in v)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    created = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(created, "w", encoding="utf-8") as opened:
        opened.write(text)
    fresh.replace(file)
