"""`make profile`: a flame graph of a door process for each event, under build/profile."""

import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.cost import family
from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, Event
from tests.bench.flame import busy, drawn, stacks
from tests.bench.load import drive
from tests.bench.product import Product, product, subscriber

_OUT = Path("build/profile")

#: Samples a second: enough for a door that answers within a millisecond.
_RATE = "400"

#: What the server calls for each request; all around it is waiting.
_REQUEST = "_callback_wrapper"


def main() -> None:
    """One flame graph an event."""
    _OUT.mkdir(parents=True, exist_ok=True)
    with product() as ours, tempfile.TemporaryDirectory() as folder:
        ours.fill(subscriber(place) for place in range(SUBSCRIBERS))
        for event in (*EVENTS, *FEEDS):
            print(_flame(ours, event, Path(folder) / "stacks"), flush=True)


def _flame(ours: Product, event: Event, seen: Path) -> Path:
    single = event.each == 1
    drive(event.make(300 if single else 1), ours.port, 4)
    requests = event.make(3000 if single else 15)
    door = max(family(ours.pid("doors")) - {ours.pid("doors"), ours.store_pid})
    words = ("--pid", str(door), "--output", seen, "--rate", _RATE, "--format", "raw")
    watching = subprocess.Popen(
        [Path(sys.executable).parent / "py-spy", "record", "--function", "--nonblocking", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1)  # until it has attached
    # On enough connections that each door process has some.
    drive(requests, ours.port, 8)
    watching.send_signal(signal.SIGINT)
    watching.wait(30)
    work = busy(stacks(seen.read_text().splitlines()), _REQUEST)
    page = _OUT / f"flame-{re.sub('[^a-z]+', '-', event.name)}.svg"
    page.write_text(drawn(f"{event.name}: a door process at work, {work.seen} samples", work))
    return page


if __name__ == "__main__":
    main()
