"""The whole service in real processes, its network or its Kannel, and what a drill does to them."""

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from app import bootstrap
from app.settings import Settings
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn, Network
from receipts.ports.changes import ChangeSet
from statemachines.subscription import SubscriptionState
from tests.drills import proxy
from tests.drills.plan import Customer
from tests.support.kannel import Boxes
from tests.support.product import Running, answers, kill, until, write_book
from tests.support.redis_nodes import Cluster, Node
from tests.support.smpp import DELIVERY_REPORT, Command, Pdu, Status, Text
from tests.support.smsc import Centre, Submitted

#: What smsbox writes into its log when it is asked to send something.
_ASKED = re.compile(r"sendsms sender:\S+ \(\S+\) to:<(\S+)> msg:<(.*)>$")

WORKERS = ("worker-1", "worker-2")

#: The shipped rule book but for its waits: what may take an hour takes seconds here.
QUICK = {
    "max_attempts": "40",
    "delays_seconds": "[1, 1, 2, 2]",
    "look_after_seconds": "[1, 3, 5]",
    "probe_after_seconds": "[1, 2, 3]",
    # Each receipt goes alone: so it is known again by the friend it names.
    "digest_seconds": "0",
}


class Line(Centre):
    """A carrier's message centre that says of every text that it arrived."""

    def __init__(self) -> None:
        self.at: list[float] = []
        super().__init__()

    def _submit(self, link, pdu: Pdu) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super()._submit(link, pdu)
        with self._changed:
            sent = self.submitted[-1]
            self.at.append(time.time())
            self.pdus.clear()
        if sent.status == Status.OK:
            link.send(Pdu(Command.DELIVER_SM, next(self._sequences), 0, _arrived(sent).octets()))


def _arrived(sent: Submitted) -> Text:
    word = (
        f"id:{sent.id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 "
        f"stat:DELIVRD err:000 text:"
    )
    phone, us = sent.text.destination, sent.text.source
    return Text(phone, us, word.encode(), esm_class=DELIVERY_REPORT)


@dataclass(frozen=True)
class Took:
    """One text that a provider took, in its own words."""

    to: str
    body: str
    at: float


@dataclass
class Rig(Running):
    """Doors, two workers, and who carries: the simulated network, or a real Kannel and a centre.

    ``store``: ``embedded``, ``server`` or ``cluster``. Every wire can be cut.
    """

    store: str = "embedded"
    kannel: bool = False
    #: The store's folder lies on a file system of its own, of this size.
    small_disk: str = ""
    wires: dict[str, proxy.Wire] = field(default_factory=dict)
    nodes: Cluster | None = None
    server: Node | None = None
    boxes: Boxes | None = None
    centre: Line | None = None
    _mounted: list[Path] = field(default_factory=list)

    def up(self) -> None:
        """All of it answers."""
        self.folder.mkdir(parents=True)
        self.wires = {"doors": proxy.Wire(self.port), "provider": proxy.Wire(self.port + 1)}
        more = dict(self.more) | {"RULE_BOOK": str(write_book(self.folder, QUICK))}
        if self.kannel:
            more |= self._kannel_up()
        else:
            provider = self.wires["provider"].url
            more |= {"TWILIO_API_URL": provider, "KANNEL_URL": provider}
        self.more = more
        self._store_up()
        for name in ("network", "doors", *WORKERS):
            self.begin(name)
        self.ready()

    def _kannel_up(self) -> dict[str, str]:
        self.centre = Line()
        secret = "from-kannel-alone"
        self.boxes = Boxes(self.folder / "kannel", self.centre.port, self.port, secret)
        self.boxes.start()
        self.centre.until(lambda: self.centre is not None and self.centre.bound("carrier"))
        return {
            "KANNEL_URL": self.boxes.url, "KANNEL_USER": "receipts",
            "KANNEL_PASSWORD": "CHANGE-ME-sendsms", "KANNEL_SECRET": secret,
            "TEXT_PROVIDER": "kannel", "FLASH_PROVIDER": "kannel",
        }  # fmt: skip

    def _store_up(self) -> None:
        if self.small_disk:
            place = self.folder / "store"
            place.mkdir(mode=0o700)
            mounting = ["mount", "-t", "tmpfs", "-o", f"size={self.small_disk}", "tmpfs", place]
            subprocess.run(mounting, check=True)
            self._mounted.append(place)
        if self.store == "server":
            self.server = Node(self.folder / "server")
            self.server.start()
            for who in ("doors", "workers"):
                self.wires[f"store of {who}"] = proxy.Wire(self.server.port)
        elif self.store == "cluster":
            self.nodes = Cluster(self.folder / "cluster")
            self.nodes.start()

    @property
    def _url(self) -> str:
        """Where the store is, for one who is never cut off."""
        if self.nodes is not None:
            return self.nodes.url
        return self.server.url if self.server is not None else ""

    def environment_of(self, name: str) -> dict[str, str]:
        """The settings of one process."""
        if self.server is None:
            return self.settings | ({"REDIS_URL": self._url} if self._url else {})
        wire = self.wires["store of doors" if name == "doors" else "store of workers"]
        return self.settings | {"REDIS_URL": f"redis://127.0.0.1:{wire.port}/0"}

    def begin(self, *names: str) -> None:
        """Start processes; nobody waits for them."""
        commands = {"doors": ("serve", "--workers", "2"), "network": ("network",)}
        for name in names:
            self._run(name, self.environment_of(name), *commands.get(name, ("work",)))

    def ready(self, seconds: float = 60) -> None:
        """Doors and network answer."""
        until(lambda: answers(f"{self.doors}/readyz"), seconds, "the doors to answer")
        until(lambda: answers(f"{self.network}/healthz"), seconds, "the network to answer")

    def down(self) -> None:
        """End everything that was started, whatever state it is in."""
        if self.boxes is not None:
            for process in self.boxes.running.values():
                kill(process.pid, signal.SIGCONT)
            self.boxes.stop()
        self.kill_everything()
        if self.nodes is not None:
            self.nodes.stop()
        if self.server is not None:
            self.server.stop()
        if self.centre is not None:
            self.centre.close()
        for wire in self.wires.values():
            wire.close()
        self.gone(10)
        for place in self._mounted:
            subprocess.run(["umount", place], check=True)

    # -- what faults do ----------------------------------------------------------------------

    @contextmanager
    def stopped(self, *pids: int) -> Iterator[None]:
        """These processes hold still (SIGSTOP) while the block runs."""
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                kill(pid, signal.SIGCONT)

    @contextmanager
    def cut(self, mode: proxy.Mode, *wires: str) -> Iterator[None]:
        """These wires are cut while the block runs."""
        for wire in wires:
            self.wires[wire].be(mode)
        try:
            yield
        finally:
            for wire in wires:
                self.wires[wire].be(proxy.Mode.PASS)

    @contextmanager
    def full(self, place: Path) -> Iterator[None]:
        """The file system of a folder has no room left while the block runs."""
        ballast = place / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()

    def store_server(self) -> int:
        """The embedded store's server."""
        return until(lambda: self.find("valkey.sock"), 20, "the embedded server")[0]

    # -- what came of it ---------------------------------------------------------------------

    @contextmanager
    def behind(self) -> Iterator[bootstrap.Container]:
        """A look into the store, through a connection of one's own."""
        environ = self.settings | ({"REDIS_URL": self._url} if self._url else {})
        built = bootstrap.services(Settings.read(environ))
        try:
            yield built
        finally:
            built.clients.connection.client.close()
            built.clients.close()

    def enter(self, customers: list[Customer]) -> None:
        """The customers have the service, since before this month."""
        with self.behind() as built:
            since = built.clock.now().replace(year=built.clock.now().year - 1)
            for place, customer in enumerate(customers):
                built.store.commit(ChangeSet(Msisdn(customer.number), records=(Subscription(
                    Msisdn(customer.number), 1, SubscriptionState.ACTIVE,
                    DisplayMode.FLASH if customer.flash else DisplayMode.TEXT,
                    Language.EN if place % 5 == 0 else Language.ZH,
                    opened_at=since, charged_from=since, channel=Channel.TEXT,
                    province=customer.province, network=Network.CHINA_MOBILE, source="list",
                    tariff=f"{customer.province[3:]}-1",
                ),)))  # fmt: skip

    def took(self) -> list[Took]:
        """Everything that providers took, as they count it."""
        if self.centre is not None:
            with self.centre._changed:  # noqa: SLF001 - it counts on while we look
                held = list(zip(self.centre.submitted, self.centre.at, strict=False))
            return [
                Took(_e164(sent.text.destination.digits), sent.text.said, at)
                for sent, at in held
                if sent.status == Status.OK
            ]
        answer = requests.get(f"{self.network}/api/messages", timeout=60)
        answer.raise_for_status()
        return [Took(_e164(m["to"]), m["body"], m["created"]) for m in answer.json()["messages"]]

    def asked(self) -> Counter[tuple[str, str]]:
        """How often we asked a real Kannel to send a text, by its own log; empty without one."""
        found: Counter[tuple[str, str]] = Counter()
        if self.boxes is not None:
            log = (self.folder / "kannel" / "smsbox.log").open(errors="replace")
            with log:
                for line in log:
                    if said := _ASKED.search(line):
                        found[said[1], said[2]] += 1
        return found

    def trouble(self, kind: str, count: int = 0, seconds: float = 0) -> None:
        """The simulated providers fail; a count of 0 means until told otherwise."""
        for api in ("twilio", "kannel"):
            told = {"api": api, "kind": kind, "count": count, "seconds": seconds}
            requests.post(f"{self.network}/api/faults", json=told, timeout=10).raise_for_status()

    def tool(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """``sms-receipt`` on this store, in a terminal of its own."""
        more = {"REDIS_URL": self._url} if self._url else {}
        return self.command(*words, **more)


def _e164(number: str) -> str:
    return "+" + number.strip().lstrip("+").removeprefix("00")
