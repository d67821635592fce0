"""The worker: how many receipts it hands to a provider, and what each costs it and the store."""

import asyncio
import itertools
import json
import threading
import time
from dataclasses import dataclass

from receipts.model.vocabulary import DisplayMode
from tests.bench.cost import cpu, family
from tests.bench.events import FEEDS
from tests.bench.load import drive
from tests.bench.product import product, subscriber
from tests.support.product import until

#: Subscribers whose texts give the receipts that are sent.
_SUBSCRIBERS = 10_000


class Provider:
    """Takes every text, after as long as a real one would need."""

    def __init__(self, answer: bytes, seconds: float) -> None:
        self.taken, self._answer, self._seconds = 0, answer, seconds
        self.times: list[float] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        made = self._loop.create_server(lambda: _Taking(self), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(made, self._loop).result(5)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ids = itertools.count(1)

    def take(self, transport: asyncio.WriteTransport) -> None:
        """One text, answered in time."""
        self.taken += 1
        self.times.append(time.monotonic())
        answer = self._answer.replace(b"%", b"%032x" % next(self._ids))
        self._loop.call_later(self._seconds, transport.write, answer)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class _Taking(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self._provider, self._held = provider, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + length:
                return
            self._held = self._held[end + 4 + length :]
            self._provider.take(self._transport)  # type: ignore[arg-type]


def _page(status: str, kind: str, body: str) -> bytes:
    # The id is written later, in place of one per cent sign, and is 31 characters longer.
    length = len(body) + (31 if "%" in body else 0)
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    return (head + body).encode()


#: What a contract would allow: the worker itself is to be measured, and not its patience. A line is
#: used to 87 % of its limit (decision 009): 400 a second leave over one of 460.
PACES = {"KANNEL_PACE": "10000", "TWILIO_PACE": "460"}

#: How each provider says that it has taken a text, and after how long.
ANSWERS = {
    "kannel": (_page("202 Accepted", "text/html", "0: Accepted for delivery"), 0.0),
    "twilio": (
        _page("201 Created", "application/json", json.dumps({"sid": "SM%", "status": "queued"})),
        0.03,
    ),
}


@dataclass(frozen=True)
class Sent:
    """Receipts sent: how fast, and at what cost."""

    count: int
    rate: float
    worker: float
    store: float

    @property
    def per_cpu_second(self) -> float:
        """Receipts a CPU second of the worker."""
        return self.count / self.worker


def sending(provider: str, batches: int) -> Sent:
    """One worker process sends what waits in the outbox, until it is empty."""
    taking = Provider(*ANSWERS[provider])
    mode = DisplayMode.FLASH if provider == "kannel" else DisplayMode.TEXT
    address = "KANNEL_URL" if provider == "kannel" else "TWILIO_API_URL"
    try:
        with product(**{address: taking.url}, **PACES) as ours:
            ours.fill(subscriber(place, mode) for place in range(_SUBSCRIBERS))
            drive(FEEDS[1].make(batches), ours.port, 1)
            count = batches * FEEDS[1].each
            worker = ours.run("work")
            until(lambda: taking.taken > 50, 30, "the worker begins")
            at, begun = time.monotonic(), taking.taken
            cost, stored = cpu(family(worker.pid)), ours.cpu_of_store()
            until(lambda: taking.taken >= count and not ours.waiting(), 120, "all is sent")
            left = count - begun
            return Sent(
                left,
                left / (max(taking.times) - at),
                cpu(family(worker.pid)) - cost,
                ours.cpu_of_store() - stored,
            )
    finally:
        taking.close()
