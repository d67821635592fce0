"""Reference C: the real Kannel between a message centre and an HTTP back end, without a spool.

Only the CPU of Kannel's own processes counts. Centre and back end run in a thread of the bench.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.load import drive
from tests.bench.loop import HttpServer, LoopThread
from tests.bench.processes import cpu
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
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class KannelPeers(LoopThread):
    """A message centre, and a back end that answers every request."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted = self.called = 0
        self.link: _SmppLink | None = None
        self._ids, self._sequences = itertools.count(1_000_000_007), itertools.count(1)
        self.centre_port = self.listen(lambda: _SmppLink(self))
        self.back_end_port = self.listen(lambda: HttpServer(self._answer))

    def bring(self, count: int) -> None:
        """Deliver so many texts to 7500; return when as many answers were submitted."""
        self.submitted, done = 0, asyncio.run_coroutine_threadsafe(self._bring(count), self._loop)
        done.result(60)
        until(lambda: self.submitted >= count, 60, f"answers came back: {self.submitted}")

    async def _bring(self, count: int) -> None:
        assert self.link is not None
        for index in range(count):
            while self.link.under_way >= _WINDOW:  # noqa: ASYNC110 - polls the window
                await asyncio.sleep(0.001)
            sender = Address(number(index).removeprefix("+"))
            self.link.under_way += 1
            self._deliver(self.link, Text(sender, Address("7500", ton=0), b"CXDXHZ"))

    def _deliver(self, link: "_SmppLink", text: Text) -> None:
        link.send(Pdu(Command.DELIVER_SM, next(self._sequences), 0, text.octets()))

    def take(self, link: "_SmppLink", pdu: Pdu) -> None:
        """Accept a text for a phone; report it as delivered if a report is wanted."""
        text, message_id = Text.read(pdu.body), str(next(self._ids))
        link.send(pdu.answer(body=message_id.encode() + b"\0"))
        self.submitted += 1
        if text.registered & 1:
            body = _REPORT.format(id=message_id).encode()
            self._deliver(link, Text(text.destination, text.source, body,
                                     esm_class=smpp.DELIVERY_REPORT))  # fmt: skip

    def _answer(self, transport: asyncio.WriteTransport) -> None:
        self.called += 1
        transport.write(_OK)


class _SmppLink(asyncio.Protocol):
    """A connection of Kannel to the centre."""

    def __init__(self, peers: KannelPeers) -> None:
        self._peers, self._stream, self.under_way = peers, smpp.Stream(), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, pdu: Pdu) -> None:
        self._transport.write(pdu.octets())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        for pdu in self._stream.feed(data):
            if pdu.command == Command.SUBMIT_SM:
                self._peers.take(self, pdu)
            elif pdu.command == Command.DELIVER_SM | smpp.ANSWER:
                self.under_way -= 1
            elif pdu.command == Command.BIND_TRANSCEIVER:
                if smpp.login(pdu.body) == "carrier":
                    self._peers.link = self
                self.send(pdu.answer(body=b"centre\0"))
            elif not pdu.command & smpp.ANSWER:
                self.send(pdu.answer())


@contextmanager
def kannel() -> Iterator[tuple[Boxes, KannelPeers]]:
    """Kannel, bound to a centre; its calls go to a back end."""
    peers = KannelPeers()
    with tempfile.TemporaryDirectory(prefix="kannel-bench-") as folder:
        boxes = Boxes(Path(folder), peers.centre_port, peers.back_end_port, SECRET)
        _without_spool(Path(folder) / "kannel.conf")
        try:
            boxes.start()
            until(lambda: peers.link is not None, 20, "Kannel binds")
            yield boxes, peers
        finally:
            boxes.stop()
            peers.close()


def _without_spool(config: Path) -> None:
    """Configure Kannel at its fastest: without spools and logs."""
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


def answered(boxes: Boxes, peers: KannelPeers, count: int) -> float:
    """CPU seconds of so many keyword texts, requests to the back end and replies."""
    before = cpu_of(boxes)
    peers.bring(count)
    return cpu_of(boxes) - before


def sent(boxes: Boxes, peers: KannelPeers, count: int) -> float:
    """CPU seconds of so many sends, each with its delivery report and HTTP callback."""
    peers.called = 0
    requests = [_send(peers, index) for index in range(count)]
    before = cpu_of(boxes)
    drive(requests, int(boxes.url.rpartition(":")[2]))
    until(lambda: peers.called >= count, 60, f"callbacks came: {peers.called}")
    return cpu_of(boxes) - before


def _send(peers: KannelPeers, index: int) -> bytes:
    callback = f"http://127.0.0.1:{peers.back_end_port}/report?id={index}&type=%d"
    query = urlencode({
        "username": "receipts", "password": "CHANGE-ME-sendsms", "from": "7500",
        "to": number(index), "text": "delivered", "dlr-mask": "1", "dlr-url": callback,
    })  # fmt: skip
    return f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
