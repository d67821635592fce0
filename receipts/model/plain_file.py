"""Reads files that operators write: plain ones of bounded size, without a wait."""

import errno
import os
import stat
from pathlib import Path


def read_plain_file(path: Path, max_bytes: int) -> bytes:
    """The content of a plain file. Raises OSError for another kind, and for more bytes."""
    # A named pipe is opened without a wait for its writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file")
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes")
    return content
