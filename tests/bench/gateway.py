"""Reference C: the real Kannel between a message centre and an HTTP back end, without a spool.

Only the CPU of Kannel's own processes counts. Centre and back end run in a thread of the bench.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.load import drive
from tests.bench.processes import cpu
from tests.bench.product import SECRET, number
from tests.support.kannel import PASSWORD, Boxes
from tests.support.loop import CountingServer
from tests.support.product import until
from tests.support.smpp import Address, Text
from tests.support.smsc import Centre

#: Texts under way at once between centre and gateway.
_WINDOW = 50

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Gateway:
    """Kannel between its message centre and its back end."""

    boxes: Boxes
    centre: Centre
    back_end: CountingServer

    def cpu(self) -> float:
        """CPU seconds of Kannel alone."""
        return cpu(process.pid for process in self.boxes.running.values())


@contextmanager
def kannel(doors: int = 0) -> Iterator[Gateway]:
    """Kannel, bound to a centre; its calls go to a port, or to a back end of the bench."""
    with (
        tempfile.TemporaryDirectory(prefix="kannel-bench-") as folder,
        closing(Centre(delivers=True)) as centre,
        closing(CountingServer(_OK)) as back_end,
    ):
        boxes = Boxes.on_smpp(Path(folder), centre.port, doors or back_end.port, SECRET)
        _without_spool(Path(folder) / "kannel.conf")
        try:
            boxes.start()
            centre.until(lambda: centre.bound("carrier"))
            yield Gateway(boxes, centre, back_end)
        finally:
            boxes.stop()


def _without_spool(config: Path) -> None:
    """Configure Kannel at its fastest: without spools and logs."""
    dropped = ("store-type", "store-location", "dlr-storage", "dlr-spool")
    lines = [
        "log-level = 4" if line.startswith("log-level") else line
        for line in config.read_text().splitlines()
        if not line.startswith(dropped)
    ]
    config.write_text("\n".join(lines))


def answered(gateway: Gateway, count: int) -> float:
    """CPU seconds of so many keyword texts, requests to the back end and replies."""
    gateway.centre.begin()
    senders = (Address(number(index).removeprefix("+")) for index in range(count))
    texts = [Text(sender, Address("7500", ton=0), b"CXDXHZ") for sender in senders]
    before = gateway.cpu()
    gateway.centre.flood(texts, "carrier", _WINDOW)
    gateway.centre.texts(count, 60)
    return gateway.cpu() - before


def sent(gateway: Gateway, count: int) -> float:
    """CPU seconds of so many sends, each with its delivery report and HTTP callback."""
    back_end = gateway.back_end
    back_end.taken = 0
    requests = [_send(back_end.port, index) for index in range(count)]
    before = gateway.cpu()
    drive(requests, int(gateway.boxes.url.rpartition(":")[2]))
    until(lambda: back_end.taken >= count, 60, f"callbacks came: {back_end.taken}")
    return gateway.cpu() - before


def _send(back_end_port: int, index: int) -> bytes:
    callback = f"http://127.0.0.1:{back_end_port}/report?id={index}&type=%d"
    query = urlencode({
        "username": "receipts", "password": PASSWORD, "from": "7500",
        "to": number(index), "text": "delivered", "dlr-mask": "1", "dlr-url": callback,
    })  # fmt: skip
    return f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
