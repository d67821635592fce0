"""Time of a promise, measured fairly on a machine with much else to do."""

import time
from contextlib import suppress
from pathlib import Path

#: Time since the machine's start in which some process waited for a CPU (Linux PSI).
_PRESSURE = Path("/proc/pressure/cpu")


class Stopwatch:
    """Seconds since it was made, without those in which some process waited for a CPU.

    On a machine with a CPU for each process, or of a kernel that does not tell, these are all.
    """

    def __init__(self) -> None:
        self._began, self._waited = time.monotonic(), _waited_seconds()

    def seconds(self) -> float:
        """The seconds until now."""
        elapsed = time.monotonic() - self._began
        return max(0.0, elapsed - (_waited_seconds() - self._waited))


def _waited_seconds() -> float:
    with suppress(OSError, ValueError):
        return int(_PRESSURE.read_text().split("\n")[0].rpartition("total=")[2]) / 1e6
    return 0.0
