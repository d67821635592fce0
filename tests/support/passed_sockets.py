"""Starts a program with listening sockets that it inherits, as systemd does."""

import sys
from collections.abc import Sequence
from pathlib import Path

#: Becomes the command given, with sockets as descriptors from 3 on, as systemd passes them.
_BECOME = """
import os, sys
numbers = [os.dup(int(number)) for number in sys.argv[1].split(",")]
for wanted, number in enumerate(numbers, start=3):
    os.dup2(number, wanted)
    os.set_inheritable(wanted, True)
os.environ |= {"LISTEN_FDS": str(len(numbers)), "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""


def passing(numbers: Sequence[int], command: Sequence[str | Path]) -> list[str | Path]:
    """The command that runs another one with these sockets, which it inherits."""
    return [sys.executable, "-c", _BECOME, ",".join(map(str, numbers)), *command]
