"""Reference C: the real Kannel between a message centre and an HTTP back end, nothing persisted.

Only Kannel's own processes are counted. Centre and back end are threads of the bench: they need
not be fast, since what is measured is CPU and not the time it takes.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.cost import cpu
from tests.bench.load import drive
from tests.bench.product import SECRET, number
from tests.support.kannel import Boxes
from tests.support.kannel_double import Smsbox, smsbox
from tests.support.product import until
from tests.support.smpp import Address, Text
from tests.support.smsc import Centre

#: Texts under way at once between centre and gateway.
_WINDOW = 50


@dataclass(frozen=True)
class Carrier:
    """A message centre that reports each text as delivered, and a back end that always answers."""

    centre: Centre
    back_end: Smsbox

    def bring(self, count: int) -> None:
        """So many texts to 7500, and wait for as many answers."""
        self.centre.begin()
        senders = (Address(number(place).removeprefix("+")) for place in range(count))
        texts = (Text(sender, Address("7500", ton=0), b"CXDXHZ") for sender in senders)
        self.centre.flood(texts, "carrier", _WINDOW)
        self.centre.texts(count, 60)


@contextmanager
def kannel(doors_port: int | None = None) -> Iterator[tuple[Boxes, Carrier]]:
    """Kannel, bound to a centre; its calls go to a back end, or to doors when told which."""
    centre = Centre(delivers=True)
    with tempfile.TemporaryDirectory(prefix="kannel-bench-") as folder, smsbox() as back_end:
        back_end.answers(200, "ok")
        doors = doors_port or int(back_end.url.rpartition(":")[2])
        boxes = Boxes(Path(folder), centre.port, doors, SECRET)
        _only_in_memory(Path(folder) / "kannel.conf")
        try:
            boxes.start()
            centre.until(lambda: centre.bound("carrier"))
            yield boxes, Carrier(centre, back_end)
        finally:
            boxes.stop()
            centre.close()


def _only_in_memory(config: Path) -> None:
    """Without spools and logs: Kannel at its fastest, which is what we are measured against."""
    dropped = ("store-type", "store-location", "dlr-storage", "dlr-spool")
    lines = [
        "log-level = 4" if line.startswith("log-level") else line
        for line in config.read_text().splitlines()
        if not line.startswith(dropped)
    ]
    config.write_text("\n".join(lines))


def cpu_of(boxes: Boxes) -> float:
    """CPU seconds of the gateway alone."""
    return cpu(process.pid for process in boxes.running.values())


def answered(boxes: Boxes, carrier: Carrier, count: int) -> float:
    """CPU seconds of so many keyword texts in, back end asked, replies out."""
    before = cpu_of(boxes)
    carrier.bring(count)
    return cpu_of(boxes) - before


def sent(boxes: Boxes, carrier: Carrier, count: int) -> float:
    """CPU seconds of so many sends, each with its delivery report and HTTP callback."""
    calls = carrier.back_end.calls
    calls.clear()
    requests = [_send(carrier, place) for place in range(count)]
    before = cpu_of(boxes)
    drive(requests, int(boxes.url.rpartition(":")[2]))
    until(lambda: len(calls) >= count, 60, f"callbacks came: {len(calls)}")
    return cpu_of(boxes) - before


def _send(carrier: Carrier, place: int) -> bytes:
    about = f"{carrier.back_end.url}/report?id={place}&type=%d"
    asked = {
        "username": "receipts", "password": "CHANGE-ME-sendsms", "from": "7500",
        "to": number(place), "text": "delivered", "dlr-mask": "1", "dlr-url": about,
    }  # fmt: skip
    return f"GET /cgi-bin/sendsms?{urlencode(asked)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
