"""Process control."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, sent: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel end this process when its parent ends, however that was killed."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sent))
    if os.getppid() != parent:
        # The parent ended before the request was in place.
        os.kill(os.getpid(), sent)
