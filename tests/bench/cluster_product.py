"""The product on a server of its own, or on a cluster."""

import re
from collections.abc import Iterable
from pathlib import Path

import requests

from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.store.codec import decode_record, encode_record
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.sealed_text import TextSealer
from statemachines.receipt import ReceiptState
from tests.bench.events import number
from tests.bench.local_store import SHARDS, without_fsync
from tests.bench.processes import cpu
from tests.bench.product import Product
from tests.support.redis_nodes import Cluster, Node

_PASSCODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_KEY = "a-key-of-at-least-sixteen-characters"
_SEALER = TextSealer((_KEY,))


class ClusterProduct(Product):
    """The product on one server, or on a cluster of so many masters."""

    def __init__(self, folder: Path, masters: int, **more: str) -> None:
        self.masters = masters
        self._cluster = Cluster(folder / "cluster", masters) if masters > 1 else None
        self.nodes = self._cluster.nodes if self._cluster else [Node(folder / "server")]
        url = self._cluster.url if self._cluster else self.nodes[0].url
        super().__init__(folder / "var", REDIS_URL=url, SECRET_KEY=_KEY, **more)
        #: Session cookie of a customer in the portal.
        self.cookie = ""

    def open(self) -> None:
        (self._cluster or self.nodes[0]).start()
        super().open()

    def _connect(self) -> None:
        self.store = RedisConnection(connected(self.environ["REDIS_URL"]))
        self.store_pid = 0
        self.seeing, before = 0, self.trips()
        self.seeing = self.trips() - before

    def _disconnect(self) -> None:
        self.store.client.close()

    def fill(self, customers: Iterable[Subscription]) -> None:
        """Write subscriptions into the store."""
        keys = KeySchema(SHARDS)
        with without_fsync(*(node.client() for node in self.nodes)):
            self.store.execute(*(
                ("SET", keys.subscription(record.number), encode_record(record, record.version))
                for record in customers
            ))  # fmt: skip

    def cpu_of_store(self) -> float:
        """CPU seconds of all nodes, replicas included."""
        return cpu({node.pid for node in self.nodes})

    def trips(self) -> int:
        """Reads by masters, without those from their replicas."""
        total = 0
        for node in self.nodes:
            with node.client() as client:
                if client.info("replication")["role"] == "master":
                    acks = client.info("commandstats").get("cmdstat_replconf", {"calls": 0})
                    total += client.info("stats")["total_reads_processed"] - acks["calls"]
        return total

    def receipts(self, provider: str) -> list[Receipt]:
        """Receipts that a provider has taken and not yet reported on."""
        sent = ReceiptState.SENT
        return [r for r in self._receipts() if r.provider == provider and r.state is sent]

    def _receipts(self) -> list[Receipt]:
        pattern = KeySchema(SHARDS).receipt(0, "*").replace("{s0}", "{s*}")
        cursor, names = self.store.scan(0, pattern, 5000)
        while cursor:
            cursor, more = self.store.scan(cursor, pattern, 5000)
            names += more
        stored = [decode_record(Receipt, raw) for raw in self.store.values(names)]
        found = [_SEALER.open(receipt) for receipt in stored]
        return [receipt for receipt in found if receipt is not None]

    def sign_in(self) -> None:
        """Sign in to the portal, with the passcode from the outbox."""
        portal = f"http://127.0.0.1:{self.port}/hall"
        page = requests.get(f"{portal}/sign-in", timeout=10)
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        fields = dict(re.findall(r'name="(csrf_token|once)" value="([^"]+)"', page.text))

        def send(path: str, cookie: str, **more: str) -> str:
            answer = requests.post(
                f"{portal}/{path}", data=fields | more, headers={"Cookie": cookie}, timeout=10,
                allow_redirects=False,
            )  # fmt: skip
            assert answer.status_code == 303, answer.text[:500]
            return answer.headers["Set-Cookie"].partition(";")[0]

        cookie = send("code", cookie, number=number(0))
        (code,) = {found[0] for r in self._receipts() if (found := _PASSCODE.search(r.text))}
        self.cookie = send("enter", cookie, code=code)

    def close(self) -> None:
        super().close()
        # Every node, also where the product never started.
        for node in self.nodes:
            node.stop()
