"""The part of systemd that a service of Type=notify talks to: it receives the notices."""

import secrets
import socket
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.product import PATIENCE_SECONDS, until


class Manager:
    """Receives the notices of a service and passes listening sockets to it."""

    def __init__(self, kind: str = "") -> None:
        """``kind`` is "@" for an abstract address."""
        self._folder = TemporaryDirectory(prefix="manager-")
        name = secrets.token_hex(8) if kind else f"{self._folder.name}/notify"
        self.address = f"{kind}{name}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{name}" if kind else name)
        if not kind:
            Path(name).chmod(0o666)
        self._lines: list[str] = []
        # A full queue would make the service wait.
        self._thread = threading.Thread(target=self._receive)
        self._thread.start()

    def environ(self, watchdog_seconds: float = 0) -> dict[str, str]:
        """The variables that a service finds."""
        found = {"NOTIFY_SOCKET": self.address}
        if watchdog_seconds:
            found["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1e6))
        return found

    def lines(self) -> list[str]:
        """All notices until now."""
        return list(self._lines)

    def _receive(self) -> None:
        while received := self._socket.recv(4096):
            self._lines += received.decode().split("\n")

    def count(self, line: str) -> int:
        return self.lines().count(line)

    def forget(self) -> None:
        """Begin to count anew."""
        self._lines.clear()

    def wait(self, line: str, times: int = 1, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when a notice has come so many times."""
        until(lambda: self.count(line) >= times, seconds, f"{line}, had {self.lines()[-5:]}")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._folder.cleanup()
