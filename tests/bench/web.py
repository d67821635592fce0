"""Requests beside the reference page: alternating runs, so that both meet the same load."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, Event, number, text
from tests.bench.load import drive
from tests.bench.processes import cpu, family
from tests.bench.product import Product, product, subscriber
from tests.support.product import answers_at, free_port, surroundings, until

#: Latency is measured at this part of the full rate; at the full rate it measures the queue.
PACE = 0.7

#: References A and B: the reference page under the usual server, and under the product's.
_SERVERS = {
    "A": ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "tests.bench.empty:app"),
    "B": ("granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "1",
          "--port", "{port}", "--log-level", "warning", "tests.bench.empty:app"),
}  # fmt: skip


@dataclass
class Run:
    """One run of one event: CPU seconds of web processes or worker and store, rate, latency."""

    events: int
    web: float
    store: float
    trips: float
    rate: float
    p50: float = 0.0
    p99: float = 0.0

    @property
    def micros(self) -> float:
        """CPU µs of an event, in web processes and store together."""
        return (self.web + self.store) / self.events * 1e6


#: Port and process id of a running reference.
Reference = tuple[int, int]


@contextmanager
def reference(name: str) -> Iterator[Reference]:
    """Reference A or B, running."""
    port = free_port()
    program, *words = (word.format(port=port) for word in _SERVERS[name])
    process = subprocess.Popen(
        [Path(sys.executable).parent / program, *words],
        env=surroundings(PYTHONPATH="."), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: answers_at(port), 20, f"reference {name} answers")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def measure(runs: int, count: int, batches: int) -> Iterator[tuple[int, str, str, Run]]:
    """Turn, program, event and run, for every program and event in each turn."""
    with reference("A") as a, reference("B") as b, product() as ours:
        ours.fill(subscriber(index) for index in range(SUBSCRIBERS))
        # The first requests pay for lazy initialisation.
        for page in (a, b):
            of_reference(page, 400)
        for event in EVENTS:
            drive(event.requests(400), ours.port)
        for event in FEEDS:
            drive(event.requests(2), ours.port, 2)
        for turn in range(runs):
            for name, page in (("A", a), ("B", b)):
                yield turn, name, "empty page", of_reference(page, count)
            for event in EVENTS:
                yield turn, "ours", event.name, of_ours(ours, event, count)
            for event in FEEDS:
                yield turn, "ours", event.name, of_ours(ours, event, batches)


def of_reference(page: Reference, count: int) -> Run:
    """The reference page at its full rate, then at 70 % of it."""
    requests = [text(number(index), "CXDXHZ") for index in range(count)]
    port, pid = page
    before = cpu(family(pid))
    found = drive(requests, port)
    run = Run(count, cpu(family(pid)) - before, 0, 0, found.rate)
    return _paced(run, requests[: count // 2], port)


def of_ours(ours: Product, event: Event, count: int) -> Run:
    """One kind of event at its full rate, then, if each is a request, at 70 % of it."""
    run = once(ours, event.requests(count), event.each, 16)
    return run if event.each > 1 else _paced(run, event.requests(count // 2), ours.port)


def once(ours: Product, requests: Sequence[bytes], each: int, connections: int = 8) -> Run:
    """Requests of ``each`` events, at the full rate."""
    before = ours.cpu_of_doors(), ours.cpu_of_store(), ours.trips()
    found = drive(requests, ours.port, connections if each == 1 else 2)
    count, trips = len(requests), ours.trips() - before[2] - ours.seeing
    web, store = ours.cpu_of_doors() - before[0], ours.cpu_of_store() - before[1]
    return Run(count * each, web, store, trips / count, found.rate * each, found.p50, found.p99)


def _paced(run: Run, requests: Sequence[bytes], port: int) -> Run:
    """The same run with the latency of requests at a part of its rate."""
    found = drive(requests, port, rate=run.rate * PACE)
    run.p50, run.p99 = found.p50, found.p99
    return run
