"""The product as operators run it, in a folder of its own: two door processes, local store."""

import datetime as dt
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.store.codec import encode_record
from receipts.store.keys import KeySchema
from statemachines.subscription import SubscriptionState
from tests.bench.cost import cpu, family
from tests.support.product import Service, free_port, surroundings

SHARDS = 16
ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://sms.example.org"
FEED, SECRET = "from-the-centre-alone", "from-kannel-alone"
OPENED = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)


def subscriber(place: int, mode: DisplayMode = DisplayMode.FLASH) -> Subscription:
    """Somebody in Guangdong who opened long ago, and has no history."""
    return Subscription(
        number(place), version=1, state=SubscriptionState.ACTIVE, mode=mode,
        language=Language.ZH, opened_at=OPENED, channel=Channel.TEXT, tariff="GD-1",
        charged_from=OPENED,
    )  # fmt: skip


def number(place: int) -> Msisdn:
    """The number of a customer; the first hundred thousand are all in Guangdong by prefix."""
    return Msisdn(f"+861380{2_800_000 + place:07}" if place < 100_000 else f"+86138{place:08}")


class Product(Service):
    """Doors and store, running; a worker when asked for."""

    #: How many of the trips that ``trips`` tells were its own, since it was last asked.
    seeing = 1

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder, port=free_port())
        self.settings = surroundings(
            DATA_DIR=str(folder), PORT=str(self.port), PUBLIC_URL=PUBLIC_URL, SHARDS=str(SHARDS),
            TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN, TWILIO_FROM="7500",
            KANNEL_URL="http://127.0.0.1:9", KANNEL_USER="receipts", KANNEL_PASSWORD="k",
            KANNEL_SECRET=SECRET, FEED_SECRET=FEED,
        ) | more  # fmt: skip

    def open(self) -> None:
        """Doors that answer."""
        self.start("doors")
        self.store = redis.Redis(unix_socket_path=str(self.folder / "store" / "valkey.sock"))
        self.store_pid = int(self.store.info("server")["process_id"])

    def fill(self, customers: Iterable[Subscription]) -> None:
        """Put customers into the store; it does not wait for the disk meanwhile."""
        keys = KeySchema(SHARDS)
        self.store.config_set("appendfsync", "no")
        pipe = self.store.pipeline(transaction=False)
        for held, customer in enumerate(customers):
            pipe.set(keys.subscription(customer.number), encode_record(customer, customer.version))
            if held % 5000 == 0:
                pipe.execute()
        pipe.execute()
        self.store.config_set("appendfsync", "always")

    def cpu_of_doors(self) -> float:
        return cpu(family(self.pid("doors")) - {self.store_pid})

    def cpu_of_store(self) -> float:
        return cpu({self.store_pid})

    def trips(self) -> int:
        """Times the store has read from a connection: for small questions, round trips."""
        return int(self.store.info("stats")["total_reads_processed"])

    def waiting(self) -> int:
        """How many receipts wait in the outbox or are in a worker's hands."""
        keys = KeySchema(SHARDS)
        return sum(int(self.store.xlen(keys.outbox(shard))) for shard in range(SHARDS))

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> float:
        """End everything."""
        if hasattr(self, "store"):
            self.store.close()  # the store would wait for its last client
        return super().stop(how, seconds)


@contextmanager
def product(**more: str) -> Iterator[Product]:
    """The product with an empty store, its doors open."""
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
        running = Product(Path(folder) / "var", **more)
        try:
            running.open()
            yield running
        finally:
            running.stop()
