"""An asyncio loop in a thread, for servers that a process under test talks to."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any


class LoopThread:
    """A loop that runs until ``close``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def listen(self, protocol: Callable[[], asyncio.Protocol]) -> int:
        """Serve a protocol on loopback; return its port."""
        server = self._do(self._loop.create_server(protocol, "127.0.0.1", 0))
        return server.sockets[0].getsockname()[1]

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - any result
        """Return the result of a coroutine that runs in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class HttpServer(asyncio.Protocol):
    """One connection; ``answer`` is called with the transport for each complete request."""

    def __init__(self, answer: Callable[[asyncio.WriteTransport], None]) -> None:
        self._answer, self._received = answer, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = end + 4 + content_length(self._received[:end])
            if len(self._received) < length:
                return
            self._received = self._received[length:]
            self._answer(self._transport)  # type: ignore[arg-type]


class CountingServer(LoopThread):
    """An HTTP server that counts requests and gives each the same answer after some seconds."""

    def __init__(self, answer: bytes, seconds: float = 0) -> None:
        super().__init__()
        self.taken, self._answer, self._seconds = 0, answer, seconds
        self.times: list[float] = []
        self._ids = itertools.count(1)
        self.port = self.listen(lambda: HttpServer(self.take))
        self.url = f"http://127.0.0.1:{self.port}"

    def take(self, transport: asyncio.WriteTransport) -> None:
        """Take one request; an id replaces a per cent sign in the answer."""
        self.taken += 1
        self.times.append(time.monotonic())
        answer = self._answer.replace(b"%", b"%032x" % next(self._ids))
        self._loop.call_later(self._seconds, transport.write, answer)


def content_length(head: bytes) -> int:
    """The length of the body by the head of an HTTP message; 0 without the header."""
    _, header, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if header else 0
