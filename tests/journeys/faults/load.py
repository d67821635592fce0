"""Signed webhooks to a running service, also from many threads, with their acknowledgements."""

import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import requests

from app import bootstrap
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from tests.support.product import PATIENCE_SECONDS, Service, until
from tests.support.signing import twilio_headers

FRIEND = "+8613957112345"

_tails = itertools.count(2000)
_messages = itertools.count(1)


class WebhookClient:
    """Posts webhooks as Twilio does; one for each thread."""

    def __init__(self, service: Service) -> None:
        self._doors, self._settings = service.doors, service.settings
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def post(
        self, path: str, seconds: float = PATIENCE_SECONDS, **fields: str
    ) -> requests.Response:
        """Repeat a request until it is answered without a server error."""

        def accepted() -> tuple[requests.Response] | None:
            answer = self.once(path, **fields)
            return (answer,) if answer is not None and answer.status_code < 500 else None

        return until(accepted, seconds, f"an acknowledgement of {path}")[0]

    def once(self, path: str, seconds: float = 20, **fields: str) -> requests.Response | None:
        """Send one request; None without an answer."""
        fields["AccountSid"] = self._settings["TWILIO_ACCOUNT_SID"]
        url = self._doors + path
        headers = twilio_headers(self._settings["TWILIO_AUTH_TOKEN"], url, fields)
        try:
            return self._session.post(url, data=fields, headers=headers, timeout=seconds)
        except requests.RequestException:
            return None

    def text(self, number: str, body: str, seconds: float = PATIENCE_SECONDS) -> str:
        sid = f"SM{next(_messages):032x}"
        answer = self.post("/sms", seconds, MessageSid=sid, From=number, To="7500", Body=body)
        assert answer.status_code == 200, answer.text
        return answer.text

    def open(self, number: str) -> None:
        """Order and confirm the service; return when both are acknowledged."""
        self.text(number, "KTDXHZ")
        assert "已开通" in self.text(number, "是")

    def report(self, number: str) -> str:
        """Report a text as delivered; return its id when that is acknowledged."""
        message = f"SM{next(_messages):032x}"
        status = {"MessageStatus": "delivered", "From": number, "To": FRIEND}
        answer = self.post("/messages/status", MessageSid=message, **status)
        assert answer.status_code == 204, answer.text
        return message


def fresh() -> str:
    return f"+861380288{next(_tails)}"


@dataclass
class Customers(ABC):
    """Customers who do the same again and again, a few at any moment."""

    service: Service
    failures: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def act(self, client: WebhookClient) -> None:
        """The acts of one new customer."""

    @contextmanager
    def running(self, threads: int = 4) -> Iterator[None]:
        """Send requests while the block runs; return when all are acknowledged."""
        customers = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in customers:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in customers:
                thread.join(2 * PATIENCE_SECONDS)
            assert not self.failures, self.failures
        assert not any(thread.is_alive() for thread in customers), "a request is still under way"

    def _run(self) -> None:
        with WebhookClient(self.service) as client:
            try:
                while not self._over.wait(0.01):
                    self.act(client)
            except (AssertionError, requests.RequestException) as failure:
                self.failures.append(failure)


@dataclass
class Load(Customers):
    """Customers who open the service and text a friend."""

    opened: list[str] = field(default_factory=list)
    reported: dict[str, str] = field(default_factory=dict)

    def act(self, client: WebhookClient) -> None:
        number = fresh()
        client.open(number)
        self.opened.append(number)
        self.reported[number] = client.report(number)


@dataclass(frozen=True)
class StoreReader:
    services: bootstrap.Container

    def states(self, numbers: list[str]) -> set[str]:
        return {self.services.store.load(Msisdn(n)).subscription.state.value for n in numbers}

    def receipts(self, number: str) -> list[Receipt]:
        return self.services.store.receipts_of(Msisdn(number), 100, MessageKind.RECEIPT)


@contextmanager
def store_reader(service: Service) -> Iterator[StoreReader]:
    """Yield a reader with a connection of its own."""
    with service.container() as services:
        yield StoreReader(services)
