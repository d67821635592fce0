"""How long it takes to start, and how much room it takes."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cost import cpu, family, memory
from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, text
from tests.bench.load import drive
from tests.bench.product import (
    ACCOUNT,
    PUBLIC_URL,
    TOKEN,
    Product,
    number,
    product,
    subscriber,
)
from tests.support.product import Service

#: Seconds over which an idle service is watched.
_IDLE = 5.0


@dataclass(frozen=True)
class Figure:
    """One figure beside its target."""

    name: str
    value: float
    unit: str
    target: str = ""


def starting() -> Iterator[Figure]:
    """From nothing to the first answer, and what it costs to do nothing."""
    # As a door process does it.
    code = "import gc; gc.disable(); import app.server, app.rulebook_reload"
    took = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        took.append(time.perf_counter() - began)
    yield Figure("import of the doors", min(took), "s", "< 0.6")
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
        more = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": PUBLIC_URL}
        demo = Service(Path(folder) / "var", more)
        began = time.perf_counter()
        try:
            demo.demo()
            drive([text(number(1), "CXDXHZ")], demo.port, 1)
            yield Figure(
                "demo: to the first answered text", time.perf_counter() - began, "s", "< 3"
            )
            time.sleep(2)
            pids = list(demo.processes())
            before, at = cpu(pids), time.monotonic()
            time.sleep(_IDLE)
            share = (cpu(pids) - before) / (time.monotonic() - at) * 100
            yield Figure("demo: CPU when idle", share, "%", "< 2")
        finally:
            demo.stop()


def room(customers: int) -> Iterator[Figure]:
    """Memory of doors and store."""
    with product() as ours:
        ours.fill(subscriber(place) for place in range(SUBSCRIBERS))
        for event in EVENTS:
            drive(event.make(300), ours.port)
        doors = family(ours.pid("doors")) - {ours.pid("doors"), ours.store_pid}
        largest = max(memory(pid) for pid in doors) / 1e6
        yield Figure("memory of a door process", largest, "MB", "< 90")
        yield from _receipt(ours)
        before = _used(ours)
        ours.fill(subscriber(place) for place in range(300_000, 300_000 + customers))
        each = (_used(ours) - before) / customers
        yield Figure("store: a subscriber with no history", each, "bytes", "<= 250")


def _receipt(ours: Product) -> Iterator[Figure]:
    before = _used(ours)
    drive(FEEDS[1].make(3), ours.port, 1)
    whole = (_used(ours) - before) / (3 * FEEDS[1].each)
    found = [
        key for key in ours.store.scan_iter(match="*receipt:*", count=1000) if b"receipt:" in key
    ][:200]
    held = [int(ours.store.memory_usage(key) or 0) for key in found]
    yield Figure("store: a receipt's record", sum(held) / len(held), "bytes", "<= 400")
    yield Figure("store: a receipt with its trail, list and outbox entry", whole, "bytes")


def _used(ours: Product) -> int:
    return int(ours.store.info("memory")["used_memory"])
