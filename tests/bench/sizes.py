"""Time to start, and memory of web processes and store: `python -m tests.bench.sizes 100000`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import receipt_bytes, report
from tests.bench.events import EVENTS, SUBSCRIBERS, text
from tests.bench.load import drive
from tests.bench.processes import cpu, memory
from tests.bench.product import ACCOUNT, PUBLIC_URL, TOKEN, number, product, subscriber
from tests.support.product import Service

#: Seconds over which the CPU of an idle demo is measured.
_IDLE_SECONDS = 5.0

#: Name, measured value with its unit, and target.
Figure = tuple[str, str, str]


def _figure(name: str, value: float, unit: str, target: str = "") -> Figure:
    return name, f"{value:,.2f} {unit}", target


def _import_seconds() -> float:
    # As a web process imports the product.
    code = "import gc; gc.disable(); import app.server, app.rulebook_reload"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def starting() -> Iterator[Figure]:
    """Time to the first answer, and CPU of an idle demo."""
    yield _figure("import of a web process", min(_import_seconds() for _ in range(3)), "s", "< 0.6")
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
        more = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": PUBLIC_URL}
        demo = Service(Path(folder) / "var", more)
        began = time.perf_counter()
        with demo.running_demo():
            drive([text(number(1), "CXDXHZ")], demo.port, 1)
            seconds = time.perf_counter() - began
            yield _figure("demo: to the first answered text", seconds, "s", "< 3")
            time.sleep(2)
            pids = list(demo.processes())
            before, at = cpu(pids), time.monotonic()
            time.sleep(_IDLE_SECONDS)
            share = (cpu(pids) - before) / (time.monotonic() - at) * 100
            yield _figure("demo: CPU when idle", share, "%", "< 2")


def memory_use() -> Iterator[Figure]:
    """Memory of a web process; receipt_bytes measures that of the store."""
    with product() as ours:
        ours.fill(subscriber(index) for index in range(SUBSCRIBERS))
        for event in EVENTS:
            drive(event.requests(300), ours.port)
        pids = ours.web_processes()
        largest = max(memory(pid) for pid in pids) / 1e6
        yield _figure("memory of a web process", largest, "MB", "< 90")


def page(customers: int) -> str:
    """The tables."""
    rows = [*starting(), *memory_use()]
    figures = report.grid(("figure", "measured", "target"), rows)
    return f"{figures}\n\n{receipt_bytes.page(customers // 10, customers // 100)}"


if __name__ == "__main__":
    print(page(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
