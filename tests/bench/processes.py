"""CPU, memory and round trips of processes, as the kernel and the client count them."""

import os
import re
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis.connection import AbstractConnection

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> set[int]:
    """A process and all its descendants."""
    found = {pid}
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= family(int(child))
    return found


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds of processes, in user and kernel, ended children included."""
    return sum(map(_cpu, pids))


def _cpu(pid: int) -> float:
    folder = Path(f"/proc/{pid}")
    try:
        # Nanoseconds; the counters of ``stat`` advance by hundredths of a second.
        threads = sum(
            int((task / "schedstat").read_text().split()[0]) for task in (folder / "task").iterdir()
        )
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return threads / 1e9 + (int(fields[13]) + int(fields[14])) * _TICK_SECONDS


def memory(pid: int) -> int:
    """Bytes of a process, with its share of shared pages (PSS)."""
    (kibibytes,) = re.findall(r"(?m)^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(kibibytes) * 1024


def peak_megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def counted_round_trips() -> Iterator[list[int]]:
    """Count the round trips of this process to the store in a list of one number."""
    trips, send = [0], AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, *args: object, **options: object) -> None:
        trips[0] += 1
        send(self, *args, **options)

    AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]
    try:
        yield trips
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
