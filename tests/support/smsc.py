"""Double of a message centre (SMSC): speaks SMPP, keeps every text, answers as configured."""

import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from tests.support import smpp
from tests.support.product import PATIENCE_SECONDS
from tests.support.smpp import Address, Command, Pdu, Status, Text

_Found = TypeVar("_Found")

_BINDS = {Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER}


@dataclass(frozen=True)
class Submitted:
    """One submit_sm: its link, its time, and its answer (None while there is none)."""

    text: Text
    link: str
    id: str
    status: int | None
    at: float = field(default_factory=time.time)


@dataclass
class _Link:
    """One connection; ``name`` is the system id of its bind, ``pending`` lacks an answer."""

    connection: socket.socket
    name: str = ""
    receives: bool = False
    pending: set[int] = field(default_factory=set)
    _sends: threading.Lock = field(default_factory=threading.Lock)

    def send(self, pdu: Pdu) -> None:
        with self._sends:
            self.connection.sendall(pdu.octets())


class Centre:
    """Listens on loopback; ``delivers``: reports each text as delivered at once.

    ``refusals`` answer the next texts; while ``holding`` no text is answered, while ``away`` no
    bind succeeds.
    """

    def __init__(self, *, delivers: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.submitted: list[Submitted] = []
        self.refusals: deque[Status] = deque()
        self.holding = self.away = False
        self._delivers = delivers
        self._links: list[_Link] = []
        self._changed = threading.Condition()
        self._ids = itertools.count(1_000_000_007)
        self._sequences = itertools.count(1)
        threading.Thread(target=self._listen, daemon=True).start()

    def begin(self) -> None:
        """Forget all texts; links stay."""
        with self._changed:
            self.submitted, self.holding = [], False
            self.refusals.clear()

    def until(self, check: Callable[[], _Found], seconds: float = PATIENCE_SECONDS) -> _Found:
        """Return the first true result of a check, repeated after each arrival."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := check()):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds:g} s; texts so far: {self.submitted[-20:]}"
                self._changed.wait(min(left, 0.1))
        return found

    def taken(self) -> list[Submitted]:
        with self._changed:
            return self.submitted[:]

    def texts(self, count: int = 1, seconds: float = PATIENCE_SECONDS) -> list[Submitted]:
        """Return the texts so far, at least so many, in order."""
        return self.until(
            lambda: self.submitted[:] if len(self.submitted) >= count else [], seconds
        )

    def bound(self, *names: str) -> bool:
        """Return whether links of these names are bound to receive."""
        return set(names) <= {link.name for link in self._links if link.receives}

    def deliver(self, text: Text, link: str) -> None:
        """Deliver a text or a report over a link; return once it is answered."""
        self.flood([text], link)

    def flood(self, texts: Iterable[Text], link: str, window: int = 1) -> None:
        """Deliver texts, at most a window of them unanswered; return once all are answered."""
        to = next(each for each in self._links if each.name == link and each.receives)
        for text in texts:
            self.until(lambda: len(to.pending) < window)
            self._deliver(to, text)
        self.until(lambda: not to.pending)

    def _deliver(self, link: _Link, text: Text) -> None:
        number = next(self._sequences)
        with self._changed:
            link.pending.add(number)
        link.send(Pdu(Command.DELIVER_SM, number, 0, text.octets()))

    def phone(self, sender: str, said: str, link: str) -> None:
        """A customer texts the short code; Chinese travels in UCS-2, as phones send it."""
        message = said.encode() if said.isascii() else said.encode("utf-16-be")
        coding = 0x00 if said.isascii() else 0x08
        source, to = Address(sender.removeprefix("+")), Address("7500", ton=0)
        self.deliver(Text(source, to, message, coding), link)

    def report(self, sent: Submitted, stat: str, *, sent_id: str = "", err: str = "000") -> None:
        """Report on a text; ``sent_id`` is its id in another form."""
        self.deliver(_report(sent, stat, sent_id or sent.id, err), sent.link)

    def leave(self) -> None:
        self.away = True
        for link in self._links[:]:
            link.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.leave()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        link, stream = _Link(connection), smpp.Stream()
        self._links.append(link)
        with connection, suppress(OSError):
            while not self.away and (octets := connection.recv(65536)):
                for pdu in stream.feed(octets):
                    self._answer(link, pdu)
        with self._changed:
            self._links.remove(link)
            self._changed.notify_all()

    def _answer(self, link: _Link, pdu: Pdu) -> None:
        with self._changed:
            if pdu.command in _BINDS:
                link.name = smpp.login(pdu.body)
                link.receives = pdu.command != Command.BIND_TRANSMITTER
            elif pdu.command == Command.DELIVER_SM | smpp.ANSWER:
                link.pending.discard(pdu.sequence)
            self._changed.notify_all()
        if pdu.command == Command.SUBMIT_SM:
            self._submit(link, pdu)
        elif pdu.command in _BINDS:
            link.send(pdu.answer(body=b"centre\0"))
        elif pdu.command in {Command.ENQUIRE_LINK, Command.UNBIND}:
            link.send(pdu.answer())

    def _submit(self, link: _Link, pdu: Pdu) -> None:
        with self._changed:
            status = self.refusals.popleft() if self.refusals else Status.OK
            sent = Submitted(Text.read(pdu.body), link.name, str(next(self._ids)),
                             None if self.holding else status)  # fmt: skip
            self.submitted.append(sent)
            self._changed.notify_all()
        if sent.status is Status.OK:
            link.send(pdu.answer(body=sent.id.encode() + b"\0"))
            if self._delivers and sent.text.registered & 1:
                self._deliver(link, _report(sent, "DELIVRD", sent.id, "000"))
        elif sent.status is not None:
            link.send(pdu.answer(sent.status))


def _report(sent: Submitted, stat: str, sent_id: str, err: str) -> Text:
    report = (
        f"id:{sent_id} sub:001 dlvrd:{int(stat == 'DELIVRD'):03} "
        f"submit date:2611221200 done date:2611221201 stat:{stat} err:{err} text:"
    )
    # The phone reports to the sender of the text.
    phone, us = sent.text.destination, sent.text.source
    return Text(phone, us, report.encode(), esm_class=smpp.DELIVERY_REPORT)
