"""Double of a provider, and a bench that moves receipts through their life one step at a time."""

import datetime as dt
from collections import deque
from collections.abc import Mapping

from msgspec.structs import replace

from app import bootstrap
from app.storage.clients import StoreClients
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import month_of
from receipts.model.charge import Charge
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry, Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import Capabilities, FoundMessage, OutboundMessage, ProviderStatus
from receipts.ports.store import Store
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.dispatcher import Dispatcher
from receipts.worker.rate_limit import RateLimit
from receipts.worker.timers import TimerService
from tests.conftest import TestClock

ANNA = Msisdn("+8613802880000")
FRIEND = Msisdn("+8613957112345")


class ProviderDouble:
    """Double of the provider port; ``ends`` and ``finds`` script its next answers."""

    def __init__(self, name: str, *, flash: bool, lookup: bool) -> None:
        self.name = name
        self.capabilities = Capabilities(flash=flash, reports=True, lookup=lookup)
        self.ends: deque[Exception | str] = deque()
        self.finds: deque[Exception | str | None] = deque()
        #: Status of the messages that look-ups find.
        self.found_as: tuple[ProviderStatus, str] = (ProviderStatus.UNDERWAY, "sent")
        self.sent: list[OutboundMessage] = []
        self.sought: list[frozenset[str]] = []

    def send(self, parcel: OutboundMessage) -> str:
        self.sent.append(parcel)
        return _answer(self.ends.popleft() if self.ends else f"{self.name}-{len(self.sent)}") or ""

    def find(
        self, parcel: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        del parcel, since
        self.sought.append(known)
        found = _answer(self.finds.popleft() if self.finds else None)
        return FoundMessage(found, *self.found_as) if found else None


def _answer(scripted: Exception | str | None) -> str | None:
    if isinstance(scripted, Exception):
        raise scripted
    return scripted


def mark_sending(delivery: ReceiptLifecycle, receipt: Receipt, entry: OutboxEntry) -> ChangeSet:
    """Mark a receipt as being sent by its cheapest provider, or finish it."""
    state = delivery.send_or_skip(receipt, entry)
    if isinstance(state, ChangeSet):
        return state
    route = delivery.router.choose(receipt)
    assert route is not None
    return delivery.mark_sending(receipt, route, state)


class Desk:
    """Moves receipts step by step on the real store, as a worker does."""

    def __init__(
        self, store: RedisStore, outbox: RedisOutbox, delivery: ReceiptLifecycle, clock: TestClock
    ) -> None:
        self.store, self.outbox, self.delivery, self.clock = store, outbox, delivery, clock
        self.count = 0

    def post(self, **given: object) -> Receipt:
        """Put a receipt of ten fen into the outbox; return it."""
        self.count += 1
        receipt_id = self.store.receipt_id(ANNA, f"{self.count:x}")
        receipt = Receipt(
            receipt_id, ANNA, "您的短信已送达", DisplayMode.TEXT, Language.ZH, self.clock.now(),
            version=1, message_id=f"SM{self.count}", recipient=FRIEND, tariff="SX-1", price_fen=10,
        )  # fmt: skip
        receipt = replace(receipt, **given)
        self.settle(ChangeSet(ANNA, records=(receipt,), outbox=(receipt.id,)))
        return receipt

    def settle(self, change: ChangeSet) -> None:
        assert self.store.commit(change).status is CommitStatus.COMMITTED

    def now(self, receipt: Receipt) -> Receipt:
        (found,) = self.store.receipts([receipt.id])
        assert found is not None
        return found

    def take(self) -> OutboxEntry:
        (entry,) = self.outbox.fetch("desk", 16, 0)
        return entry

    def begin(self, receipt: Receipt) -> OutboxEntry:
        """Take a receipt out of the outbox and save it as being sent."""
        entry = self.take()
        self.settle(mark_sending(self.delivery, self.now(receipt), entry))
        return entry

    def timers(self) -> list[Timer]:
        return self.outbox.due_timers(dt.datetime(2999, 1, 1, tzinfo=dt.UTC), 50)

    def in_outbox(self) -> list[OutboxEntry]:
        """Return the entries that a worker could fetch or reclaim."""
        fresh = self.outbox.fetch("look", 1600, 0)
        return fresh or self.outbox.reclaim("look", 0, 1600)

    def charges(self) -> list[Charge]:
        return self.store.charges_of(ANNA, [month_of(self.clock.now())])


def dispatching(
    name: str,
    memory: StoreClients,
    delivery: ReceiptLifecycle,
    clock: Clock,
    paces: Mapping[str, RateLimit] | None = None,
) -> Dispatcher:
    limiter = memory.rate_limiter
    breakers = CircuitBreakers(limiter, delivery.router.names, delivery.rules, clock)
    return Dispatcher(
        name, memory.store, memory.outbox, limiter, breakers, delivery, clock, paces or {}
    )


def timing(
    built: bootstrap.Container, delivery: ReceiptLifecycle, store: Store | None = None
) -> TimerService:
    """The timers of a container with another lifecycle and, where given, another store."""
    outbox, reports = built.clients.outbox, built.report_service
    about = (outbox, built.policy, delivery, reports, built.clock, built.personal_data)
    return TimerService(store or built.store, *about, built.relay_reports)
