"""Plugs everything together: from settings to services, in one place."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from hall.pages import Hall
from hall.sights import Ledger as ShownLedger
from hall.sights import Sights
from hall.wishes import Wishes
from ivr.dialogue import Hotline
from ivr.dialogue import Ledger as SpokenLedger
from keywords.dialogue import Conversation
from keywords.grammar import Grammar
from keywords.replies import Replies
from keywords.telling import Ledger as WrittenLedger
from receipts.acquainted import Acquainted
from receipts.billing import Billing
from receipts.codes import Codes
from receipts.delivery import Delivery
from receipts.dispatch import Dispatch
from receipts.lists import Lists
from receipts.lookups import Lookups
from receipts.model import Charge, Kind, Msisdn
from receipts.months import month_of
from receipts.numbering import Numbering
from receipts.ports import Clock
from receipts.providers.null import NullProvider
from receipts.provinces import Retention, RuleBook, load_rule_book
from receipts.reports import Reports
from receipts.routes import Routes
from receipts.store.archive import RedisArchive
from receipts.store.embedded import EmbeddedStore
from receipts.store.keys import Keys
from receipts.store.lines import RedisLines
from receipts.store.outbox import RedisOutbox
from receipts.store.redis import RedisStore
from receipts.store.script import Kept
from receipts.store.server import Server, connected
from receipts.subscriptions import Subscriptions
from receipts.sweep import Sweep
from receipts.wording import Catalogue
from receipts.worker import Worker
from switchboard import carriers
from switchboard.clock import clock_for
from switchboard.settings import Settings

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Memory:
    """The store, opened, and what it stands on."""

    server: Server
    store: RedisStore
    outbox: RedisOutbox
    archive: RedisArchive
    lines: RedisLines
    embedded: EmbeddedStore | None

    def setting(self, name: str) -> str:
        """One setting of the server itself. Raises StoreUnavailable where it will not tell."""
        return self.server.setting(name)

    def close(self) -> None:
        """Let go of the store; our own server stops with its last user."""
        if self.embedded is not None:
            self.embedded.release()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the doors, the worker and the command line are handed."""

    settings: Settings
    clock: Clock
    book: RuleBook
    numbering: Numbering
    memory: Memory
    subscriptions: Subscriptions
    #: Whoever was met stays so under another rule book.
    met: Acquainted = field(default_factory=Acquainted)

    @property
    def store(self) -> RedisStore:
        """The memory of the business."""
        return self.memory.store

    def charges_this_month(self, number: Msisdn) -> list[Charge]:
        """A customer's charges of the current month."""
        return self.store.charges_of(number, [month_of(self.clock.now())])


def services(settings: Settings, book: RuleBook | None = None) -> Services:
    """The services the settings describe, the store opened; by default under the book they name.

    Raises StoreUnavailable or RuleBookWrong.
    """
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    book, numbering = book or load_rule_book(settings.rule_book), _numbering()
    memory = remember(settings, book.retention)
    return Services(
        settings, clock, book, numbering, memory, _business(settings, book, numbering, clock)
    )


@cache
def _numbering() -> Numbering:
    # A table that ships with the product: read once a process, also by whoever is built again.
    return Numbering()


def under(built: Services, book: RuleBook) -> Services:
    """The same services on the same store, under another rule book."""
    built.store.keep_for(_kept(book.retention))
    business = _business(built.settings, book, built.numbering, built.clock)
    return replace(built, book=book, subscriptions=business)


def _business(
    settings: Settings, book: RuleBook, numbering: Numbering, clock: Clock
) -> Subscriptions:
    return Subscriptions(book, numbering, clock, settings.hotline, settings.short_code)


def remember(settings: Settings, retention: Retention) -> Memory:
    """The store at REDIS_URL, or our own server in DATA_DIR. Raises StoreUnavailable."""
    keys = Keys(settings.shards)
    embedded: EmbeddedStore | None = None
    if settings.redis_url:
        server = Server(connected(settings.redis_url))
    else:
        embedded = EmbeddedStore(settings.data_dir)
        server = Server(connected(f"unix://{embedded.hold()}"), embedded.ensure)
    outbox = RedisOutbox(server, keys)
    outbox.open()
    store = RedisStore(server, keys, _kept(retention))
    return Memory(server, store, outbox, RedisArchive(server, keys), RedisLines(server), embedded)


def _kept(retention: Retention) -> Kept:
    return Kept(
        claims=retention.claims_days * _DAY,
        trails=retention.trails_days * _DAY,
        receipts=retention.receipts_months * 31 * _DAY,
        log=retention.audit_months * 31 * _DAY,
    )


@cache
def catalogue(room: str, name: str) -> Catalogue:
    """A door's sentences."""
    return Catalogue(Path(str(files(room).joinpath(name))))


def hotline(built: Services) -> Hotline:
    """The 10086 line."""
    settings = built.settings
    return Hotline(
        built.store,
        built.subscriptions,
        catalogue("ivr", "prompts.toml"),
        built.clock,
        SpokenLedger(partial(built.store.receipts_of, kind=Kind.RECEIPT), built.charges_this_month),
        settings.public_url,
        settings.agent_number or None,
    )


def conversation(built: Services, said: Replies) -> Conversation:
    """The 7500 line; ``said`` puts its answers into words, here and at the door."""
    ledger = WrittenLedger(
        partial(built.store.receipts_of, kind=Kind.RECEIPT), built.charges_this_month
    )
    return Conversation(built.subscriptions, Grammar(built.book), built.clock, ledger, said.text)


def hall(built: Services, caller: Callable[[], Msisdn]) -> Hall:
    """The online service hall; ``caller`` is who the gate let in."""
    store, settings, sending = built.store, built.settings, delivery(built)
    words = catalogue("hall", "sentences.toml")
    wishes = Wishes(store, built.subscriptions, sending, built.clock, words)
    ledger = ShownLedger(
        partial(store.receipts_of, kind=Kind.RECEIPT), store.receipts, store.charges_of
    )
    return Hall(
        Codes(store, sending, built.clock, settings.secret_key),
        wishes,
        Sights(store, built.subscriptions, wishes, built.clock, ledger, words),
        words,
        {"hotline": settings.hotline, "short_code": settings.short_code},
        learning(built),
        caller,
    )


def learning(built: Services) -> Callable[[Msisdn], None]:
    """What doors do first about a number whose network nobody here knows: nothing, or ask."""
    outside = carriers.lookup(built.settings)
    if outside is None:
        return lambda _: None
    return Lookups(outside, built.store, built.subscriptions, built.numbering, built.clock).learn


def replies(built: Services) -> Replies:
    """The words of the 7500 line."""
    return Replies(catalogue("keywords", "replies.toml"), built.settings.short_code)


def reports(built: Services) -> Reports:
    """What turns the network's news into receipts."""
    return Reports(built.store, built.book, built.numbering, built.clock, built.met)


def delivery(built: Services) -> Delivery:
    """What happens to receipts on their way."""
    return Delivery(carriers.routes(built.settings), built.book.sending, built.clock)


def lists(built: Services) -> Lists:
    """What the operator's lists change. Its notices only enter the outbox: workers send them."""
    writing = Delivery(Routes(NullProvider()), built.book.sending, built.clock)
    return Lists(built.store, built.subscriptions, writing, built.clock)


def billing(built: Services) -> Billing:
    """What makes the monthly fees."""
    return Billing(built.store, built.memory.archive, built.subscriptions, built.clock)


def worker(built: Services, changed: Callable[[], RuleBook | None] = lambda: None) -> Worker:
    """One worker, named after its machine and process; ``changed`` brings it new rule books."""
    name = f"{socket.gethostname()}-{os.getpid()}"

    def refreshed() -> tuple[Delivery, Sweep] | None:
        book = changed()
        return _working(under(built, book)) if book else None

    memory, (sending, sweep) = built.memory, _working(built)
    dispatch = Dispatch(name, memory.store, memory.outbox, memory.lines, sending, built.clock)
    return Worker(name, memory.store, memory.outbox, sending, sweep, dispatch, refreshed=refreshed)


def _working(built: Services) -> tuple[Delivery, Sweep]:
    """What a worker does its work with."""
    sending = delivery(built)
    return sending, sweep(built, sending)


def sweep(built: Services, sending: Delivery) -> Sweep:
    """What rings the timers, with its own part of the outbox's work done by ``sending``."""
    outbox, business = built.memory.outbox, built.subscriptions
    return Sweep(built.store, outbox, business, sending, reports(built), built.clock)
