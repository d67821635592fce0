"""The store on the real server, with samples of its records."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import redis

from receipts.model.charge import AuditEntry, Charge, ChargeKind
from receipts.model.customer import CallLog, DailyReplyCount, Subscription
from receipts.model.message import IndexedText, MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.receipts.store.local_store import data_dir

__all__ = ["data_dir"]

NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
ANNA, FRIEND = Msisdn("+8613802880000"), Msisdn("+8613957112345")
HELLO = Reply((("hello", {"name": "您"}),), "zh", "/next")

Dump = Callable[[], dict[bytes, object]]
Due = Callable[..., Receipt]


def charge(ident: str = "monthly-2026-11", fen: int = 100, number: Msisdn = ANNA) -> Charge:
    return Charge(ident, number, ChargeKind.MONTHLY, fen, "2026-11", "opened", NOW, "GD-1")


def timer(kind: str = "lapse", at: dt.datetime | None = None) -> Timer:
    return Timer(kind, ANNA, "", at)


def everything(receipt: Receipt) -> ChangeSet:
    """A change with one of each part that a change may have."""
    number = receipt.number
    return ChangeSet(
        number,
        idempotency_key="sms:SM1",
        reply=HELLO,
        records=(
            Subscription(number, version=1),
            receipt,
            MessageTrace("SM9", number, FRIEND, version=1),
            DailyReplyCount(number, NOW.date(), version=1),
            CallLog("CA1", number, Language.ZH, version=1),
        ),
        charges=(charge(number=number),),
        audit=(AuditEntry(NOW, number, "text", "sms:SM1", "none", "active"),),
        outbox=(receipt.id,),
        indexed=(IndexedText(number, FRIEND, "SM9", NOW, NOW.date()),),
        timers=(timer("end", NOW),),
        cancelled_timers=(timer("lapse"),),
        counters=("underway",),
    )


@pytest.fixture
def keys() -> KeySchema:
    return KeySchema(16)


@pytest.fixture
def server(store_url: str, raw: "redis.Redis") -> Iterator[RedisConnection]:
    del raw
    with connected(store_url) as client:
        yield RedisConnection(client)


@pytest.fixture
def outbox(server: RedisConnection, keys: KeySchema) -> RedisOutbox:
    made = RedisOutbox(server, keys)
    made.open()
    return made


@pytest.fixture
def store(server: RedisConnection, keys: KeySchema, outbox: RedisOutbox) -> RedisStore:
    """The store with an opened outbox."""
    del outbox
    return RedisStore(server, keys)


@pytest.fixture
def dump(raw: "redis.Redis") -> Dump:
    """All keys of the server with value and expiry."""
    return lambda: {k: (raw.dump(k), raw.pexpiretime(k)) for k in raw.scan_iter(count=1000)}


@pytest.fixture
def due(store: RedisStore) -> Due:
    """Makes receipts that wait to be sent."""

    def make(number: Msisdn, seed: str = "1") -> Receipt:
        receipt_id, mode = store.receipt_id(number, seed), DisplayMode.TEXT
        return Receipt(receipt_id, number, "text", mode, Language.ZH, NOW, version=1)

    return make
