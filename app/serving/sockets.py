"""The listening sockets of `serve`: passed by systemd or by a parent, else opened here."""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress

from app.settings import Settings, SettingsError

#: Connections that the kernel completes before a process accepts them.
_BACKLOG = 4096

#: The first descriptor that systemd passes (sd_listen_fds).
_FIRST_PASSED = 3


def listen(host: str, port: int) -> socket.socket:
    """A listening socket of one address. Raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        return prepared(listener)
    except OSError:
        listener.close()
        raise


def prepared(listener: socket.socket) -> socket.socket:
    """The same socket, listening and with the options that accepted sockets inherit."""
    # A response is sent in one piece.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def bind_error(host: str, port: int) -> str | None:
    """The reason why this process cannot listen at an address, or None."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return f"{host}:{port}: {error.strerror}"
    return None


def passed_by_systemd() -> list[int]:
    """Descriptors of the sockets that systemd opened for this process (LISTEN_FDS)."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return list(range(_FIRST_PASSED, _FIRST_PASSED + count))


class Listeners:
    """The sockets at PORT and INSIDE_PORT; connections wait at passed ones while none accepts."""

    def __init__(self, settings: Settings, passed: Iterable[int]) -> None:
        """Take passed sockets by their port, and open the missing ones. Raises SettingsError."""
        wanted = {settings.port: ("PORT", settings.host)}
        if settings.inside_port:
            wanted[settings.inside_port] = ("INSIDE_PORT", settings.inside_host)
        self.sockets = [_passed_socket(number, wanted) for number in passed]
        self._own: list[socket.socket] = []
        missing = wanted.keys() - {each.getsockname()[1] for each in self.sockets}
        for port in sorted(missing):
            self._open(port, *wanted[port])
        self.sockets += self._own

    def _open(self, port: int, name: str, host: str) -> None:
        try:
            self._own.append(listen(host, port))
        except OSError as error:
            self.close()
            raise SettingsError(
                f"{name}={port} cannot be used: {host}:{port}: {error.strerror}; set another {name}"
            ) from error

    @property
    def numbers(self) -> list[int]:
        """The descriptors, to be passed on."""
        return [each.fileno() for each in self.sockets]

    def refuse(self) -> None:
        """Refuse new connections at the sockets opened here; a proxy then takes another server."""
        for each in self._own:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the sockets opened here; passed ones stay with systemd."""
        for each in self._own:
            each.close()


def _passed_socket(number: int, wanted: dict[int, tuple[str, str]]) -> socket.socket:
    try:
        found = socket.socket(fileno=number)
    except OSError as error:
        raise SettingsError(f"descriptor {number} of LISTEN_FDS is no socket") from error
    is_tcp = found.family in {socket.AF_INET, socket.AF_INET6} and found.type & socket.SOCK_STREAM
    if not is_tcp or found.getsockname()[1] not in wanted:
        name = found.getsockname()
        found.detach()
        raise SettingsError(
            f"the socket {name} that was passed is neither TCP at PORT nor at INSIDE_PORT; "
            "let ListenStream= of sms-receipt.socket name these ports"
        )
    os.set_inheritable(number, False)
    return prepared(found)
