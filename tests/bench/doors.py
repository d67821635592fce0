"""The doors beside the empty page: alternating runs, so that both meet the same machine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench.cost import cpu
from tests.bench.events import (
    EVENTS,
    FEEDS,
    SUBSCRIBERS,
    Event,
    number,
    text,
)
from tests.bench.load import Answered, drive
from tests.bench.peers import Peer, peer
from tests.bench.product import Product, product, subscriber

#: A service that is 70 % busy answers like one that is not; at 100 % only the queue is measured.
BUSY = 0.7


@dataclass
class Run:
    """One run of one event: what each took of the processor, and how it was answered."""

    events: int
    doors: float
    store: float
    trips: float
    rate: float
    p50: float = 0.0
    p99: float = 0.0

    @property
    def micros(self) -> float:
        """CPU µs of an event, in doors and store together."""
        return (self.doors + self.store) / self.events * 1e6


@dataclass
class Row:
    """All runs of one event."""

    reference: str
    event: str
    target: float | None = None
    runs: list[Run] = field(default_factory=list)


def measure(runs: int, count: int, batches: int) -> Iterator[tuple[int, str, str, Run]]:
    """Every reference and event in turn, again and again."""
    with peer("A") as a, peer("B") as b, product() as ours:
        ours.fill(subscriber(place) for place in range(SUBSCRIBERS))
        warm(a, b, ours)
        for turn in range(runs):
            for name, reference in (("A", a), ("B", b)):
                yield turn, name, "empty page", of_peer(reference, count)
            for event in EVENTS:
                yield turn, "ours", event.name, of_ours(ours, event, count)
            for event in FEEDS:
                yield turn, "ours", event.name, of_ours(ours, event, batches, connections=2)


def warm(a: Peer, b: Peer, ours: Product) -> None:
    """The first requests pay for what is made once."""
    for reference in (a, b):
        drive([text(number(place), "x") for place in range(400)], reference.port)
    for event in EVENTS:
        drive(event.make(400), ours.port)
    for event in FEEDS:
        drive(event.make(2), ours.port, 2)


def of_peer(reference: Peer, count: int) -> Run:
    """The empty page, asked as fast as it answers, then at 70 % of that."""
    requests = [text(number(place), "CXDXHZ") for place in range(count)]
    before = cpu(reference.pids)
    found = drive(requests, reference.port)
    run = Run(count, cpu(reference.pids) - before, 0, 0, found.rate)
    return _paced(run, lambda n, rate: drive(requests[:n], reference.port, rate=rate), count)


def of_ours(ours: Product, event: Event, count: int, connections: int = 16) -> Run:
    """One kind of event, as fast as it is answered, then at 70 % of that."""
    requests = event.make(count)
    doors, store, trips = ours.cpu_of_doors(), ours.cpu_of_store(), ours.trips()
    found = drive(requests, ours.port, connections)
    trips = ours.trips() - trips - 1
    run = Run(
        count * event.each,
        ours.cpu_of_doors() - doors,
        ours.cpu_of_store() - store,
        trips / count,
        found.rate * event.each,
    )
    if event.each > 1:
        run.p50, run.p99 = found.p50, found.p99
        return run
    return _paced(run, lambda n, rate: drive(event.make(n), ours.port, rate=rate), count)


def once(ours: Product, requests: Sequence[bytes], each: int) -> Run:
    """Requests that bring so many events each, as fast as they are answered."""
    before = ours.cpu_of_doors(), ours.cpu_of_store(), ours.trips()
    found = drive(requests, ours.port, 8 if each == 1 else 2)
    count, trips = len(requests), ours.trips() - before[2] - ours.seeing
    doors, store = ours.cpu_of_doors() - before[0], ours.cpu_of_store() - before[1]
    return Run(count * each, doors, store, trips / count, found.rate * each)


def _paced(run: Run, again: Callable[[int, float], Answered], count: int) -> Run:
    found = again(count // 2, run.rate * BUSY)
    run.p50, run.p99 = found.p50, found.p99
    return run
