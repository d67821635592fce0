"""Fixtures of all tests: a real store, a manual clock, the application, a signing client."""

import datetime as dt
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from pytest_socket import socket_allow_hosts
from werkzeug.test import TestResponse

from app import bootstrap, factory
from app.factory import create_app
from app.settings import Settings
from receipts.model.calendar import SHANGHAI
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import RuleBook
from receipts.store.local_server import LocalServer, running_server_url
from tests.support import first_moment
from tests.support.signing import twilio_headers
from tests.support.store_user import with_user

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://sms.example.org"

GUANGDONG = "+8613802880000"
ZHEJIANG = "+8613957112345"
JILIN = "+8613844012345"  # no hotline there
BEIJING = "+8613800138000"  # not covered
UNICOM = "+8613001012345"  # another operator
UNKNOWN = "+8619512345678"  # ours, of no known province


def pytest_configure(config: pytest.Config) -> None:
    """Give examples of properties no time limit: it would fail on a loaded machine."""
    hypothesis_settings.register_profile("service", deadline=None, max_examples=50)
    hypothesis_settings.register_profile("deep", deadline=None, max_examples=500)
    hypothesis_settings.load_profile(config.getoption("--hypothesis-profile") or "service")


def pytest_collection_finish() -> None:
    """Leave all modules out of later garbage collections: each would walk through them."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Allow sockets of this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@dataclass
class TestClock:
    """A clock that moves only by ``move``."""

    __test__ = False
    at: dt.datetime = field(default_factory=first_moment.of_manual_clock)

    def now(self) -> dt.datetime:
        return self.at

    def wall_clock(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def move(self, **by: float) -> None:
        self.at += dt.timedelta(**by)

    def move_to_next_morning(self) -> None:
        """Move to nine o'clock of the next day in China, for tests of what holds in one day."""
        tomorrow = self.at.astimezone(SHANGHAI) + dt.timedelta(days=1)
        self.at = tomorrow.replace(hour=9, minute=0, second=0, microsecond=0)


@cache
def shipped_book() -> RuleBook:
    """Return the rule book of the product, loaded once."""
    return load_rule_book(None)


@pytest.fixture(scope="session")
def store_admin_url() -> Iterator[str]:
    """URL of a real local server, one for each test process; a user with all rights.

    Its folder is in memory where there is one: it syncs each commit as on a disk, but without the
    wait. Suites of real processes keep theirs on the disk.
    """
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="sms-receipt-", dir=place))
    server = LocalServer(folder)
    try:
        server.start()
        yield running_server_url(folder)
    finally:
        server.stop(last_writes_seconds=0)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def store_url(store_admin_url: str) -> str:
    """URL of this server for a user with no more rights than the service needs."""
    return with_user(store_admin_url)


@pytest.fixture
def raw(store_admin_url: str) -> Iterator["redis.Redis"]:
    """Client of the empty store."""
    with redis.Redis.from_url(store_admin_url) as client:
        client.flushall()
        client.config_set("appendfsync", "always")  # a test may have changed it
        yield client


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> TestClock:
    """Begins at TEST_START; on the day of ``FIXED_DAY`` for tests that name dates of their own."""
    if request.node.get_closest_marker("fixed_day"):
        return TestClock(first_moment.FIXED_DAY)
    return TestClock()


@pytest.fixture
def settings(store_url: str, raw: "redis.Redis", tmp_path: Path) -> Settings:
    """Settings with both providers, on an empty store."""
    del raw
    environ = {
        "REDIS_URL": store_url, "DATA_DIR": str(tmp_path), "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "7500",
        "KANNEL_URL": "http://kannel.example.org:13013", "KANNEL_USER": "receipts",
        "KANNEL_PASSWORD": "kannel-password", "KANNEL_SECRET": "kannel-secret-of-the-tests",
        "FEED_SECRET": "feed-secret-of-the-tests",
    }  # fmt: skip
    return Settings.read(environ)


@pytest.fixture
def built(
    settings: Settings, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[bootstrap.Container]:
    """All services on the real store and the test's clock; a flash receipt waits for no digest."""
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    book = load_rule_book(settings.rule_book) if settings.rule_book else shipped_book()
    services = bootstrap.services(settings, gathering(book, 0))
    yield services
    services.clients.close()


def gathering(book: RuleBook, seconds: int) -> RuleBook:
    """Return the book with flash receipts that wait so long for others."""
    sending = msgspec.structs.replace(book.sending, digest_seconds=seconds)
    return msgspec.structs.replace(book, sending=sending)


#: Folders whose tests open no page: most of the time to put the application together is pages'.
_WITHOUT_PAGES = {"callbacks", "ivr", "keywords", "receipts", "webhooks"}


@pytest.fixture
def app(
    request: pytest.FixtureRequest,
    settings: Settings,
    built: bootstrap.Container,
    monkeypatch: pytest.MonkeyPatch,
) -> Flask:
    """The web application; without the pages of staff for tests of texts, calls and reports."""
    folder = request.node.path.relative_to(Path(__file__).parent).parts[0]
    if folder in _WITHOUT_PAGES:
        monkeypatch.setattr(factory, "register_staff_pages", lambda *_: ({}, {}))
    return create_app(settings, built)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass
class Network:
    """Client that posts webhooks as Twilio does: forms signed over the public address."""

    client: FlaskClient
    count: int = 0

    def post(self, path: str, /, **fields: str) -> TestResponse:
        """Post a form; fields have Twilio's names."""
        fields.setdefault("AccountSid", ACCOUNT)
        headers = twilio_headers(TOKEN, PUBLIC_URL + path, fields)
        return self.client.post(path, data=fields, headers=headers)

    def text(self, sender: str, body: str, sid: str | None = None, **more: str) -> TestResponse:
        self.count += 1
        sid = sid or f"SM{self.count:032x}"
        return self.post("/sms", MessageSid=sid, From=sender, To="7500", Body=body, **more)

    def status(
        self,
        message: str,
        status: str,
        sender: str = GUANGDONG,
        friend: str = ZHEJIANG,
        **more: str,
    ) -> TestResponse:
        fields = {"MessageSid": message, "MessageStatus": status, "From": sender, "To": friend}
        return self.post("/messages/status", **fields, **more)

    def open(self, sender: str = GUANGDONG) -> None:
        """Order and confirm the service by text."""
        self.text(sender, "开通短信回执")
        self.text(sender, "是")


@pytest.fixture
def network(client: FlaskClient) -> Network:
    return Network(client)
