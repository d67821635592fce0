"""Reference C: the real Kannel between a message centre and an HTTP back end, nothing persisted.

Only Kannel's own processes are counted. Centre and back end are one asyncio loop in a thread of
the bench: they need not be fast, since what is measured is CPU and not the time it takes.
"""

import asyncio
import itertools
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.cost import cpu
from tests.bench.load import drive
from tests.bench.product import SECRET, number
from tests.support import smpp
from tests.support.kannel import Boxes
from tests.support.product import until
from tests.support.smpp import Address, Command, Pdu, Text

#: Texts under way at once between centre and gateway.
_WINDOW = 50

_REPORT = (
    "id:{id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 "
    "text:"
)


class Carrier:
    """A message centre and a back end that always answers, on loopback."""

    def __init__(self) -> None:
        self.submitted = self.called = 0
        self.reports = True
        self.link: _Link | None = None
        self._ids, self._sequences = itertools.count(1_000_000_007), itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.centre_port = self._listen(lambda: _Link(self))
        self.back_end_port = self._listen(lambda: _BackEnd(self))

    def _listen(self, protocol: "type[asyncio.Protocol] | object") -> int:
        made = self._loop.create_server(protocol, "127.0.0.1", 0)  # type: ignore[arg-type]
        server = asyncio.run_coroutine_threadsafe(made, self._loop).result(5)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def bring(self, count: int) -> None:
        """So many texts to 7500, and wait for as many answers."""
        self.submitted, done = 0, asyncio.run_coroutine_threadsafe(self._bring(count), self._loop)
        done.result(60)
        until(lambda: self.submitted >= count, 60, f"answers came back: {self.submitted}")

    async def _bring(self, count: int) -> None:
        assert self.link is not None
        for place in range(count):
            while self.link.under_way >= _WINDOW:  # noqa: ASYNC110 - a window, looked at often
                await asyncio.sleep(0.001)
            sender = Address(number(place).removeprefix("+"))
            text = Text(sender, Address("7500", ton=0), b"CXDXHZ")
            self.link.under_way += 1
            self.link.say(Pdu(Command.DELIVER_SM, next(self._sequences), 0, text.octets()))

    def take(self, link: "_Link", pdu: Pdu) -> None:
        """A text for a phone: taken, and if a report is wanted, delivered at once."""
        text, taken = Text.read(pdu.body), str(next(self._ids))
        link.say(pdu.answer(body=taken.encode() + b"\0"))
        self.submitted += 1
        if text.registered & 1:
            report = Text(
                text.destination, text.source, _REPORT.format(id=taken).encode(),
                esm_class=smpp.DELIVERY_REPORT,
            )  # fmt: skip
            link.say(Pdu(Command.DELIVER_SM, next(self._sequences), 0, report.octets()))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class _Link(asyncio.Protocol):
    def __init__(self, carrier: Carrier) -> None:
        self._carrier, self._stream, self.under_way = carrier, smpp.Stream(), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def say(self, pdu: Pdu) -> None:
        self._transport.write(pdu.octets())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        for pdu in self._stream.feed(data):
            if pdu.command == Command.SUBMIT_SM:
                self._carrier.take(self, pdu)
            elif pdu.command == Command.DELIVER_SM | smpp.ANSWER:
                self.under_way -= 1
            elif pdu.command == Command.BIND_TRANSCEIVER:
                if smpp.login(pdu.body) == "carrier":
                    self._carrier.link = self
                self.say(pdu.answer(body=b"centre\0"))
            elif not pdu.command & smpp.ANSWER:
                self.say(pdu.answer())


class _BackEnd(asyncio.Protocol):
    def __init__(self, carrier: Carrier) -> None:
        self._carrier, self._held = carrier, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        *whole, self._held = self._held.split(b"\r\n\r\n")
        for _ in whole:
            self._carrier.called += 1
            self._transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
            )


@contextmanager
def kannel(doors_port: int | None = None) -> Iterator[tuple[Boxes, Carrier]]:
    """Kannel, bound to a centre; its calls go to a back end, or to doors when told which."""
    carrier = Carrier()
    with tempfile.TemporaryDirectory(prefix="kannel-bench-") as folder:
        boxes = Boxes(
            Path(folder), carrier.centre_port, doors_port or carrier.back_end_port, SECRET
        )
        _only_in_memory(Path(folder) / "kannel.conf")
        try:
            boxes.start()
            until(lambda: carrier.link is not None, 20, "Kannel binds")
            yield boxes, carrier
        finally:
            boxes.stop()
            carrier.close()


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
    carrier.called = 0
    requests = [_send(carrier, place) for place in range(count)]
    before = cpu_of(boxes)
    drive(requests, int(boxes.url.rpartition(":")[2]))
    until(lambda: carrier.called >= count, 60, f"callbacks came: {carrier.called}")
    return cpu_of(boxes) - before


def _send(carrier: Carrier, place: int) -> bytes:
    about = f"http://127.0.0.1:{carrier.back_end_port}/report?id={place}&type=%d"
    asked = {
        "username": "receipts", "password": "CHANGE-ME-sendsms", "from": "7500",
        "to": number(place), "text": "delivered", "dlr-mask": "1", "dlr-url": about,
    }  # fmt: skip
    return f"GET /cgi-bin/sendsms?{urlencode(asked)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
