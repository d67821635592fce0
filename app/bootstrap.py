"""Plugs everything together: from settings to services, in one place."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from app import provider_factory
from app.clock import clock_for
from app.settings import Settings
from ivr.call_flow import CallFlow
from keywords.conversation import Conversation
from keywords.parser import KeywordParser
from keywords.replies import ReplyRenderer
from receipts.bulk_import.apply import ImportHandler
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.vocabulary import Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.ports.clock import Clock
from receipts.providers.null import NullProvider
from receipts.reports.service import ReportService
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import Retention, RuleBook
from receipts.store.bulk import RedisBulkReader
from receipts.store.commit_script import RetentionSeconds
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.local_server import running_server_url
from receipts.store.outbox import RedisOutbox
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.redis_store import RedisStore
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.monthly_billing import MonthlyBilling
from receipts.subscriptions.network_lookup import NetworkLookupService
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.dispatcher import Dispatcher
from receipts.worker.timers import TimerService
from receipts.worker.worker import Worker
from web.portal.actions import ActionHandler
from web.portal.passcodes import PasscodeService
from web.portal.rendering import PortalServices
from web.portal.view_models import AccountPresenter

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class StoreClients:
    """The store, opened, and what it stands on."""

    server: RedisConnection
    store: RedisStore
    outbox: RedisOutbox
    archive: RedisBulkReader
    lines: RedisRateLimiter

    def setting(self, name: str) -> str:
        """One setting of the server itself. Raises StoreUnavailable where it will not tell."""
        return self.server.setting(name)

    def close(self) -> None:
        """Close the connections to the store."""
        self.server.client.close()


@dataclass(frozen=True, slots=True)
class Container:
    """Everything the doors, the worker and the command line are handed."""

    settings: Settings
    clock: Clock
    book: RuleBook
    numbering: NumberingPlan
    memory: StoreClients
    policy: SubscriptionPolicy

    @property
    def store(self) -> RedisStore:
        """The memory of the business."""
        return self.memory.store

    @property
    def account(self) -> AccountQueries:
        """Receipts and charges of a customer, to look at."""
        return AccountQueries(self.store, self.clock)


def services(settings: Settings, book: RuleBook | None = None) -> Container:
    """The services the settings describe, the store opened; by default under the book they name.

    Raises StoreUnavailable or RuleBookWrong.
    """
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    book, numbering = book or load_rule_book(settings.rule_book), _numbering()
    memory = remember(settings, book.retention)
    return Container(
        settings, clock, book, numbering, memory, _business(settings, book, numbering, clock)
    )


@cache
def _numbering() -> NumberingPlan:
    # A table that ships with the product: read once a process, also by whoever is built again.
    return NumberingPlan()


def under(container: Container, book: RuleBook) -> Container:
    """The same services on the same store, under another rule book."""
    container.store.keep_for(_kept(book.retention))
    policy = _business(container.settings, book, container.numbering, container.clock)
    return replace(container, book=book, policy=policy)


def _business(
    settings: Settings, book: RuleBook, numbering: NumberingPlan, clock: Clock
) -> SubscriptionPolicy:
    return SubscriptionPolicy(book, numbering, clock, settings.hotline, settings.short_code)


def remember(settings: Settings, retention: Retention) -> StoreClients:
    """Connect to the store at REDIS_URL, or to the server that runs in DATA_DIR.

    Creates no store. Raises StoreUnavailable.
    """
    keys = KeySchema(settings.shards)
    url = settings.redis_url or running_server_url(settings.data_dir)
    server = RedisConnection(connected(url))
    outbox = RedisOutbox(server, keys)
    outbox.open()
    store = RedisStore(server, keys, _kept(retention))
    return StoreClients(
        server, store, outbox, RedisBulkReader(server, keys), RedisRateLimiter(server)
    )


def _kept(retention: Retention) -> RetentionSeconds:
    return RetentionSeconds(
        claims=retention.claims_days * _DAY,
        trails=retention.trails_days * _DAY,
        receipts=retention.receipts_months * 31 * _DAY,
        log=retention.audit_months * 31 * _DAY,
    )


@cache
def catalogue(room: str, name: str) -> Catalogue:
    """A door's sentences."""
    return Catalogue(Path(str(files(room).joinpath(name))))


def hotline(container: Container) -> CallFlow:
    """The 10086 line."""
    settings = container.settings
    return CallFlow(
        container.store,
        container.policy,
        catalogue("ivr", "prompts.toml"),
        container.clock,
        container.account,
        settings.public_url,
        settings.agent_number or None,
    )


def conversation(container: Container, renderer: ReplyRenderer) -> Conversation:
    """The 7500 line; ``said`` puts its answers into words, here and at the door."""
    return Conversation(
        container.policy,
        KeywordParser(container.book),
        container.clock,
        container.account,
        renderer.text,
    )


def hall(container: Container, caller: Callable[[], Msisdn]) -> PortalServices:
    """The online service hall; ``caller`` is who the gate let in."""
    store, settings, sending = container.store, container.settings, delivery(container)
    words = catalogue("web.portal", "texts.toml")
    intents = ActionHandler(store, container.policy, sending, container.clock, words)
    return PortalServices(
        PasscodeService(store, sending, container.clock, settings.secret_key),
        intents,
        AccountPresenter(
            store, container.policy, intents, container.clock, container.account, words
        ),
        words,
        {"hotline": settings.hotline, "short_code": settings.short_code},
        learning(container),
        caller,
    )


def learning(container: Container) -> Callable[[Msisdn], None]:
    """What doors do first about a number whose network nobody here knows: nothing, or ask."""
    outside = provider_factory.lookup(container.settings)
    if outside is None:
        return lambda _: None
    return NetworkLookupService(
        outside, container.store, container.policy, container.numbering, container.clock
    ).refresh


def replies(container: Container) -> ReplyRenderer:
    """The words of the 7500 line."""
    return ReplyRenderer(catalogue("keywords", "replies.toml"), container.settings.short_code)


def reports(container: Container) -> ReportService:
    """What turns the network's news into receipts."""
    return ReportService(container.store, container.book, container.numbering, container.clock)


def delivery(container: Container) -> ReceiptLifecycle:
    """What happens to receipts on their way."""
    return ReceiptLifecycle(
        provider_factory.routes(container.settings), container.book.sending, container.clock
    )


def lists(container: Container) -> ImportHandler:
    """What the operator's lists change. Its notices only enter the outbox: workers send them."""
    writing = ReceiptLifecycle(Router(NullProvider()), container.book.sending, container.clock)
    return ImportHandler(container.store, container.policy, writing, container.clock)


def billing(container: Container) -> MonthlyBilling:
    """What makes the monthly fees."""
    return MonthlyBilling(
        container.store, container.memory.archive, container.policy, container.clock
    )


def worker(container: Container, changed: Callable[[], RuleBook | None] = lambda: None) -> Worker:
    """One worker, named after its machine and process; ``changed`` brings it new rule books."""
    name = f"{socket.gethostname()}-{os.getpid()}"

    def refreshed() -> tuple[ReceiptLifecycle, TimerService] | None:
        book = changed()
        return _working(under(container, book)) if book else None

    memory, (sending, sweep) = container.memory, _working(container)
    watch = CircuitBreakers(memory.lines, sending.router.names, sending.rules, container.clock)
    dispatch = Dispatcher(
        name,
        memory.store,
        memory.outbox,
        memory.lines,
        watch,
        sending,
        container.clock,
        provider_factory.paces(container.settings),
    )
    return Worker(name, memory.store, memory.outbox, sending, sweep, dispatch, refreshed=refreshed)


def _working(container: Container) -> tuple[ReceiptLifecycle, TimerService]:
    """What a worker does its work with."""
    sending = delivery(container)
    return sending, sweep(container, sending)


def sweep(container: Container, sending: ReceiptLifecycle) -> TimerService:
    """What rings the timers, with its own part of the outbox's work done by ``sending``."""
    outbox, policy = container.memory.outbox, container.policy
    return TimerService(
        container.store, outbox, policy, sending, reports(container), container.clock
    )
