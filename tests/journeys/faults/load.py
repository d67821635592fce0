"""Calls the doors as a carrier does, also many times at once, and remembers what was answered."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import requests
from twilio.request_validator import RequestValidator

from app import bootstrap
from app.settings import Settings
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from tests.support.product import Running

FRIEND = "+8613957112345"

#: Seconds within which killed doors are back; far more than it takes, for a busy machine.
PATIENCE = 60

_tails = itertools.count(2000)
_messages = itertools.count(1)


class Carrier:
    """Signs as the provider does. One per thread."""

    def __init__(self, service: Running) -> None:
        settings = service.settings
        self._doors = service.doors
        self._account = settings["TWILIO_ACCOUNT_SID"]
        self._signer = RequestValidator(settings["TWILIO_AUTH_TOKEN"])
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def post(self, path: str, seconds: float = PATIENCE, **fields: str) -> requests.Response:
        """One request, as often as it takes until a door takes it: a patient network."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.once(path, **fields)
            if answer is not None and answer.status_code < 500:
                return answer
            assert time.monotonic() < deadline, f"{path} was not taken within {seconds:g} s"
            time.sleep(0.05)

    def once(self, path: str, seconds: float = 20, **fields: str) -> requests.Response | None:
        """One request, once; None when nobody answered."""
        fields["AccountSid"] = self._account
        url = self._doors + path
        signed = {"X-Twilio-Signature": self._signer.compute_signature(url, fields)}
        try:
            return self._session.post(url, data=fields, headers=signed, timeout=seconds)
        except requests.RequestException:
            return None

    def text(self, number: str, body: str, seconds: float = PATIENCE) -> str:
        """A text to 7500; what is answered."""
        sid = f"SM{next(_messages):032x}"
        answer = self.post("/sms", seconds, MessageSid=sid, From=number, To="7500", Body=body)
        assert answer.status_code == 200, answer.text
        return answer.text

    def open(self, number: str) -> None:
        """The whole conversation that opens the service; returns once that is acknowledged."""
        self.text(number, "KTDXHZ")
        assert "已开通" in self.text(number, "是")

    def report(self, number: str) -> str:
        """The network says that a text arrived; its id once that is acknowledged."""
        message = f"SM{next(_messages):032x}"
        fate = {"MessageStatus": "delivered", "From": number, "To": FRIEND}
        answer = self.post("/messages/status", MessageSid=message, **fate)
        assert answer.status_code == 204, answer.text
        return message


def fresh() -> str:
    """The number of a Guangdong customer nobody knows yet."""
    return f"+861380288{next(_tails)}"


@dataclass
class Load:
    """Customers who open the service and text a friend, a few at any moment."""

    service: Running
    opened: list[str] = field(default_factory=list)
    reported: dict[str, str] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, threads: int = 4) -> Iterator[None]:
        """Under way while the block runs; ends once every request under way is acknowledged."""
        crowd = [threading.Thread(target=self._live) for _ in range(threads)]
        for thread in crowd:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in crowd:
                thread.join(2 * PATIENCE)
            assert not self.failures, self.failures
        assert not any(thread.is_alive() for thread in crowd), "the crowd never came to rest"

    def _live(self) -> None:
        carrier = Carrier(self.service)
        try:
            while not self._over.wait(0.01):
                number = fresh()
                carrier.open(number)
                self.opened.append(number)
                self.reported[number] = carrier.report(number)
        except (AssertionError, requests.RequestException) as failure:
            self.failures.append(failure)
        finally:
            carrier.close()


class Ledger:
    """What is on disk, read through a store of one's own."""

    def __init__(self, service: Running) -> None:
        self._built = bootstrap.services(Settings.read(service.settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._built.clients.connection.client.close()
        self._built.clients.close()

    def states(self, numbers: list[str]) -> set[str]:
        """How these customers stand."""
        return {self._built.store.load(Msisdn(n)).subscription.state.value for n in numbers}

    def receipts(self, number: str) -> list[Receipt]:
        return self._built.store.receipts_of(Msisdn(number), 100, MessageKind.RECEIPT)
