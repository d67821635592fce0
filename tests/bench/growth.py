"""A thousand customers beside a million: the cost of an event must not depend on the store's size.

Both stores run at the same time and are driven in turn, so that they meet the same load. Each run
is compared with that of the other store in its turn, and the median of the turns counts.
"""

import itertools
import random
import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench import report
from tests.bench.events import EVENTS, FEEDS
from tests.bench.product import product, subscriber
from tests.bench.web import Run, once

SMALL = 1_000

#: Customers of the large store that send events, with numbers like those of the small store, and
#: the first index of its others.
_ACTIVE, _PASSIVE_FROM = 50_000, 300_000


def _shuffled(customers: int) -> Iterator[int]:
    """Customers from all over the store, endlessly, each once a round."""
    for _ in itertools.count():
        yield from random.sample(range(customers), customers)


def measure(customers: int, turns: int, count: int) -> dict[str, list[tuple[Run, Run]]]:
    """Runs of the small and the large store by event, a pair a turn."""
    found: dict[str, list[tuple[Run, Run]]] = {}
    active = min(_ACTIVE, customers)
    passive = range(_PASSIVE_FROM, _PASSIVE_FROM + customers - active)
    with ExitStack() as stack:
        small, large = (stack.enter_context(product()) for _ in range(2))
        small.fill(map(subscriber, range(SMALL)))
        large.fill(map(subscriber, itertools.chain(range(active), passive)))
        senders = {small: _shuffled(SMALL), large: _shuffled(active)}
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
    return found


def page(*, short: bool) -> str:
    """The table about growth."""
    customers, turns, count = (100_000, 3, 400) if short else (1_000_000, 7, 600)
    cells = []
    for name, pairs in measure(customers, turns, count).items():
        ratios = sorted(large.micros / small.micros - 1 for small, large in pairs)
        middle = statistics.median(ratios)
        cpu = [f"{statistics.median(p[n].micros for p in pairs):,.0f}" for n in (0, 1)]
        trips = [f"{statistics.median(p[n].trips for p in pairs):.2f}" for n in (0, 1)]
        cells.append((name, *cpu, f"{middle:+.1%}", f"{ratios[0]:+.0%} – {ratios[-1]:+.0%}",
                      "met" if middle <= 0.10 else "over", *trips))  # fmt: skip
    head = (
        "event", f"CPU µs, {SMALL:,}", f"CPU µs, {customers:,}", "more (median of turns)",
        "least – most", "within 10 %", f"round trips, {SMALL:,}", f"round trips, {customers:,}",
    )  # fmt: skip
    return report.grid(head, cells)
