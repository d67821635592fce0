"""The service in real processes, its simulated network or Kannel, and ways to break them."""

import datetime as dt
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn, Network
from receipts.ports.changes import ChangeSet
from statemachines.subscription import SubscriptionState
from tests.drills import proxy
from tests.drills.plan import Customer
from tests.support.kannel import PASSWORD, Boxes
from tests.support.phones import Phones
from tests.support.product import Service, kill, until
from tests.support.redis_nodes import Cluster, Node
from tests.support.rulebook import write_book
from tests.support.smpp import Status
from tests.support.smsc import Centre

WORKERS = ("worker-1", "worker-2")

#: Values of the shipped rule book that are replaced: waits of seconds, not of an hour.
QUICK = {
    "max_attempts": "40",
    "delays_seconds": "[1, 1, 2, 2]",
    "look_after_seconds": "[1, 3, 5]",
    "probe_after_seconds": "[1, 2, 3]",
    # Receipts are sent alone, since the recipient in each identifies it.
    "digest_seconds": "0",
}


@dataclass(frozen=True)
class ProviderText:
    """One text that a provider took, and the Unix time of it."""

    to: str
    body: str
    at: float


@dataclass
class Rig(Service):
    """Web processes, two workers, and the simulated network or a real Kannel with a centre.

    ``store``: ``embedded``, ``server`` or ``cluster``. Each proxy in ``wires`` can be cut.
    """

    store: str = "embedded"
    kannel: bool = False
    #: Size of a file system of its own for the store's folder.
    small_disk: str = ""
    wires: dict[str, proxy.Wire] = field(default_factory=dict)
    nodes: Cluster | None = None
    server: Node | None = None
    boxes: Boxes | None = None
    centre: Centre | None = None

    def up(self) -> None:
        """Start all processes; return when they answer."""
        self.folder.mkdir(parents=True)
        self.wires = {"doors": proxy.Wire(self.port), "provider": proxy.Wire(self.port + 1)}
        provider = self.wires["provider"].url
        book = {"RULE_BOOK": str(write_book(self.folder, QUICK))}
        simulated = {"TWILIO_API_URL": provider, "KANNEL_URL": provider}
        self.more = book | (self._kannel_up() if self.kannel else simulated) | self._store_up()
        self.start("network", "doors", *WORKERS)

    def _kannel_up(self) -> dict[str, str]:
        self.centre = Centre(delivers=True)
        secret = "from-kannel-alone"
        self.boxes = Boxes.on_smpp(self.folder / "kannel", self.centre.port, self.port, secret)
        self.boxes.start()
        self.centre.until(lambda: self.centre is not None and self.centre.bound("carrier"))
        return {
            "KANNEL_URL": self.boxes.url, "KANNEL_USER": "receipts",
            "KANNEL_PASSWORD": PASSWORD, "KANNEL_SECRET": secret,
            "TEXT_PROVIDER": "kannel", "FLASH_PROVIDER": "kannel",
        }  # fmt: skip

    def _store_up(self) -> dict[str, str]:
        """Setting of the store's address past the proxies; empty for the embedded store."""
        if self.small_disk:
            folder = self.folder / "store"
            folder.mkdir(mode=0o700)
            options = f"size={self.small_disk}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        if self.store == "server":
            self.server = Node(self.folder / "server")
            self.server.start()
            for client in ("doors", "workers"):
                self.wires[f"store of {client}"] = proxy.Wire(self.server.port)
        elif self.store == "cluster":
            self.nodes = Cluster(self.folder / "cluster")
            self.nodes.start()
        store = self.nodes or self.server
        return {"REDIS_URL": store.url} if store else {}

    def environment_of(self, name: str) -> dict[str, str]:
        """The settings of one process."""
        if self.server is None:
            return self.settings
        wire = self.wires["store of doors" if name == "doors" else "store of workers"]
        return self.settings | {"REDIS_URL": f"redis://127.0.0.1:{wire.port}/0"}

    def down(self) -> None:
        """End all processes, stopped ones too."""
        if self.boxes is not None:
            for process in self.boxes.running.values():
                kill(process.pid, signal.SIGCONT)
            self.boxes.stop()
        self.kill_everything()
        for store in filter(None, (self.nodes, self.server)):
            store.stop()
        for peer in filter(None, (self.centre, *self.wires.values())):
            peer.close()
        self.gone(10)
        if (folder := self.folder / "store").is_mount():
            subprocess.run(["umount", folder], check=True)

    # -- faults -----------------------------------------------------------------------------

    @contextmanager
    def cut(self, mode: proxy.Mode, *wires: str) -> Iterator[None]:
        """Cut proxies while the block runs."""
        for wire in wires:
            self.wires[wire].be(mode)
        try:
            yield
        finally:
            for wire in wires:
                self.wires[wire].be(proxy.Mode.PASS)

    def store_server(self) -> int:
        """Process id of the embedded server."""
        return until(lambda: self.find("valkey.sock"), 20, "the embedded server")[0]

    # -- outcome -----------------------------------------------------------------------------

    def enter(self, customers: list[Customer]) -> None:
        """Give customers a subscription that began a year ago."""
        with self.container() as services:
            now = services.clock.now()
            since = now - dt.timedelta(days=365)
            for index, customer in enumerate(customers):
                services.store.commit(ChangeSet(Msisdn(customer.number), records=(Subscription(
                    Msisdn(customer.number), 1, SubscriptionState.ACTIVE,
                    DisplayMode.FLASH if customer.flash else DisplayMode.TEXT,
                    Language.EN if index % 5 == 0 else Language.ZH,
                    opened_at=since, charged_from=since, channel=Channel.TEXT,
                    province=customer.province, network=Network.CHINA_MOBILE, source="list",
                    tariff=f"{customer.province[3:]}-1",
                ),)))  # fmt: skip

    def took(self) -> list[ProviderText]:
        """The texts that providers took, by their own lists."""
        if self.centre is not None:
            return [
                ProviderText(_e164(sent.text.destination.digits), sent.text.said, sent.at)
                for sent in self.centre.taken()
                if sent.status == Status.OK
            ]
        with Phones(self.network) as phones:
            found = phones.get("messages")["messages"]
        return [ProviderText(_e164(m["to"]), m["body"], m["created"]) for m in found]

    def trouble(self, kind: str, seconds: float = 0) -> None:
        """Let the simulated providers fail until the next call."""
        with Phones(self.network) as phones:
            for api in ("twilio", "kannel"):
                phones.trouble(api, kind, seconds=seconds)

    def move_clock(self, hours: float) -> None:
        """Move the service's clock forward."""
        moved = self.command("clock", f"+{hours * 60:.0f}m")
        assert moved.returncode == 0, moved.stderr


def _e164(number: str) -> str:
    return "+" + number.strip().lstrip("+").removeprefix("00")
