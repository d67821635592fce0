"""The worker: receipts it sends to a provider a second, and CPU of worker and store."""

import time
from contextlib import closing

from receipts.model.vocabulary import DisplayMode
from tests.bench.events import FEEDS, SUBSCRIBERS
from tests.bench.load import drive
from tests.bench.processes import cpu, family
from tests.bench.product import product, subscriber
from tests.bench.web import Run
from tests.support.loop import CountingServer
from tests.support.product import until


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


def sending(provider: str, batches: int) -> Run:
    """Let one worker process send a full outbox until it is empty; its CPU is that of ``web``."""
    mode = DisplayMode.FLASH if provider == "kannel" else DisplayMode.TEXT
    address = "KANNEL_URL" if provider == "kannel" else "TWILIO_API_URL"
    with (
        closing(CountingServer(*ANSWERS[provider])) as fake,
        product(**{address: fake.url}, **PACES) as ours,
    ):
        ours.fill(subscriber(index, mode) for index in range(SUBSCRIBERS))
        drive(FEEDS[1].requests(batches), ours.port, 1)
        count = batches * FEEDS[1].each
        worker = ours.run("work")
        until(lambda: fake.taken > 50, 30, "the worker begins")
        began, first = time.monotonic(), fake.taken
        before, stored = cpu(family(worker.pid)), ours.cpu_of_store()
        until(lambda: fake.taken >= count and not ours.waiting(), 120, "all is sent")
        sent, seconds = count - first, max(fake.times) - began
        return Run(sent, cpu(family(worker.pid)) - before, ours.cpu_of_store() - stored, 0,
                   sent / seconds)  # fmt: skip
