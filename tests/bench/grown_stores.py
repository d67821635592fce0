"""A small and a large store: their customers, senders and allocator."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

from tests.bench.product import Product, subscriber

SMALL = 1_000

#: Customers of the large store that send events, with numbers like those of the small store, and
#: the first index of its others.
ACTIVE, _PASSIVE_FROM = 50_000, 300_000


def without_jemalloc(folder: Path) -> dict[str, str]:
    """The setting that leaves a local store the allocator of glibc, by way of an empty folder.

    The store finds a library there that the loader passes over, and looks for no other.
    """
    (folder / "libjemalloc.so.2").write_text("not a library")
    return {"LD_LIBRARY_PATH": str(folder)}


def shuffled(customers: range) -> Iterator[int]:
    """Customers in random order, endlessly, each once a round."""
    while True:
        yield from random.sample(customers, len(customers))


def fill(store: Product, customers: int) -> None:
    """Write so many customers."""
    store.store.config_set("auto-aof-rewrite-percentage", 0)
    active = min(ACTIVE, customers)
    passive = range(_PASSIVE_FROM, _PASSIVE_FROM + customers - active)
    store.fill(map(subscriber, itertools.chain(range(active), passive)))
