"""The processes of the service: how a child ends, and where all of them count."""

import ctypes
import os
import signal

#: Variable with the folder of the counts of all web processes; the library reads it at import.
SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that was killed."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent ended before the request was in place.
        os.kill(os.getpid(), signal.SIGKILL)
