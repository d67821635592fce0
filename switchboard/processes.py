"""Our own processes: started together, restarted when one falls, ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, sent: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel end this process when its parent ends, however that was killed."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sent))
    if os.getppid() != parent:
        # It was gone before the kernel was asked: nobody else would ever tell us.
        os.kill(os.getpid(), sent)


@dataclass(slots=True)
class Family:
    """Child processes of one command; a fallen one is started again, more slowly each time."""

    environ: Mapping[str, str]
    _running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _commands: dict[str, list[str]] = field(default_factory=dict)
    _falls: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, *words: str) -> None:
        """Start one of our commands as a child."""
        self._commands[name] = [sys.executable, "-m", *words]
        self._running[name] = subprocess.Popen(
            self._commands[name],
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - no threads here
        )

    def fallen(self) -> dict[str, int]:
        """What has ended by itself: exit statuses by name."""
        ended = {name: child.poll() for name, child in self._running.items()}
        return {name: status for name, status in ended.items() if status is not None}

    def mend(self) -> list[str]:
        """Start again what has fallen; the names of those."""
        fallen = list(self.fallen())
        for name in fallen:
            self._falls[name] = self._falls.get(name, 0) + 1
            time.sleep(min(0.2 * self._falls[name], 5))
            self.start(name, *self._commands[name][2:])
        return fallen

    def pids(self) -> dict[str, int]:
        """The process ids, by name."""
        return {name: child.pid for name, child in self._running.items()}

    def end(self, patience: float = 15.0) -> None:
        """End all, the last started first, each given time to finish what it holds."""
        children = list(reversed(self._running.values()))
        for child in children:
            child.terminate()
        until = time.monotonic() + patience
        for child in children:
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
