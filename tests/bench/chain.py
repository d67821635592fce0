"""The chain: a report by the feed, its receipt at the handset, that one's report, its charge.

Doors, one worker and the store are the product's own processes. The receipts go to the real Kannel
in front of a message centre, and to a double of its sendsms without a centre. CPU is counted for
each group of processes until all is done, at parts of the capacity that a burst shows.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.bench import gateway, report
from tests.bench.events import batch
from tests.bench.load import drive
from tests.bench.processes import cpu, family
from tests.bench.product import Product, number, product, subscriber
from tests.bench.sendsms import SendsmsDouble
from tests.support.kannel import PASSWORD
from tests.support.product import free_port, until

#: Parts of the capacity at which a run is measured.
LOADS = (0.1, 0.5, 0.9)

#: The goal: CPU of ours, as a multiple of what Kannel alone uses to pass a text and its report on.
TARGET = 1.5

#: Batches of the feed a second.
_BATCHES_A_SECOND = 10

#: Customers, each with one receipt a run at most: two at once would share a text.
_CUSTOMERS = 30_000

#: Beside the page that shows it.
_CHART = Path("docs/bench/chain.svg")

_GROUPS = ("web", "worker", "store", "Kannel")


class Carrier(Protocol):
    """Where the receipts go: the real Kannel, or the double."""

    def arrivals(self) -> dict[str, float]:
        """When the text of each number reached its handset, in Unix seconds."""

    def begin(self) -> None:
        """Forget all texts."""

    def cpu(self) -> float:
        """CPU seconds of the gateway itself; of the double 0."""


@dataclass(frozen=True)
class KannelCarrier:
    """The real Kannel; its centre reports each text as delivered at once."""

    running: gateway.Gateway

    def arrivals(self) -> dict[str, float]:
        return {f"+{each.text.destination.digits}": each.at for each in self.running.centre.taken()}

    def begin(self) -> None:
        self.running.centre.begin()

    def cpu(self) -> float:
        return self.running.cpu()


@dataclass(frozen=True)
class ChainRun:
    """One run: CPU seconds by group of processes, and what else its receipts took."""

    receipts: int
    rate: float
    seconds: dict[str, float]
    trips: int
    written: int
    latencies: Sequence[float]

    @property
    def ours(self) -> float:
        """CPU µs a receipt of doors, worker and store."""
        return sum(self.micros(name) for name in _GROUPS[:3])

    def micros(self, group: str) -> float:
        return self.seconds[group] / self.receipts * 1e6

    def percentile(self, part: float) -> float:
        """Milliseconds from the report's answer to the handset."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e3


class Chain:
    """The product with one worker before a carrier."""

    def __init__(self, ours: Product, port: int, worker: int, carrier: Carrier) -> None:
        self._ours, self._port, self._worker, self._carrier = ours, port, worker, carrier
        self._senders = itertools.cycle(range(_CUSTOMERS))
        ours.store.config_set("auto-aof-rewrite-percentage", 0)

    def capacity(self, batches: int) -> float:
        """Receipts a second when the feed brings them as fast as it can."""
        began = time.time()
        numbers, _ = self._feed(batches, 500, 0)
        self._until_done(numbers)
        return len(numbers) / (max(self._carrier.arrivals().values()) - began)

    def run(self, rate: float, seconds: float) -> ChainRun:
        """Receipts at a steady rate for some seconds."""
        before, trips, written = self._seconds(), self._ours.trips(), self._written()
        size = max(1, round(rate / _BATCHES_A_SECOND))
        count = max(1, round(rate * seconds / size))
        numbers, answered = self._feed(count, size, rate / size)
        self._until_done(numbers)
        after = self._seconds()
        spent = {name: after[name] - before[name] for name in _GROUPS}
        trips = self._ours.trips() - trips - self._ours.seeing
        written, arrived = self._written() - written, self._carrier.arrivals()
        self._check(numbers)
        latencies = [arrived[each] - at for each, at in zip(numbers, answered, strict=True)]
        return ChainRun(len(numbers), rate, spent, trips, written, latencies)

    def _feed(self, count: int, size: int, rate: float) -> tuple[list[Msisdn], list[float]]:
        """Batches of reports, one sender each: the senders, and when each report was answered."""
        self._carrier.begin()
        senders = [next(self._senders) for _ in range(count * size)]
        given = iter(senders)
        batches = [batch(given, size) for _ in range(count)]
        found = drive(batches, self._port, 2, rate)
        return [number(each) for each in senders], [at for at in found.times for _ in range(size)]

    def _until_done(self, numbers: Sequence[Msisdn]) -> None:
        """Return once every text has arrived, and the product rests."""
        until(lambda: len(self._carrier.arrivals()) >= len(numbers), 120, "texts at handsets")
        until(self._rests, 60, "all reports are in")

    def _rests(self) -> bool:
        before = self._ours.cpu_of_doors() + self._carrier.cpu()
        time.sleep(0.3)
        return self._ours.cpu_of_doors() + self._carrier.cpu() - before < 0.01

    def _check(self, numbers: Sequence[Msisdn]) -> None:
        """Fail unless each receipt is recorded as delivered and was charged once."""
        with self._ours.container() as services:
            newest = services.clients.store.recent_by_customer(list(numbers), 1)
        states = [each[0].state if each else None for each in newest]
        assert states.count(ReceiptState.DELIVERED) == len(numbers), set(states)

    def _seconds(self) -> dict[str, float]:
        ours = self._ours
        values = (ours.cpu_of_doors(), cpu(family(self._worker)), ours.cpu_of_store(),
                  self._carrier.cpu())  # fmt: skip
        return dict(zip(_GROUPS, values, strict=True))

    def _written(self) -> int:
        """Bytes that the store has appended to its file."""
        return int(self._ours.store.info("persistence")["aof_current_size"])


@contextmanager
def before_kannel() -> Iterator[Chain]:
    """The chain with the real Kannel."""
    port = free_port()
    with (
        gateway.kannel(port) as running,
        _chain(running.boxes.url, port, KannelCarrier(running)) as chain,
    ):
        yield chain


@contextmanager
def before_double() -> Iterator[Chain]:
    """The chain with the double."""
    with closing(SendsmsDouble()) as double, _chain(double.url, free_port(), double) as chain:
        yield chain


@contextmanager
def _chain(url: str, port: int, carrier: Carrier) -> Iterator[Chain]:
    settings = {"KANNEL_URL": url, "KANNEL_PASSWORD": PASSWORD, "KANNEL_PACE": "10000",
                "INSIDE_PORT": str(port)}  # fmt: skip
    with product(**settings) as ours:
        ours.fill(subscriber(index) for index in range(_CUSTOMERS))
        worker = ours.run("work")
        chain = Chain(ours, port, worker.pid, carrier)
        chain.capacity(1)  # the first requests pay for lazy initialisation
        yield chain


def page(*, short: bool) -> str:
    """The table beside Kannel alone, and the chart, which is written."""
    seconds, count = (3.0, 1000) if short else (10.0, 2500)
    with before_kannel() as chain:
        rows = _measured("Kannel", chain, seconds)
    with gateway.kannel() as alone:
        gateway.sent(alone, 200)
        reference = gateway.sent(alone, count) / count * 1e6
    with before_double() as chain:
        rows += _measured("double", chain, seconds)
    _CHART.write_text(_chart(rows, reference), encoding="utf-8")
    return f"{_table(rows, reference)}\n\n![CPU of a receipt, by part]({_CHART.name})"


def _chart(rows: Sequence[tuple[str, ChainRun]], reference: float) -> str:
    """A bar for each run and one for Kannel alone."""
    names = [*(name for name, _ in rows), "C: Kannel alone"]
    parts = {group: [*(run.micros(group) for _, run in rows), 0.0] for group in _GROUPS}
    parts["Kannel"][-1] = reference
    return report.stacked_bars("CPU µs of a receipt, from its report to its fate", names, parts)


def _measured(name: str, chain: Chain, seconds: float) -> list[tuple[str, ChainRun]]:
    capacity = chain.capacity(4)
    rows = []
    for load in LOADS:
        run = chain.run(capacity * load, seconds)
        rows.append((f"{name}, {load:.0%} of {capacity:,.0f}/s", run))
        print(f"{rows[-1][0]}: {run.ours:.0f} µs of ours", flush=True)
    return rows


def _table(rows: Sequence[tuple[str, ChainRun]], reference: float) -> str:
    """The runs beside Kannel alone, whose CPU µs a text are given."""
    cells = [("C: Kannel alone, send + report + callback", "", "", "", "", f"{reference:.0f}",
              "1.00", "", "", "", "", "")]  # fmt: skip
    for name, run in rows:
        ratio = run.ours / reference
        cells.append((
            name, *(f"{run.micros(group):.0f}" for group in _GROUPS[:3]), f"{run.ours:.0f}",
            f"{run.micros('Kannel'):.0f}", f"{ratio:.2f}",
            "met" if ratio <= TARGET else f"{ratio - TARGET:.2f} over",
            f"{run.trips / run.receipts:.2f}", f"{run.written / run.receipts:,.0f}",
            f"{run.percentile(0.5):,.0f}", f"{run.percentile(0.99):,.0f}",
        ))  # fmt: skip
    head = ("gateway and load", "web µs", "worker µs", "store µs", "ours µs", "Kannel µs", "× C",
            f"at most {TARGET}", "round trips", "bytes to disk", "p50 ms", "p99 ms")  # fmt: skip
    return report.grid(head, cells)
