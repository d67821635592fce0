"""`make profile`: a flame graph of a web process for each event, under build/profile."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, Event
from tests.bench.load import drive
from tests.bench.product import Product, product, subscriber

_OUT = Path("build/profile")

#: Samples a second: enough for requests of less than a millisecond.
_RATE = "400"


def main() -> None:
    """Write one flame graph for each event."""
    _OUT.mkdir(parents=True, exist_ok=True)
    with product() as ours:
        ours.fill(subscriber(index) for index in range(SUBSCRIBERS))
        for event in (*EVENTS, *FEEDS):
            print(_profile(ours, event), flush=True)


def _profile(ours: Product, event: Event) -> Path:
    single = event.each == 1
    drive(event.requests(300 if single else 1), ours.port, 4)
    requests = event.requests(3000 if single else 15)
    page = _OUT / f"flame-{re.sub('[^a-z]+', '-', event.name)}.svg"
    pid = max(ours.web_processes())
    # Threads without the interpreter lock are waiting.
    words = ("--function", "--nonblocking", "--gil", "--rate", _RATE, "--output", page)
    profiler = subprocess.Popen(
        [Path(sys.executable).parent / "py-spy", "record", *words, "--pid", str(pid)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1)  # until it has attached
    # Enough connections that each web process has some.
    drive(requests, ours.port, 8)
    profiler.send_signal(signal.SIGINT)
    profiler.wait(30)
    return page


if __name__ == "__main__":
    main()
