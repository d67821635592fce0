"""A double of Kannel's sendsms for load: takes each text and reports it as a centre does."""

import asyncio
import time
from collections import deque
from urllib.parse import parse_qsl, urlsplit

from tests.support.loop import LoopThread, content_length

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: text/html\r\nContent-Length: 25\r\n\r\n"
    b"0: Accepted for delivery\n"
)
_REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

#: Kinds of report that a usual line brings for a delivered text: taken by the centre, delivered.
_KINDS = (8, 1)

#: Kept connections to the doors, each with one report under way.
_CALLERS = 32


class SendsmsDouble(LoopThread):
    """Notes when each number's text arrived, and calls its dlr-url by the asked kinds."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived: dict[str, float] = {}
        self._queue: deque[str] = deque()
        self._callers: list[_Caller] = []
        #: Whether the gateway is out of order: it takes no text.
        self.refuses = False
        self.port = self.listen(lambda: _Sendsms(self))
        self.url = f"http://127.0.0.1:{self.port}"

    def arrivals(self) -> dict[str, float]:
        return dict(self._arrived)

    def begin(self) -> None:
        self._arrived.clear()

    def cpu(self) -> float:
        return 0.0

    def take(self, target: str) -> None:
        """One text: note it, and queue its reports."""
        query = dict(parse_qsl(urlsplit(target).query))
        self._arrived[query["to"]] = time.time()
        url, mask = query["dlr-url"], int(query["dlr-mask"])
        if not self._callers:
            at = urlsplit(url)
            self._callers = [_Caller(self._queue, at.hostname or "", at.port or 80)
                             for _ in range(_CALLERS)]  # fmt: skip
        path = url[url.index("/", len("http://")) :]
        self._queue.extend(
            path.replace("%d", str(kind)).replace("%A", "") for kind in _KINDS if mask & kind
        )
        for caller in self._callers:
            caller.wake()


class _Sendsms(asyncio.Protocol):
    """One connection of the worker."""

    def __init__(self, double: SendsmsDouble) -> None:
        self._double, self._received = double, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            if self._double.refuses:
                self._transport.write(_REFUSED)  # type: ignore[attr-defined]
                continue
            self._transport.write(_ACCEPTED)  # type: ignore[attr-defined]
            self._double.take(head.split(b" ", 2)[1].decode())


class _Caller(asyncio.Protocol):
    """A kept connection to the doors, with one report under way."""

    def __init__(self, queue: deque[str], host: str, port: int) -> None:
        self._queue, self._received = queue, b""
        self._transport: asyncio.WriteTransport | None = None
        self._busy = True
        self._host = f"{host}:{port}".encode()
        task = asyncio.ensure_future(
            asyncio.get_running_loop().create_connection(lambda: self, host, port)
        )
        self._task = task

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._busy = transport, False  # type: ignore[assignment]
        self.wake()

    def wake(self) -> None:
        """Send the next report, unless one is under way."""
        if not self._busy and self._queue:
            self._busy, self._received = True, b""
            path = self._queue.popleft().encode()
            self._transport.write(
                b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Kannel/1.4.5\r\n\r\n"
                % (path, self._host)
            )

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= content_length(head):
            assert head.split(b" ", 2)[1].startswith(b"2"), head
            self._busy = False
            self.wake()
