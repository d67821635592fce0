"""A small message centre that speaks SMPP, remembers every PDU, and answers as it is told."""

import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tests.support import smpp
from tests.support.smpp import Address, Command, Pdu, Status, Text

_Found = TypeVar("_Found")

_BINDS = {Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER}


@dataclass(frozen=True)
class Submitted:
    """One submit_sm: over which link it came, and how it was answered (None: not at all)."""

    text: Text
    link: str
    id: str
    status: int | None


@dataclass
class _Link:
    """One connection; ``name`` is the system id it bound with, if it has."""

    connection: socket.socket
    name: str = ""
    hears: bool = False
    sends: threading.Lock = field(default_factory=threading.Lock)

    def send(self, pdu: Pdu) -> None:
        with self.sends:
            self.connection.sendall(pdu.octets())


class Centre:
    """Listens on loopback. ``refusals`` answer the next texts; while ``holding`` none is.

    While ``away`` nobody can bind.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.submitted: list[Submitted] = []
        self.pdus: list[tuple[str, Pdu]] = []
        self.refusals: deque[Status] = deque()
        self.holding = self.away = False
        self._links: list[_Link] = []
        self._changed = threading.Condition()
        self._ids = itertools.count(1_000_000_007)
        self._sequences = itertools.count(1)
        threading.Thread(target=self._listen, daemon=True).start()

    # -- what tests ask of it ----------------------------------------------------------------

    def begin(self) -> None:
        """Forget what was; links stay."""
        with self._changed:
            self.submitted, self.pdus, self.holding = [], [], False
            self.refusals.clear()

    def until(self, look: Callable[[], _Found], seconds: float = 20.0) -> _Found:
        """What ``look`` finds, looked at again whenever something has arrived."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := look()):
                left = deadline - time.monotonic()
                assert left > 0, f"waited in vain; texts so far: {self.submitted}"
                self._changed.wait(min(left, 0.1))
        return found

    def texts(self, count: int = 1, seconds: float = 20.0) -> list[Submitted]:
        """At least so many texts of ours, in order."""
        return self.until(
            lambda: self.submitted[:] if len(self.submitted) >= count else [], seconds
        )

    def bound(self, *names: str) -> bool:
        """Whether links of these names are up and can be talked to."""
        return set(names) <= {link.name for link in self._links if link.hears}

    def deliver(self, text: Text, link: str) -> None:
        """Hand a text or a delivery report to whoever is bound by this name."""
        number = next(self._sequences)
        held = next(held for held in self._links if held.name == link and held.hears)
        held.send(Pdu(Command.DELIVER_SM, number, 0, text.octets()))
        self.until(
            lambda: any(
                pdu.command == Command.DELIVER_SM | smpp.ANSWER and pdu.sequence == number
                for _, pdu in self.pdus
            )
        )

    def phone(self, sender: str, said: str, link: str, short_code: str = "7500") -> None:
        """A person texts the short code; Chinese travels in UCS-2, as phones send it."""
        ascii_only = said.isascii()
        message = said.encode() if ascii_only else said.encode("utf-16-be")
        coding = 0x00 if ascii_only else 0x08
        to = Address(short_code, ton=0)
        self.deliver(Text(Address(sender.removeprefix("+")), to, message, coding), link)

    def report(self, sent: Submitted, stat: str, *, spelt: str = "", err: str = "000") -> None:
        """Say what became of a text; ``spelt`` is its id in another form than it was given."""
        word = (
            f"id:{spelt or sent.id} sub:001 dlvrd:{int(stat == 'DELIVRD'):03} "
            f"submit date:2611221200 done date:2611221201 stat:{stat} err:{err} text:"
        )
        # The phone reports to whoever wrote to it.
        phone, us = sent.text.destination, sent.text.source
        text = Text(phone, us, word.encode(), esm_class=smpp.DELIVERY_REPORT)
        self.deliver(text, sent.link)

    def leave(self) -> None:
        """Hang up on everybody, and be away."""
        self.away = True
        for link in self._links[:]:
            link.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and hang up."""
        self._listener.close()
        self.leave()

    # -- how it answers ----------------------------------------------------------------------

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
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
                link.hears = pdu.command != Command.BIND_TRANSMITTER
            self.pdus.append((link.name, pdu))
            self._changed.notify_all()
        if pdu.command == Command.SUBMIT_SM:
            self._submit(link, pdu)
        elif pdu.command in _BINDS:
            link.send(pdu.answer(body=b"centre\0"))
        elif pdu.command in {Command.ENQUIRE_LINK, Command.UNBIND}:
            link.send(pdu.answer())

    def _submit(self, link: _Link, pdu: Pdu) -> None:
        with self._changed:
            sent = Submitted(Text.read(pdu.body), link.name, str(next(self._ids)), None)
            status = self.refusals.popleft() if self.refusals else Status.OK
            if not self.holding:
                sent = replace(sent, status=status)
            self.submitted.append(sent)
            self._changed.notify_all()
        if sent.status is Status.OK:
            link.send(pdu.answer(body=sent.id.encode() + b"\0"))
        elif sent.status is not None:
            link.send(pdu.answer(sent.status))
