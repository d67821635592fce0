"""The product as operators run it, in a folder of its own: two web processes, local store."""

import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import redis

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.store.codec import encode_record
from receipts.store.keys import KeySchema
from statemachines.subscription import SubscriptionState
from tests.bench.local_store import OPENED, SHARDS, without_fsync
from tests.bench.processes import cpu, family
from tests.support.product import Service

ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://sms.example.org"
FEED, SECRET = "from-the-centre-alone", "from-kannel-alone"


def subscriber(index: int, mode: DisplayMode = DisplayMode.FLASH) -> Subscription:
    """A subscriber in Guangdong since March, without a history."""
    return Subscription(
        number(index), version=1, state=SubscriptionState.ACTIVE, mode=mode,
        language=Language.ZH, opened_at=OPENED, channel=Channel.TEXT, tariff="GD-1",
        charged_from=OPENED,
    )  # fmt: skip


def number(index: int) -> Msisdn:
    """The number of a customer; the first hundred thousand are in Guangdong by prefix."""
    return Msisdn(f"+861380{2_800_000 + index:07}" if index < 100_000 else f"+86138{index:08}")


class Product(Service):
    """Web processes and store; other commands by ``run``."""

    #: Round trips that one call of ``trips`` adds to its own count.
    seeing = 1

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder)
        self.more = {
            "PORT": str(self.port), "PUBLIC_URL": PUBLIC_URL, "SHARDS": str(SHARDS),
            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "7500",
            "KANNEL_URL": "http://127.0.0.1:9", "KANNEL_USER": "receipts", "KANNEL_PASSWORD": "k",
            "KANNEL_SECRET": SECRET, "FEED_SECRET": FEED, **more,
        }  # fmt: skip

    def environment_of(self, _: str) -> dict[str, str]:
        """The settings above for each process, not those of the demo."""
        return self.environ

    def open(self) -> None:
        """Start the web processes; return when they answer."""
        self.start("doors")
        self._connect()

    def _connect(self) -> None:
        self.store = redis.Redis(unix_socket_path=str(self.folder / "store" / "valkey.sock"))
        self.store_pid = int(self.store.info("server")["process_id"])

    def _disconnect(self) -> None:
        self.store.close()

    def fill(self, customers: Iterable[Subscription]) -> None:
        """Write subscriptions into the store."""
        keys = KeySchema(SHARDS)
        pipe = self.store.pipeline(transaction=False)
        with without_fsync(self.store):
            for index, record in enumerate(customers):
                pipe.set(keys.subscription(record.number), encode_record(record, record.version))
                if index % 5000 == 0:
                    pipe.execute()
            pipe.execute()

    def web_processes(self) -> set[int]:
        """The children of the web server."""
        server = self.pid("doors")
        return family(server) - {server, self.store_pid}

    def cpu_of_doors(self) -> float:
        return cpu({self.pid("doors"), *self.web_processes()})

    def cpu_of_store(self) -> float:
        return cpu({self.store_pid})

    def trips(self) -> int:
        """Reads from a connection by the store: for small requests, round trips."""
        return int(self.store.info("stats")["total_reads_processed"])

    def waiting(self) -> int:
        """The number of entries in the outbox, reserved ones included."""
        keys = KeySchema(SHARDS)
        return sum(int(self.store.xlen(keys.outbox(shard))) for shard in range(SHARDS))

    def close(self) -> None:
        """End all processes."""
        if hasattr(self, "store"):
            self._disconnect()  # a store that ends waits for its last client
        self.stop(signal.SIGTERM, 30)


@contextmanager
def product(**more: str) -> Iterator[Product]:
    """The product with an empty store, answering."""
    with (
        tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder,
        closing(Product(Path(folder) / "var", **more)) as running,
    ):
        running.open()
        yield running
