"""The processes of a data folder, found in /proc."""

import os
from pathlib import Path


def processes_of(folder: Path) -> dict[int, str]:
    """Return id and command line of each process that runs in or refers to a data folder."""
    pids = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())
    found = {pid: _command_line(pid, str(folder)) for pid in pids if pid != os.getpid()}
    return {pid: words for pid, words in found.items() if words}


def _command_line(pid: int, folder: str) -> str:
    """Return the command line of a process; empty for one of another folder, or ended."""
    entry = Path(f"/proc/{pid}")
    try:
        words = (entry / "cmdline").read_bytes()
        if not words:  # a zombie, or a thread of the kernel
            return ""
        cwd = str((entry / "cwd").readlink())
        traces = (entry / "environ").read_bytes() + b"\0" + words
    except OSError:
        return ""
    ours = folder.encode() in traces or f"{cwd}/".startswith(f"{folder}/")
    return words.replace(b"\0", b" ").decode(errors="replace").strip() if ours else ""
