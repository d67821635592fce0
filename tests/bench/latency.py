"""Latency: from a report that was acknowledged to its receipt at the provider.

Doors, one worker and the store are the product's own processes; a double of Kannel's sendsms takes
the receipts. Ordinary receipts leave at once. A flash receipt waits for others first, as long as
the rule book says at most. Reports come in small batches at even times, as a feed brings them.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from receipts.model.vocabulary import DisplayMode, Msisdn
from receipts.store.keys import KeySchema
from tests.bench import gateway, report
from tests.bench.chain import Carrier, KannelCarrier
from tests.bench.events import BATCH, batch
from tests.bench.load import drive
from tests.bench.local_store import SHARDS
from tests.bench.product import Product, number, product, subscriber
from tests.bench.sendsms import SendsmsDouble
from tests.support.kannel import PASSWORD
from tests.support.product import free_port, until

#: The part of the capacity at which the main rows are measured.
LOAD = 0.7

#: Goals in milliseconds at the 99th percentile: under that load, and beside a backlog.
UNDER_LOAD_MS, BESIDE_BACKLOG_MS = 50, 500

#: Batches of the feed a second, under load.
_BATCHES_A_SECOND = 50

#: Customers with ordinary receipts, then as many with flash; each has one receipt a run at most.
_CUSTOMERS = 30_000

#: Customers whose receipts make the backlog, some each.
_WAITING = range(60_000, 80_000)

#: The longest wait of a flash receipt in the shipped rule book.
_DIGEST_MS = 1000

#: Segments a second of a paced line, and the part of it that fresh receipts come at: half of
#: what ``fresh_percent`` of the shipped rule book keeps for them.
_PACE, _FRESH_PART = 200, 0.1

#: Fresh receipts a second beside a backlog that is sent without a pace.
_FRESH_RATE = 50

#: Beside the page that shows it.
_CHART = Path("docs/bench/latency.svg")


@dataclass(frozen=True)
class Latencies:
    """Receipts of one run and the milliseconds that each took."""

    name: str
    rate: float
    goal: float | None
    milliseconds: Sequence[float]
    note: str = ""

    def percentile(self, part: float) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    def cells(self) -> tuple[str, ...]:
        verdict = ""
        if self.goal is not None:
            verdict = "met" if self.percentile(0.99) < self.goal else "over"
        return (
            self.name, f"{self.rate:,.0f}", f"{len(self.milliseconds):,}",
            *(f"{self.percentile(part):,.1f}" for part in (0.5, 0.9, 0.99, 1)),
            f"{self.goal:,.0f}" if self.goal else "", verdict, self.note,
        )  # fmt: skip


class Line:
    """The product with one worker before a carrier."""

    def __init__(self, ours: Product, port: int, carrier: Carrier) -> None:
        self._ours, self._port, self.carrier = ours, port, carrier
        self._senders = {
            DisplayMode.TEXT: itertools.cycle(range(_CUSTOMERS)),
            DisplayMode.FLASH: itertools.cycle(range(_CUSTOMERS, 2 * _CUSTOMERS)),
        }

    def capacity(self, count: int) -> float:
        """Ordinary receipts a second when the feed brings so many as fast as it can."""
        began = time.time()
        numbers, _ = self._feed(DisplayMode.TEXT, count // 500, 500, 0)
        self._await(numbers)
        return len(numbers) / (max(self.carrier.arrivals().values()) - began)

    def run(
        self, name: str, rate: float, seconds: float, *, goal: float | None = None,
        mode: DisplayMode = DisplayMode.TEXT, size: int = 1,
    ) -> Latencies:  # fmt: skip
        """Receipts at a steady rate for some seconds, in batches of so many reports."""
        count = max(1, round(rate * seconds / size))
        numbers, answered = self._feed(mode, count, size, rate / size)
        self._await(numbers)
        arrived = self.carrier.arrivals()
        took = [(arrived[n] - at) * 1e3 for n, at in zip(numbers, answered, strict=True)]
        found = Latencies(name, rate, goal, took)
        print(" | ".join(found.cells()), flush=True)
        return found

    def under_load(self, name: str, rate: float, seconds: float, mode: DisplayMode) -> Latencies:
        """A run whose batches come ``_BATCHES_A_SECOND`` times a second."""
        size = max(1, round(rate / _BATCHES_A_SECOND))
        goal = UNDER_LOAD_MS + (_DIGEST_MS if mode is DisplayMode.FLASH else 0)
        return self.run(name, rate, seconds, goal=goal, mode=mode, size=size)

    def surge(self, count: int) -> None:
        """Bring so many reports at once by customers of the backlog."""
        senders = itertools.cycle(_WAITING)
        for _ in range(0, count, 10 * BATCH):
            drive([batch(senders) for _ in range(min(10, count // BATCH))], self._port, 2)

    def until_deferred(self) -> float:
        """Return once the streams hold few receipts, and the seconds that took."""
        began = time.monotonic()
        until(lambda: self._ours.waiting() < BATCH, 600, "the surge is deferred")
        return time.monotonic() - began

    def backlog(self) -> int:
        """The number of deferred receipts."""
        keys = KeySchema(SHARDS)
        names = [keys.waiting(shard, "kannel") for shard in range(SHARDS)]
        return sum(int(self._ours.store.zcard(name)) for name in names)

    def _feed(
        self, mode: DisplayMode, count: int, size: int, rate: float
    ) -> tuple[list[Msisdn], list[float]]:
        """Batches of reports, one sender each: the senders, and when each report was answered."""
        self.carrier.begin()
        senders = [next(self._senders[mode]) for _ in range(count * size)]
        given = iter(senders)
        found = drive([batch(given, size) for _ in range(count)], self._port, 2, rate)
        return [number(each) for each in senders], [at for at in found.times for _ in range(size)]

    def _await(self, numbers: Sequence[Msisdn]) -> None:
        wanted = set(numbers)
        until(lambda: wanted <= self.carrier.arrivals().keys(), 120, "texts at handsets")


@contextmanager
def _line(url: str, port: int, carrier: Carrier, **more: str) -> Iterator[Line]:
    settings = {"KANNEL_URL": url, "KANNEL_PASSWORD": PASSWORD, "KANNEL_PACE": "10000",
                "TEXT_PROVIDER": "kannel", "INSIDE_PORT": str(port), **more}  # fmt: skip
    with product(**settings) as ours:
        ours.store.config_set("auto-aof-rewrite-percentage", 0)
        modes = [DisplayMode.TEXT] * _CUSTOMERS + [DisplayMode.FLASH] * _CUSTOMERS
        ours.fill(subscriber(index, mode) for index, mode in enumerate(modes))
        ours.fill(subscriber(index, DisplayMode.TEXT) for index in _WAITING)
        ours.run("work")
        line = Line(ours, port, carrier)
        line.capacity(500)  # the first requests pay for lazy initialisation
        yield line


@contextmanager
def before_double(**more: str) -> Iterator[tuple[Line, SendsmsDouble]]:
    """The line with the double, and the double."""
    with (
        closing(SendsmsDouble()) as double,
        _line(double.url, free_port(), double, **more) as line,
    ):
        yield line, double


def _steady(seconds: float) -> Iterator[Latencies]:
    """Alone and under load, before the double."""
    with before_double() as (line, _):
        capacity = line.capacity(4000)
        rate = LOAD * capacity
        yield line.run("ordinary, alone", 20, seconds)
        yield line.run("flash with its wait, alone", 20, seconds, mode=DisplayMode.FLASH)
        of = f"{LOAD:.0%} of {capacity:,.0f}/s"
        yield line.under_load(f"ordinary, {of}", rate, seconds, DisplayMode.TEXT)
        yield line.under_load(f"flash with its wait, {of}", rate, seconds, DisplayMode.FLASH)


def _kannel(seconds: float) -> Iterator[Latencies]:
    """The same with the real Kannel; its centre is the handset."""
    with ExitStack() as stack:
        port = free_port()
        running = stack.enter_context(gateway.kannel(port))
        line = stack.enter_context(_line(running.boxes.url, port, KannelCarrier(running)))
        capacity = line.capacity(2000)
        yield line.run("Kannel and centre too, alone", 20, seconds)
        name = f"Kannel and centre too, {LOAD:.0%} of {capacity:,.0f}/s"
        yield line.under_load(name, LOAD * capacity, seconds, DisplayMode.TEXT)


def _beside_backlog(count: int, seconds: float) -> Iterator[Latencies]:
    """Fresh receipts while others wait for a paced line, and after an outage of the gateway."""
    with before_double(KANNEL_PACE=str(_PACE)) as (line, _):
        line.surge(count)
        yield line.run("fresh, right after the surge", _PACE * _FRESH_PART, seconds)
        print(f"deferred after {line.until_deferred():.1f} s more, {line.backlog():,}", flush=True)
        yield _fresh(line, f"fresh, line of {_PACE}/s", _PACE * _FRESH_PART, seconds)
    with before_double() as (line, double):
        double.refuses = True
        line.surge(count)
        print(f"deferred after {line.until_deferred():.1f} s more, {line.backlog():,}", flush=True)
        double.begin()
        double.refuses = False
        until(lambda: len(double.arrivals()) > 100, 120, "the breaker closes")
        yield _fresh(line, "fresh, after an outage of the gateway", _FRESH_RATE, seconds)


def _fresh(line: Line, name: str, rate: float, seconds: float) -> Latencies:
    """A run beside a backlog, which must not end before it."""
    before = line.backlog()
    run = line.run(name, rate, seconds, goal=BESIDE_BACKLOG_MS)
    after = line.backlog()
    assert after, "no backlog was left"
    note = f"{before:,} to {after:,} wait"
    return Latencies(run.name, run.rate, run.goal, run.milliseconds, note)


def page(*, short: bool) -> str:
    """The table and the chart, which is written."""
    seconds, waiting = (4.0, 10_000) if short else (15.0, 100_000)
    rows = [*_steady(seconds), *_kannel(seconds), *_beside_backlog(waiting, seconds)]
    middle, tail = ([row.percentile(part) for row in rows] for part in (0.5, 0.99))
    beyond = [most - half for half, most in zip(middle, tail, strict=True)]
    parts = {"p50 ms": middle, "from p50 to p99 ms": beyond}
    names = [row.name for row in rows]
    _CHART.write_text(report.stacked_bars("From the report to the provider", names, parts))
    head = ("receipts", "a second", "count", "p50 ms", "p90 ms", "p99 ms", "longest ms",
            "p99 below", "", "backlog")  # fmt: skip
    return f"{report.grid(head, [row.cells() for row in rows])}\n\n![p50 and p99]({_CHART.name})"
