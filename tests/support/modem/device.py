"""A modem behind a pseudo-terminal: answers AT commands, keeps each text, delivers and reports."""

import datetime as dt
import itertools
import os
import re
import select
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.support.modem import pdu
from tests.support.modem.pdu import Submit
from tests.support.product import PATIENCE_SECONDS

_Found = TypeVar("_Found")

_CTRL_Z = b"\x1a"

#: Seconds after which the network delivers a text or a report again that was not acknowledged.
_REPEAT_SECONDS = 5.0

#: The line that ends an idle wait of Kannel, and the silence before it: it must not meet a command.
_HINT, _HINT_SECONDS = "+CPIN: READY", 0.3

#: Answers in front of the final OK.
_ANSWERS = {
    'AT+CPMS="SM"': "+CPMS: 0,10,0,10,0,10",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CSMS=?": "+CSMS: (0,1)",
    "AT+CSMS=1": "+CSMS: 1,1,1",
    "ATI": "EMULATED MODEM",
}
_ACCEPTED = re.compile(r"AT(|Z|&F|E0|H0|\+IFC=2,2|\+CMGF=0|\+CNMI=[\d,]+|\+CMEE=\d|\+CNMA)")

#: Texts that the SIM has room for.
_SIM_TEXTS = 10


@dataclass(frozen=True)
class Sent:
    """A text that the modem took, with the reference that its report bears."""

    reference: int
    submit: Submit
    at: float = field(default_factory=time.monotonic)


class Modem:
    """One modem with its SIM; ``path`` is a link to its terminal, as udev makes it.

    ``refusals`` are CMS errors for the next texts. ``early`` is called with each text before its
    acknowledgement, and what it returns is delivered before it. While ``silent`` no command is
    answered. ``hurry`` ends Kannel's idle waits, which are of a second or two between two texts,
    by a line that modems send when their SIM is ready. ``plain_pin`` leaves out the OK after the
    state of the PIN: only then Kannel finds phase 2+, and acknowledges each delivery.
    """

    def __init__(self, path: Path, *, hurry: bool = True, plain_pin: bool = False) -> None:
        self.path, self._hurry, self._plain_pin = path, hurry, plain_pin
        self.sent: list[Sent] = []
        self.commands: list[str] = []
        self.refusals: deque[int] = deque()
        self.early: Callable[[Sent], Iterable[bytes]] = lambda _: ()
        self.silent = self.cut_before_ack = False
        self.reference = 0
        self.sim: dict[int, bytes] = {}
        self._parts = itertools.count(1)
        self._waiting: deque[bytes] = deque()
        self._unacknowledged: tuple[bytes, float] | None = None
        self._phase_2_plus = self._echo = self.ready = self._keeps = False
        self._buffer, self._length = b"", 0
        self._changed = threading.Condition(threading.RLock())
        self._master = self._slave = -1
        self._spoke = 0.0
        self.plug()

    def plug(self) -> None:
        """Connect to the machine: a new terminal behind the same path."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._buffer, self._length = b"", 0
        self._echo, self._phase_2_plus, self.ready = True, False, False
        self._unacknowledged = None
        new = self.path.with_suffix(".new")
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self.path)
        self._thread = threading.Thread(target=self._serve, args=(self._master,), daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Pull it out: the terminal is gone, the SIM keeps its counter."""
        with self._changed:
            master, self._master = self._master, -1
            self.path.unlink(missing_ok=True)
        if self._thread is not threading.current_thread():
            self._thread.join()
        for each in (master, self._slave):
            os.close(each)

    def phone(self, sender: str, said: str) -> None:
        """A phone texts the number of the SIM."""
        self.deliver(self.from_phone(sender, said))

    def from_phone(self, sender: str, said: str) -> list[bytes]:
        """The parts of a text of a phone, for ``deliver`` and ``early``."""
        parts = pdu.deliver(sender, said, _now(), next(self._parts))
        return [b"CMT: ," + each for each in parts]

    def report(self, sent: Sent, status: int = 0) -> None:
        """Report on a text: 0 delivered, 0x46 validity period expired."""
        self.deliver([report_of(sent, status)])

    def deliver(self, deliveries: Iterable[bytes]) -> None:
        with self._changed:
            self._waiting.extend(deliveries)

    @property
    def plugged_in(self) -> bool:
        return self._master >= 0

    def begin(self) -> None:
        """Forget the texts of earlier tests; the SIM keeps its counter."""
        with self._changed:
            self.sent, self.commands, self.early = [], [], lambda _: ()
            self._waiting.clear()
            self.refusals.clear()

    def whole_texts(self, count: int = 1) -> list[Submit]:
        """Return the texts so far with their parts put together, at least so many."""
        return self.until(
            lambda: (
                found
                if len(found := pdu.joined(each.submit for each in self.sent)) >= count
                else []
            )
        )

    @property
    def delivered(self) -> bool:
        """Whether all texts and reports have been acknowledged."""
        return not self._waiting and not self.sim and self._unacknowledged is None

    def until(self, check: Callable[[], _Found], seconds: float = PATIENCE_SECONDS) -> _Found:
        """Return the first true result of a check, repeated after each text."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := check()):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds:g} s; {self.commands[-5:]}, {self.sent[-5:]}"
                self._changed.wait(min(left, 0.1))
        return found

    def texts(self, count: int = 1, seconds: float = PATIENCE_SECONDS) -> list[Sent]:
        """Return the texts so far, at least so many, in order."""
        return self.until(lambda: self.sent[:] if len(self.sent) >= count else [], seconds)

    def _serve(self, master: int) -> None:
        with suppress(OSError):
            while self._master == master:
                ready, _, _ = select.select([master], [], [], 0.005)
                if ready:
                    self._buffer += os.read(master, 4096)
                with self._changed:
                    while not self.silent and self._master == master and self._step():
                        self._changed.notify_all()
                    if not self.silent and self._master == master and not self._length:
                        self._deliver_next()

    def _step(self) -> bool:
        """Take one command or one PDU from the buffer."""
        if self._length and b"\r" in self._buffer.partition(_CTRL_Z)[0]:
            self._length = 0  # a new command: the PDU was given up
        end = _CTRL_Z if self._length else b"\r"
        taken, found, rest = self._buffer.partition(end)
        if not found:
            return False
        self._buffer = rest
        if self._length:
            self._submit(taken.decode("ascii", "replace"))
        else:
            self._command(taken.decode("ascii", "replace").strip())
        return True

    def _command(self, command: str) -> None:
        self.commands.append(command)
        if self._echo:
            self._write(f"{command}\r")
        if command.startswith("AT+CMGS="):
            self._length = int(command.removeprefix("AT+CMGS="))
            self._write("\r\n> ")
            return
        self._echo = self._echo and command != "ATE0"
        self._phase_2_plus = self._phase_2_plus or command == "AT+CSMS=1"
        if command.startswith("AT+CNMI="):
            self.ready, self._keeps = True, command.split(",")[1] == "1"
        if command == "AT+CNMA":
            self._unacknowledged = None
        for answer in self._answers(command):
            self._say(answer)

    def _answers(self, command: str) -> list[str]:
        """The lines of an answer."""
        storage, place = f'"SM",{len(self.sim)},{_SIM_TEXTS}', command[len("AT+CMGR=") :]
        if command == "AT+CPIN?" and self._plain_pin:
            return [_ANSWERS[command]]
        if command == "AT+CPMS?":
            return ["+CPMS: " + ",".join([storage] * 3), "OK"]
        if command.startswith("AT+CMGR=") and (octets := self.sim.get(int(place))):
            return [f"+CMGR: 0,,{_counted(octets)}\r\n{octets.hex().upper()}", "OK"]
        if command.startswith("AT+CMGD="):
            self.sim.pop(int(place), None)
            return ["OK"]
        if answer := _ANSWERS.get(command):
            return [answer, "OK"]
        return ["OK" if _ACCEPTED.fullmatch(command) else "ERROR"]

    def _submit(self, text: str) -> None:
        length, self._length = self._length, 0
        try:
            octets = pdu.after_centre(bytes.fromhex(text))
            submit = Submit.read(octets)
        except ValueError:
            octets = b""
        if len(octets) != length:
            self._say("+CMS ERROR: 304")  # invalid PDU
            return
        if self.refusals:
            self._say(f"+CMS ERROR: {self.refusals.popleft()}")
            return
        sent = Sent(self.reference, submit)
        self.reference = (self.reference + 1) % 256
        self.sent.append(sent)
        early = list(self.early(sent))
        for each in early:
            self._next(each)
        if self.cut_before_ack:
            self.cut_before_ack = False
            self.unplug()
            return
        hint = f"\r\n{_HINT}\r\n" * (self._hurry and not early)
        self._write(f"\r\n+CMGS: {sent.reference}\r\n\r\nOK\r\n{hint}")

    def _deliver_next(self) -> None:
        """Deliver what waits, one after the other; then hint to an idle Kannel."""
        now = time.monotonic()
        if self._unacknowledged:
            delivery, since = self._unacknowledged
            if now - since < _REPEAT_SECONDS:
                return
            self._waiting.appendleft(delivery)
        if self._waiting and self.ready:
            self._next(self._waiting.popleft())
        elif self._hurry and self.ready and now - self._spoke > _HINT_SECONDS:
            self._say(_HINT)

    def _next(self, delivery: bytes) -> None:
        """Keep a text in the SIM where that was asked for; hand over all else."""
        if not (self._keeps and delivery.startswith(b"CMT")):
            self._hand_over(delivery)
        elif len(self.sim) == _SIM_TEXTS:
            self._waiting.appendleft(delivery)  # the network tries again later
        else:
            place = min(set(range(1, _SIM_TEXTS + 1)) - self.sim.keys())
            self.sim[place] = delivery[6:]
            self._say(f'+CMTI: "SM",{place}')

    def _hand_over(self, delivery: bytes) -> None:
        head, octets = delivery[:6], delivery[6:]
        self._write(f"\r\n+{head.decode()}{_counted(octets)}\r\n{octets.hex().upper()}\r\n")
        self._unacknowledged = (delivery, time.monotonic()) if self._phase_2_plus else None

    def _say(self, line: str) -> None:
        self._write(f"\r\n{line}\r\n")

    def _write(self, text: str) -> None:
        self._spoke = time.monotonic()
        os.write(self._master, text.encode())


def _counted(octets: bytes) -> int:
    return len(pdu.after_centre(octets))


def report_of(sent: Sent, status: int = 0) -> bytes:
    """A report on a text, for ``Modem.deliver`` and ``Modem.early``."""
    return b"CDS:  " + pdu.status_report(sent.reference, sent.submit.to, status, _now())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
