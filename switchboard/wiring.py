"""Plugs everything together: from settings to services, in one place."""

import os
import socket
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from ivr.dialogue import Hotline
from ivr.dialogue import Ledger as SpokenLedger
from keywords.dialogue import Conversation
from keywords.dialogue import Ledger as WrittenLedger
from keywords.grammar import Grammar
from keywords.replies import Replies
from receipts.delivery import Delivery, Routes
from receipts.model import Charge, Kind, Msisdn, month_of
from receipts.numbering import Numbering
from receipts.ports import Clock, Provider
from receipts.providers.kannel import Kannel
from receipts.providers.twilio import Twilio
from receipts.provinces import Retention, RuleBook, load_rule_book
from receipts.reports import Reports
from receipts.store.archive import RedisArchive
from receipts.store.embedded import EmbeddedStore
from receipts.store.keys import Keys
from receipts.store.outbox import RedisOutbox
from receipts.store.redis import RedisStore
from receipts.store.script import Kept
from receipts.store.server import Server, connected
from receipts.subscriptions import Subscriptions
from receipts.sweep import Sweep
from receipts.wording import Catalogue
from receipts.worker import Worker
from switchboard.clock import clock_for
from switchboard.settings import Settings

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Memory:
    """The store, opened, and what it stands on."""

    store: RedisStore
    outbox: RedisOutbox
    archive: RedisArchive
    embedded: EmbeddedStore | None

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

    @property
    def store(self) -> RedisStore:
        """The memory of the business."""
        return self.memory.store

    def charges_this_month(self, number: Msisdn) -> list[Charge]:
        """A customer's charges of the current month."""
        return self.store.charges_of(number, [month_of(self.clock.now())])


def services(settings: Settings) -> Services:
    """The services the settings describe, the store opened.

    Raises StoreUnavailable or RuleBookWrong.
    """
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    book, numbering = load_rule_book(settings.rule_book), Numbering()
    memory = remember(settings, book.retention)
    business = Subscriptions(book, numbering, clock, settings.hotline, settings.short_code)
    return Services(settings, clock, book, numbering, memory, business)


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
    return Memory(store, outbox, RedisArchive(server, keys), embedded)


def _kept(retention: Retention) -> Kept:
    return Kept(
        claims=retention.claims_days * _DAY,
        trails=retention.trails_days * _DAY,
        receipts=retention.receipts_months * 31 * _DAY,
        log=retention.audit_months * 31 * _DAY,
    )


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


def conversation(built: Services) -> Conversation:
    """The 7500 line."""
    ledger = WrittenLedger(
        partial(built.store.receipts_of, kind=Kind.RECEIPT), built.charges_this_month
    )
    spoken = replies(built).text
    return Conversation(built.subscriptions, Grammar(built.book), built.clock, ledger, spoken)


def replies(built: Services) -> Replies:
    """The words of the 7500 line."""
    return Replies(catalogue("keywords", "replies.toml"), built.settings.short_code)


def reports(built: Services) -> Reports:
    """What turns the network's news into receipts."""
    return Reports(built.store, built.book, built.numbering, built.clock)


def delivery(built: Services) -> Delivery:
    """What happens to receipts on their way."""
    return Delivery(_routes(built.settings), built.book.sending, built.clock)


def worker(built: Services) -> Worker:
    """One worker, named after its machine and process."""
    sending = delivery(built)
    sweep = Sweep(
        built.store,
        built.memory.outbox,
        built.subscriptions,
        sending,
        reports(built),
        built.clock,
    )
    name = f"{socket.gethostname()}-{os.getpid()}"
    return Worker(name, built.store, built.memory.outbox, sending, sweep)


def _routes(settings: Settings) -> Routes:
    made: dict[str, Provider] = {}
    for name in {settings.text_provider, settings.flash_provider} - {""}:
        made[name] = _twilio(settings) if name == "twilio" else _kannel(settings)
    flash = made.get(settings.flash_provider)
    able = flash if flash is not None and flash.abilities.flash else None
    return Routes(made[settings.text_provider], able)


def _twilio(settings: Settings) -> Twilio:
    key = (settings.twilio_api_key, settings.twilio_api_secret)
    token = (settings.twilio_account_sid, (*settings.twilio_auth_tokens, "")[0])
    return Twilio(
        settings.twilio_account_sid,
        key if all(key) else token,
        settings.twilio_sender,
        settings.twilio_api_url,
        settings.public_url,
    )


def _kannel(settings: Settings) -> Kannel:
    return Kannel(
        settings.kannel_url,
        (settings.kannel_user, settings.kannel_password),
        settings.kannel_secret,
        settings.short_code,
        settings.public_url,
        settings.kannel_smsc,
    )
