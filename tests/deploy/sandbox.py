"""Runs a command of a unit in what can be had of its sandbox without systemd."""

import subprocess
import sys
from functools import cache
from pathlib import Path

#: MemoryDenyWriteExecute= of a kernel from 6.3 on; an older one has no such call.
_NO_WRITABLE_CODE = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

#: ProtectSystem=strict with one writable folder; the second part has no privilege left.
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind / && exec "$@"'
_POWERLESS = ("setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
_NAMESPACE = ("unshare", "--mount", "--map-root-user")


@cache
def _may_make_namespaces() -> bool:
    """Whether this machine allows it; many containers do not."""
    tried = subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True)
    return tried.returncode == 0


def sandboxed(writable: Path, command: list[str | Path]) -> list[str | Path]:
    """The command with a read-only system, no privileges and no writable code."""
    inner = [sys.executable, "-c", _NO_WRITABLE_CODE, *command]
    if not _may_make_namespaces():
        return ["setpriv", "--no-new-privs", *inner]
    return [*_NAMESPACE, "sh", "-c", _READ_ONLY, writable, *_POWERLESS, *inner]
