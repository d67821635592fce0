"""What a group of processes has cost so far, as the kernel counts it."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    found, fresh = {pid}, {pid}
    while fresh:
        fresh = {child for parent in fresh for child in _children(parent)} - found
        found |= fresh
    return found


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found |= set(map(int, (task / "children").read_text().split()))
    except OSError:
        return found
    return found


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds of these processes, in user and kernel, ended children included."""
    return sum(_of_process(pid) for pid in pids)


def _of_process(pid: int) -> float:
    place = Path(f"/proc/{pid}")
    try:
        # To the nanosecond, where the four counters of stat go in steps of a hundredth.
        threads = sum(
            int((task / "schedstat").read_text().split()[0]) for task in (place / "task").iterdir()
        )
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return threads / 1e9 + (int(fields[13]) + int(fields[14])) * _TICK


def memory(pid: int) -> int:
    """Bytes of memory a process has to itself, with its share of what it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
