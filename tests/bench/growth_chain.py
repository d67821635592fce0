"""The chain of a receipt in a small and in a large store, by the CPU of all our processes."""

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

from receipts.model.vocabulary import DisplayMode
from tests.bench.events import batch
from tests.bench.grown_stores import ACTIVE, SMALL, fill
from tests.bench.load import drive
from tests.bench.processes import cpu, family
from tests.bench.product import Product, number, product, subscriber
from tests.bench.sendsms import SendsmsDouble
from tests.support.product import free_port, until

#: Receipts a second, and in a run: one of each customer of the small store at most.
_RATE, _COUNT = 200, 800

#: Reports in a batch of the feed.
_BATCH = 20


class GrowingChain:
    """The product with one worker before a double, and so many customers."""

    def __init__(self, stack: ExitStack, customers: int, mode: DisplayMode) -> None:
        self._double = stack.enter_context(closing(SendsmsDouble()))
        self._port = free_port()
        settings = {"KANNEL_URL": self._double.url, "KANNEL_PACE": "10000",
                    "TEXT_PROVIDER": "kannel", "INSIDE_PORT": str(self._port)}  # fmt: skip
        self._ours: Product = stack.enter_context(product(**settings))
        fill(self._ours, customers)
        active = range(min(ACTIVE, customers))
        self._ours.fill(subscriber(index, mode) for index in active)
        self._senders: Iterator[int] = itertools.chain.from_iterable(
            random.sample(active, _COUNT) for _ in itertools.count()
        )
        self._worker = self._ours.run("work").pid

    def micros(self) -> float:
        """CPU µs of a receipt in doors, worker and store, in one run."""
        self._double.begin()
        senders = list(itertools.islice(self._senders, _COUNT))
        before, given = self._cpu(), iter(senders)
        batches = [batch(given, _BATCH) for _ in range(_COUNT // _BATCH)]
        drive(batches, self._port, 2, _RATE / _BATCH)
        wanted = {str(number(each)) for each in senders}
        until(lambda: wanted <= self._double.arrivals().keys(), 60, "texts at handsets")
        time.sleep(0.5)  # their reports come back
        return (self._cpu() - before) / _COUNT * 1e6

    def _cpu(self) -> float:
        ours = self._ours
        return ours.cpu_of_doors() + ours.cpu_of_store() + cpu(family(self._worker))


def measure(customers: int, turns: int) -> dict[str, list[tuple[float, float]]]:
    """CPU µs of a receipt in the small and the large store by mode, a pair a turn."""
    found: dict[str, list[tuple[float, float]]] = {}
    for mode in (DisplayMode.TEXT, DisplayMode.FLASH):
        with ExitStack() as stack:
            small, large = (GrowingChain(stack, each, mode) for each in (SMALL, customers))
            for turn in range(-1, turns):
                order = (small, large) if turn % 2 else (large, small)
                costs = {chain: chain.micros() for chain in order}
                if turn >= 0:
                    found.setdefault(mode.value, []).append((costs[small], costs[large]))
                print(f"chain, {mode}, turn {turn + 1}: {costs[small]:.0f} µs, "
                      f"{costs[large]:.0f} µs", flush=True)  # fmt: skip
    return found
