"""A deployment for the stories: Flask app, real store, real worker, and a mocked Twilio API.

``network.post`` signs its requests as Twilio does, with the SDK's ``RequestValidator``.
"""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from app import bootstrap
from app.settings import Settings
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN, Network, TestClock
from tests.support.caller import Call
from tests.support.product import PATIENCE_SECONDS
from tests.support.texter import Texter

MESSAGES_URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

Work = Callable[[], None]


@dataclass
class TwilioApi:
    """Twilio's Messages API, mocked by ``responses``; answers are given in the order set up."""

    mock: responses.RequestsMock

    def accepts(self, sid: str = "SM00000000000000000000000000000001") -> None:
        """The next text is accepted."""
        self.mock.post(MESSAGES_URL, status=201, json={"sid": sid, "status": "queued"})

    def fails(self, status: int = 500) -> None:
        """The next text is answered by an error of the server."""
        self.mock.post(MESSAGES_URL, status=status, json={"code": 20500, "message": "error"})

    def lists(self, *messages: dict[str, Any]) -> None:
        """The list of the texts that were sent, as the look-up of a text in doubt reads it."""
        page = {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None}
        self.mock.get(MESSAGES_URL, json=page)

    @property
    def texts(self) -> list[dict[str, str]]:
        """Form fields of every text handed over so far; each request is checked."""
        sent = []
        for call in self.mock.calls:
            if call.request.method != "POST":
                continue
            assert call.request.url == MESSAGES_URL
            login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
            assert call.request.headers["Authorization"] == f"Basic {login}"
            body = call.request.body
            sent.append(dict(parse_qsl(body if isinstance(body, str) else body.decode())))
        return sent


@pytest.fixture
def twilio() -> Iterator[TwilioApi]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield TwilioApi(mock)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an operator with a Twilio account and no provider of flash messages."""
    return replace(settings, kannel_url="", flash_provider=())


@pytest.fixture
def work(built: bootstrap.Container, clock: TestClock) -> Work:
    """Run the worker, as ``sms-receipt work`` does, until there is no more to send."""

    def run_until_idle() -> None:
        worker = built.worker()
        thread = threading.Thread(target=worker.run)
        thread.start()
        outbox, deadline = built.clients.outbox, time.monotonic() + PATIENCE_SECONDS
        try:
            while outbox.depth() or outbox.due_timers(clock.now(), 1):
                assert time.monotonic() < deadline, "the worker still has work"
                time.sleep(0.01)
        finally:
            worker.stop()
            thread.join()

    return run_until_idle


@pytest.fixture
def call(network: Network) -> Call:
    """A call from a phone of Guangdong to the hotline."""
    return Call(network, GUANGDONG)


@pytest.fixture
def phone(network: Network) -> Texter:
    """The same phone, texting the short code."""
    return Texter(network, GUANGDONG)


def subscription(built: bootstrap.Container, number: str) -> Subscription:
    """The subscription of a number, as the store keeps it."""
    return built.store.load(Msisdn(number)).subscription


def status_path(text: dict[str, str]) -> str:
    """The path to which Twilio will report the status of a text that was handed over."""
    url = text["StatusCallback"]
    assert url.startswith(f"{PUBLIC_URL}/receipts/")
    return urlsplit(url).path
