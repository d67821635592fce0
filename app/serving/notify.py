"""Notices to the service manager (sd_notify); without NOTIFY_SOCKET they have no effect."""

import os
import socket
import time
from contextlib import suppress

#: A service that sends no WATCHDOG=1 for WATCHDOG_USEC is restarted; so many are sent meanwhile.
_SIGNS_PER_TIMEOUT = 4

#: A manager that is busy takes a notice later; the service must not wait for it.
_SEND_SECONDS = 1.0


def notify(*lines: str) -> None:
    """Send one notice, such as ``READY=1``; a manager that is gone is ignored."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An address that begins with @ is abstract.
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(_SEND_SECONDS)
        sender.sendto("\n".join(lines).encode(), name)


class Watchdog:
    """Signs of life to the service manager, as often as it wants them."""

    def __init__(self) -> None:
        timeout = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
        self._interval = timeout / _SIGNS_PER_TIMEOUT
        self._next = 0.0

    def alive(self) -> None:
        """Send a sign of life if one is due."""
        if self._interval and (now := time.monotonic()) >= self._next:
            self._next = now + self._interval
            notify("WATCHDOG=1")
