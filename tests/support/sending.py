"""A provider that does as it is told, and a desk where receipts are moved by hand."""

import datetime as dt
from collections import deque
from collections.abc import Mapping

from msgspec.structs import replace

from app import bootstrap
from receipts.delivery.lifecycle import Delivery
from receipts.model.calendar import month_of
from receipts.model.charge import Charge
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Mode, Msisdn
from receipts.ports.changes import Change, Posted, Timer, Verdict
from receipts.ports.clock import Clock
from receipts.ports.provider import Abilities, Parcel
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from receipts.worker.circuit_breaker import Watch
from receipts.worker.dispatcher import Dispatch
from receipts.worker.rate_limit import Pace
from tests.conftest import TestClock

ANNA = Msisdn("+8613802880000")
FRIEND = Msisdn("+8613957112345")


class Courier:
    """Carries texts; ``ends`` and ``finds`` say how its next answers end."""

    def __init__(self, name: str, *, flash: bool, lookup: bool) -> None:
        self.name = name
        self.abilities = Abilities(flash=flash, reports=True, lookup=lookup)
        self.ends: deque[Exception | str] = deque()
        self.finds: deque[Exception | str | None] = deque()
        self.sent: list[Parcel] = []
        self.sought: list[frozenset[str]] = []

    def send(self, parcel: Parcel) -> str:
        self.sent.append(parcel)
        return _end(self.ends.popleft() if self.ends else f"{self.name}-{len(self.sent)}") or ""

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        del parcel, since
        self.sought.append(known)
        return _end(self.finds.popleft() if self.finds else None)


def _end(end: Exception | str | None) -> str | None:
    if isinstance(end, Exception):
        raise end
    return end


class Desk:
    """Moves receipts step by step on the real store, as a worker would."""

    def __init__(
        self, store: RedisStore, outbox: RedisOutbox, delivery: Delivery, clock: TestClock
    ) -> None:
        self.store, self.outbox, self.delivery, self.clock = store, outbox, delivery, clock
        self.count = 0

    def post(self, **given: object) -> Receipt:
        """A receipt of the price of ten fen, waiting in the outbox."""
        self.count += 1
        receipt = replace(
            Receipt(
                self.store.receipt_id(ANNA, f"{self.count:x}"),
                ANNA,
                "您的短信已送达",
                Mode.TEXT,
                Language.ZH,
                self.clock.now(),
                version=1,
                message_id=f"SM{self.count}",
                friend=FRIEND,
                tariff="SX-1",
                price_fen=10,
            ),
            **given,
        )
        self.settle(Change(ANNA, records=(receipt,), post=(receipt.id,)))
        return receipt

    def settle(self, change: Change) -> None:
        assert self.store.commit(change).verdict is Verdict.DONE

    def now(self, receipt: Receipt) -> Receipt:
        """The receipt as it lies in the store."""
        (found,) = self.store.receipts([receipt.id])
        assert found is not None
        return found

    def take(self) -> Posted:
        (posted,) = self.outbox.take("desk", 16, 0)
        return posted

    def begin(self, receipt: Receipt) -> Posted:
        """Take it out of the outbox, on disk, before it is sent."""
        posted = self.take()
        self.settle(self.delivery.begin(self.now(receipt), posted))
        return posted

    def timers(self) -> list[Timer]:
        return self.outbox.due(dt.datetime(2999, 1, 1, tzinfo=dt.UTC), 50)

    def in_outbox(self) -> list[Posted]:
        """What anybody could still take or take over."""
        fresh = self.outbox.take("look", 1600, 0)
        return fresh or self.outbox.take_over("look", 0, 1600)

    def charges(self) -> list[Charge]:
        return self.store.charges_of(ANNA, [month_of(self.clock.now())])


def dispatching(
    name: str,
    memory: bootstrap.Memory,
    delivery: Delivery,
    clock: Clock,
    paces: Mapping[str, Pace] | None = None,
) -> Dispatch:
    """A worker's dispatch on the real store."""
    watch = Watch(memory.lines, delivery.routes.names, delivery.rules, clock)
    return Dispatch(
        name, memory.store, memory.outbox, memory.lines, watch, delivery, clock, paces or {}
    )
