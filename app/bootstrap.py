"""Composition root: builds every service from the settings."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib.resources import files
from pathlib import Path

from app import provider_factory
from app.clock import clock_for
from app.protection.limit_storage import code_limits
from app.rulebook.stored import strict_book_in_force
from app.rulebook.trial_provinces import check_trial_people
from app.settings import Settings
from app.storage.archive import open_archive
from app.storage.clients import StoreClients, open_store, retention_seconds
from ivr.call_flow import CallFlow, HotlineSettings
from ivr.menu import main_menu_keys
from keywords.conversation import Conversation
from keywords.parser import KeywordParser
from keywords.relay import FriendRelay
from keywords.replies import ReplyRenderer
from receipts.bulk_import.apply import ImportHandler
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.receipt_search import ReceiptSearch
from receipts.delivery.routing import Router
from receipts.delivery.service_passwords import ServicePasswords
from receipts.model.vocabulary import Channel, Msisdn
from receipts.numbering.friends import FriendDirectory
from receipts.numbering.plan import NumberingPlan
from receipts.ports.book_store import BookStore
from receipts.ports.clock import Clock
from receipts.ports.provider import Provider
from receipts.ports.receipt_history import ReceiptHistory
from receipts.providers.failure_codes import read_failure
from receipts.providers.null import NullProvider
from receipts.providers.relay_failures import relay_failure
from receipts.providers.smsc_status import SmscStatusTable
from receipts.reports.journey import Journeys
from receipts.reports.relay_reports import RelayReports
from receipts.reports.service import ReportService
from receipts.rulebook.schema import Retention, RuleBook
from receipts.store.redis_store import RedisStore
from receipts.store.sealed_text import TextSealer
from receipts.store.staff.book_store import RedisBookStore
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.monthly_billing import MonthlyBilling
from receipts.subscriptions.network_lookup import NetworkLookupService
from receipts.subscriptions.personal_data import PersonalDataService
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.dispatcher import Dispatcher
from receipts.worker.timers import TimerService
from receipts.worker.worker import Worker
from web.portal.actions import ActionHandler
from web.portal.passcodes import PasscodeService
from web.portal.password_sign_in import PasswordSignIn
from web.portal.rendering import PortalServices
from web.portal.view_models import AccountPresenter


@dataclass(frozen=True)
class Container:
    """Services of one process under one rule book, each built on first use."""

    settings: Settings
    clock: Clock
    book: RuleBook
    numbering: NumberingPlan
    clients: StoreClients
    policy: SubscriptionPolicy
    #: Wraps each provider, to measure it.
    wrap: Callable[[Provider], Provider] = lambda provider: provider

    @property
    def store(self) -> RedisStore:
        """Domain records."""
        return self.clients.store

    @cached_property
    def books(self) -> RedisBookStore:
        """Rule books that the console put in force."""
        kept_seconds = retention_seconds(self.book.retention).log
        return RedisBookStore(self.clients.connection, kept_seconds)

    @cached_property
    def history(self) -> ReceiptHistory:
        """Receipts of the store, and behind them those of the archive."""
        return ReceiptHistory(self.store, open_archive(self.clients, self.settings, self.clock))

    @cached_property
    def account(self) -> AccountQueries:
        """Read-only queries for a customer's receipts and charges."""
        return AccountQueries(self.store, self.clock, self.history)

    def with_changes(
        self, book: RuleBook | None = None, settings: Settings | None = None
    ) -> "Container":
        """A container on the same store under another rule book or other secrets; else this one."""
        if book is None and settings is None:
            return self
        book, settings = book or self.book, settings or self.settings
        self.store.retention = retention_seconds(book.retention)
        self.store.sealer = TextSealer(settings.secret_keys)
        policy = _policy(settings, book, self.numbering, self.clock)
        return replace(self, settings=settings, book=book, policy=policy)

    @cached_property
    def call_flow(self) -> CallFlow:
        """Call flow of the hotline."""
        prompts, url = _catalogue("ivr", "prompts.toml"), self.settings.public_url
        sure, agent = self.settings.speech_confidence / 100, self.settings.agent_number or None
        hotline, clock = HotlineSettings(url, agent, sure), self.clock
        store, policy, account = self.store, self.policy, self.account
        channels = partial(policy.channel_params, used=Channel.VOICE)
        passwords = ServicePasswords(store, self.lifecycle, clock, channels)
        return CallFlow(store, policy, prompts, clock, account, hotline, passwords)

    @cached_property
    def reply_renderer(self) -> ReplyRenderer:
        """Renderer of replies to keyword messages."""
        return ReplyRenderer(_catalogue("keywords", "replies.toml"), self.settings.short_code)

    @cached_property
    def conversation(self) -> Conversation:
        """Keyword conversation of the short code."""
        render = self.reply_renderer.text
        return Conversation(self.policy, self.keyword_parser, self.clock, self.account, render)

    @cached_property
    def keyword_parser(self) -> KeywordParser:
        """Parser of texts under this rule book."""
        return KeywordParser(self.book)

    @cached_property
    def friend_relay(self) -> FriendRelay:
        """Passes texts on between trial people."""
        settings, people = self.settings, self.settings.trial_people
        ours = (settings.short_code, settings.hotline, settings.agent_number)
        directory = FriendDirectory(people, (*ours, settings.twilio_sender))
        return FriendRelay(self.policy, self.store, self.lifecycle, directory)

    def portal(
        self,
        caller: Callable[[], Msisdn],
        address: Callable[[], str] = str,
        count: Callable[[str], None] = lambda _: None,
    ) -> PortalServices:
        """Services of the portal's pages; ``caller`` and ``address`` are of the request."""
        store, policy, clock, settings = self.store, self.policy, self.clock, self.settings
        texts = _catalogue("web.portal", "texts.toml")
        actions = ActionHandler(store, policy, self.lifecycle, texts)
        sending, keys, may_enter = self.lifecycle, settings.secret_keys, policy.may_use_portal
        passcodes = PasscodeService(store, sending, clock, keys, may_enter, count, self.clients.gap)
        channels = partial(policy.channel_params, used=Channel.WEB)
        passwords = PasswordSignIn(
            passcodes,
            ServicePasswords(store, sending, clock, channels),
            policy.may_use_password_online,
            is_offered=any(each.web_password for each in self.book.provinces.values()),
        )
        presenter = AccountPresenter(store, policy, actions, clock, self.account, texts)
        receipts = ReceiptSearch(self.history, self.book.sending)
        params = {"hotline": settings.hotline, "short_code": settings.short_code}
        refresh = self.refresh_network
        limits = code_limits(self.clients.connection, settings, count)
        hotline_keys = main_menu_keys(with_agent=bool(settings.agent_number))
        return PortalServices(
            passcodes, passwords, limits, actions, presenter, receipts, self.clients.text_index,
            texts, params, channels, refresh, caller, address, hotline_keys,
        )  # fmt: skip

    @cached_property
    def refresh_network(self) -> Callable[[Msisdn], None]:
        """Look up the network of a number unless it is known; does nothing without a lookup."""
        lookup = provider_factory.network_lookup(self.settings)
        if lookup is None:
            return lambda _: None
        store, policy = self.store, self.policy
        return NetworkLookupService(lookup, store, policy, self.numbering, self.clock).refresh

    @cached_property
    def report_service(self) -> ReportService:
        """Turns delivery reports into receipts."""
        archive, plan = self.history.archive, self.numbering
        return ReportService(self.store, archive, self.book, plan, self.clock)

    @cached_property
    def journeys(self) -> Journeys:
        """Finds one text with all that came of it."""
        about = (self.clients.text_index, self.book, self.numbering, self.clock)
        return Journeys(self.store, *about, read_failure, self.history)

    @cached_property
    def lifecycle(self) -> ReceiptLifecycle:
        """Receipt transitions, with the providers of the settings."""
        return self._lifecycle(provider_factory.router(self.settings, self.wrap))

    @cached_property
    def import_handler(self) -> ImportHandler:
        """Applies import rows; their notices enter the outbox and workers send them."""
        lifecycle = self._lifecycle(Router([NullProvider()]))
        return ImportHandler(self.store, self.policy, lifecycle, self.clock)

    def _lifecycle(self, router: Router) -> ReceiptLifecycle:
        people, gap, sending = self.settings.trial_people, self.clients.gap, self.book.sending
        return ReceiptLifecycle(router, sending, self.clock, read_failure, people, gap)

    @cached_property
    def monthly_billing(self) -> MonthlyBilling:
        """The billing run."""
        return MonthlyBilling(self.store, self.clients.bulk_reader, self.policy, self.clock)

    @cached_property
    def personal_data(self) -> PersonalDataService:
        """Collects and erases the data of one person."""
        about = (self.clients.bulk_reader, self.clients.text_index, self.policy, self.history)
        return PersonalDataService(self.store, *about)

    @cached_property
    def relay_reports(self) -> RelayReports:
        """Turns the states of relayed texts into delivery reports."""
        rules = self.book.reports
        read_failure = partial(relay_failure, SmscStatusTable(rules.families, rules.causes).read)
        return RelayReports(self.store, self.report_service, self.clock, read_failure)

    def timer_service(self) -> TimerService:
        """Timers of subscriptions, receipts and calls."""
        outbox, reports, clock = self.clients.outbox, self.report_service, self.clock
        return TimerService(
            self.store, outbox, self.policy, self.lifecycle, reports, clock, self.personal_data,
            self.relay_reports,
        )  # fmt: skip

    def worker(
        self,
        changed: Callable[[], RuleBook | None] = lambda: None,
        rotated: Callable[[], Settings | None] = lambda: None,
    ) -> Worker:
        """Worker named after its host and process.

        ``changed`` returns a new rule book or None, ``rotated`` settings with new secrets or None.
        """
        current = self

        def refreshed() -> tuple[ReceiptLifecycle, TimerService] | None:
            nonlocal current
            before, current = current, current.with_changes(changed(), rotated())
            return None if current is before else (current.lifecycle, current.timer_service())

        name, clients = f"{socket.gethostname()}-{os.getpid()}", self.clients
        store, outbox, limiter = clients.store, clients.outbox, clients.rate_limiter
        lifecycle, clock, timers = self.lifecycle, self.clock, self.timer_service()
        breakers = CircuitBreakers(limiter, lifecycle.router.names, lifecycle.rules, clock)
        limits = provider_factory.rate_limits(self.settings)
        dispatcher = Dispatcher(name, store, outbox, limiter, breakers, lifecycle, clock, limits)
        return Worker(name, store, outbox, lifecycle, timers, dispatcher, refreshed=refreshed)


def services(
    settings: Settings,
    book: RuleBook | None = None,
    choose: Callable[[Settings, BookStore], RuleBook] = strict_book_in_force,
) -> Container:
    """Build the container and open the store; ``choose`` finds the rule book unless it is given.

    Raises StoreUnavailableError, RuleBookError or SettingsError.
    """
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    clients = open_store(settings, Retention())
    numbering = _numbering().with_trial_people(settings.trial_people)
    try:
        book = book or choose(settings, RedisBookStore(clients.connection))
        check_trial_people(settings, book)
    except BaseException:
        clients.close()
        raise
    clients.store.retention = retention_seconds(book.retention)
    policy = _policy(settings, book, numbering, clock)
    return Container(settings, clock, book, numbering, clients, policy)


@cache
def _numbering() -> NumberingPlan:
    # The table ships with the product and does not change while a process runs.
    return NumberingPlan()


@cache
def _catalogue(package: str, name: str) -> Catalogue:
    return Catalogue(Path(str(files(package).joinpath(name))))


def _policy(
    settings: Settings, book: RuleBook, numbering: NumberingPlan, clock: Clock
) -> SubscriptionPolicy:
    return SubscriptionPolicy(book, numbering, clock, settings.hotline, settings.short_code)
