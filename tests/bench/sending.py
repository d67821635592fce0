"""The worker: receipts it sends to a provider a second, and CPU of worker and store."""

import asyncio
import itertools
import time
from dataclasses import dataclass

from receipts.model.vocabulary import DisplayMode
from tests.bench.events import FEEDS, SUBSCRIBERS
from tests.bench.load import drive
from tests.bench.processes import cpu, family
from tests.bench.product import product, subscriber
from tests.support.loop import HttpServer, LoopThread
from tests.support.product import until


class FakeProvider(LoopThread):
    """A provider that takes every text, and answers after some seconds."""

    def __init__(self, answer: bytes, seconds: float) -> None:
        super().__init__()
        self.taken, self._answer, self._seconds = 0, answer, seconds
        self.times: list[float] = []
        self._ids = itertools.count(1)
        self.url = f"http://127.0.0.1:{self.listen(lambda: HttpServer(self.take))}"

    def take(self, transport: asyncio.WriteTransport) -> None:
        """Take one text."""
        self.taken += 1
        self.times.append(time.monotonic())
        answer = self._answer.replace(b"%", b"%032x" % next(self._ids))
        self._loop.call_later(self._seconds, transport.write, answer)


def _response(status: str, content_type: str, body: str) -> bytes:
    # An id of 32 characters replaces the per cent sign later.
    length = len(body) + (31 if "%" in body else 0)
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    return (head + body).encode()


#: Rates that do not limit the worker. It uses 87 % of a limit: 400 a second need one of 460.
PACES = {"KANNEL_PACE": "10000", "TWILIO_PACE": "460"}

#: Answer and seconds of each provider.
ANSWERS = {
    "kannel": (_response("202 Accepted", "text/html", "0: Accepted for delivery"), 0.0),
    "twilio": (_response("201 Created", "application/json", '{"sid": "SM%", "status": "queued"}'),
               0.03),
}  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """Receipts sent, their rate, and CPU seconds of worker and store."""

    count: int
    rate: float
    worker: float
    store: float

    @property
    def per_cpu_second(self) -> float:
        """Receipts a CPU second of the worker."""
        return self.count / self.worker


def sending(provider: str, batches: int) -> Sent:
    """Let one worker process send a full outbox until it is empty."""
    fake = FakeProvider(*ANSWERS[provider])
    mode = DisplayMode.FLASH if provider == "kannel" else DisplayMode.TEXT
    address = "KANNEL_URL" if provider == "kannel" else "TWILIO_API_URL"
    try:
        with product(**{address: fake.url}, **PACES) as ours:
            ours.fill(subscriber(index, mode) for index in range(SUBSCRIBERS))
            drive(FEEDS[1].requests(batches), ours.port, 1)
            count = batches * FEEDS[1].each
            worker = ours.run("work")
            until(lambda: fake.taken > 50, 30, "the worker begins")
            began, first = time.monotonic(), fake.taken
            before, stored = cpu(family(worker.pid)), ours.cpu_of_store()
            until(lambda: fake.taken >= count and not ours.waiting(), 120, "all is sent")
            sent, seconds = count - first, max(fake.times) - began
            return Sent(sent, sent / seconds, cpu(family(worker.pid)) - before,
                        ours.cpu_of_store() - stored)  # fmt: skip
    finally:
        fake.close()
