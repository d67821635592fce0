"""One connection of a client, in one of the phases between which the reader moves it."""

import socket
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from app.edge import limits
from app.edge.http_request import HttpRequest, RequestParser


class Phase(Enum):
    """The present use of a connection."""

    SILENT = "no byte has arrived"
    HEAD = "a part of a head has arrived"
    BODY = "a head and a part of its body have arrived"
    ANSWERING = "a whole request waits for a thread or has one"
    SENDING = "the client has not taken the whole response yet"
    IDLE = "between two requests"
    LINGERING = "the last response was sent, the client has not closed yet"


class TimeLimit(NamedTuple):
    """Seconds in a phase (None: without limit), and whether the client is told at their end."""

    seconds: float | None
    is_told: bool


#: A request's body has the time of its door.
TIME_LIMITS = {
    Phase.SILENT: TimeLimit(limits.FIRST_BYTE_SECONDS, is_told=False),
    Phase.HEAD: TimeLimit(limits.HEAD_SECONDS, is_told=True),
    Phase.BODY: TimeLimit(limits.HEAD_SECONDS, is_told=True),
    Phase.ANSWERING: TimeLimit(None, is_told=False),
    Phase.SENDING: TimeLimit(limits.SEND_SECONDS, is_told=False),
    Phase.IDLE: TimeLimit(limits.IDLE_SECONDS, is_told=False),
    Phase.LINGERING: TimeLimit(limits.LINGER_SECONDS, is_told=False),
}


class Connection:
    """The socket, the parser of its requests and the unsent rest of a response."""

    __slots__ = (
        *("socket", "number", "address", "peer", "is_inside", "parser"),
        *("phase", "limit", "outgoing", "is_last", "is_watched", "held_bytes"),
    )

    def __init__(
        self, accepted: socket.socket, peer: str, address: tuple[str, int], prefix: str
    ) -> None:
        """``address`` is the listener's; ``prefix`` the path of PUBLIC_URL."""
        accepted.setblocking(False)
        self.socket, self.number, self.address, self.peer = (
            accepted, accepted.fileno(), address, peer,
        )  # fmt: skip
        #: Whether it has the inside doors, or the others; None: all.
        self.is_inside: bool | None = None
        self.parser = RequestParser(peer, prefix)
        self.phase: Phase | None = None
        #: Seconds of the present time limit.
        self.limit: float | None = None
        self.outgoing = b""
        #: No further request is read after the present response.
        self.is_last = False
        #: Bytes of its requests that are in memory.
        self.held_bytes = 0
        #: The reader gets the events of this socket.
        self.is_watched = False

    def send(self, data: bytes) -> None:
        """Send what the buffers take at once; the rest stays in ``outgoing``."""
        sent = 0
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            pass
        except OSError:
            data, self.is_last = b"", True
        self.outgoing = data[sent:] if sent < len(data) else b""

    def end_sending(self) -> None:
        """Tell the client that no more comes."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)


#: A whole request, and the connection that waits for its answer.
Job = tuple[Connection, HttpRequest]
