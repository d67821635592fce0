"""A thousand customers beside a million: what an event costs must not tell which store it met.

Both stores run at the same time and are driven in turn, so that they meet the same machine; each
turn is compared with its own neighbour, and the median of the turns counts.
"""

import itertools
import random
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench import paper
from tests.bench.doors import Run, once
from tests.bench.events import STRANGERS_FROM, batch, friend, key, status, text
from tests.bench.product import Product, number, product, subscriber

SMALL = 1_000

#: The large store's customers are of two kinds: these have numbers like those of the small one
#: and are who writes; the others only are there.
_WRITE, _ONLY_THERE_FROM = 50_000, 300_000
_NEWCOMERS_FROM = 60_000

_strangers = itertools.count(STRANGERS_FROM)
_newcomers = itertools.count(_NEWCOMERS_FROM)


@dataclass(frozen=True)
class _Store:
    """One of the two stores, and the customers that write."""

    ours: Product
    writers: int

    def anyone(self, count: int) -> list[int]:
        """Customers from all over the store."""
        return random.sample(range(self.writers), count)


def _opening(_: _Store, count: int) -> list[bytes]:
    people = [number(next(_newcomers)) for _ in range(count // 2)]
    return [text(who, "KTDXHZ") for who in people] + [text(who, "是") for who in people]


#: Name, events a request, and the requests: what the doors are measured with.
_KINDS: tuple[tuple[str, int, Callable[[_Store, int], list[bytes]]], ...] = (
    ("a text that asks", 1,
     lambda store, n: [text(number(p), "CXDXHZ") for p in store.anyone(n)]),
    ("a text that changes state", 1, _opening),
    ("a menu key without effect", 1,
     lambda store, n: [key(number(p), "#") for p in store.anyone(n)]),
    ("a status without a receipt", 1,
     lambda _, n: [status(number(next(_strangers)), friend(p)) for p in range(n)]),
    ("a status with a receipt", 1,
     lambda store, n: [status(number(p), friend(p)) for p in store.anyone(n)]),
    ("feed, with receipts", SMALL,
     lambda store, n: [batch(iter(store.anyone(SMALL)), SMALL) for _ in range(n // 200)]),
)  # fmt: skip


def measured(customers: int, turns: int, count: int) -> dict[str, list[tuple[Run, Run]]]:
    """Every kind of event, small store and large, a pair a turn."""
    found: dict[str, list[tuple[Run, Run]]] = {}
    with ExitStack() as stack:
        small = _Store(stack.enter_context(product()), SMALL)
        large = _Store(stack.enter_context(product()), min(_WRITE, customers))
        small.ours.fill(map(subscriber, range(SMALL)))
        large.ours.fill(map(subscriber, _places(customers)))
        for turn in range(-1, turns):
            for name, each, make in _KINDS:
                # Who comes first changes, for the first may find the machine busier.
                order = (small, large) if turn % 2 else (large, small)
                runs = {id(s): once(s.ours, make(s, count), each) for s in order}
                if turn >= 0:  # the first turn pays for what is made once
                    found.setdefault(name, []).append((runs[id(small)], runs[id(large)]))
    return found


def _places(customers: int) -> Iterator[int]:
    write = min(_WRITE, customers)
    yield from range(write)
    yield from range(_ONLY_THERE_FROM, _ONLY_THERE_FROM + customers - write)


def page(*, short: bool) -> str:
    """The part of the page about growth."""
    customers, turns, count = (100_000, 3, 400) if short else (1_000_000, 7, 600)
    cells = []
    for name, pairs in measured(customers, turns, count).items():
        ratios = sorted(large.micros / small.micros - 1 for small, large in pairs)
        middle = statistics.median(ratios)
        small_cpu, large_cpu = (statistics.median(p[n].micros for p in pairs) for n in (0, 1))
        small_trips, large_trips = (statistics.median(p[n].trips for p in pairs) for n in (0, 1))
        cells.append(
            (
                name, f"{small_cpu:,.0f}", f"{large_cpu:,.0f}", f"{middle:+.1%}",
                f"{ratios[0]:+.0%} – {ratios[-1]:+.0%}", "met" if middle <= 0.10 else "over",
                f"{small_trips:.2f}", f"{large_trips:.2f}",
            )
        )  # fmt: skip
    head = (
        "event", f"CPU µs, {SMALL:,}", f"CPU µs, {customers:,}", "more (median of turns)",
        "least – most", "within 10 %", f"round trips, {SMALL:,}", f"round trips, {customers:,}",
    )  # fmt: skip
    return paper.grid(head, cells)
