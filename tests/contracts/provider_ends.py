"""Both provider adapters with their HTTP ends, for one suite of contract tests."""

from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import responses

from receipts.model.vocabulary import DisplayMode, Msisdn
from receipts.ports.provider import OutboundMessage, Provider
from receipts.providers.kannel import Kannel
from receipts.providers.twilio import Twilio
from tests.support.kannel_double import smsbox

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://sms.example.org"
SECRETS = ("0123456789abcdef-token", "kannel-password", "kannel-secret-of-the-tests")
WORDS = "您发给13957112345的短信已于12:00送达。"
ANNA = Msisdn("+8613802880000")


class FarEnd(Protocol):
    """A provider's HTTP end with configured responses."""

    url: str
    calls: Sized

    def answers(self, **answer: object) -> None: ...


@dataclass(frozen=True)
class Line:
    """One provider: its adapter, its success response and its HTTP end."""

    name: str
    adapter: Callable[..., Provider]
    yes: dict[str, object]
    far_end: Callable[[], AbstractContextManager[FarEnd]]

    def success(self, body: bytes, headers: bytes = b"Connection: close\r\n") -> bytes:
        """Raw success response with this body."""
        head = b"HTTP/1.1 %d Fine\r\nContent-Length: %d\r\n" % (self.yes["status"], len(body))
        return head + headers + b"\r\n" + body


TWILIO_HOST = "https://provider.example.org"
TWILIO_URL = f"{TWILIO_HOST}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


class MockedTwilio:
    """Twilio by a mocked ``requests`` transport."""

    url = TWILIO_HOST

    def __init__(self, mock: responses.RequestsMock) -> None:
        self._mock, self.calls = mock, mock.calls

    def answers(self, **answer: object) -> None:
        self._mock.add("POST", TWILIO_URL, **answer)  # type: ignore[arg-type]


@contextmanager
def mocked_twilio() -> Iterator[MockedTwilio]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield MockedTwilio(mock)


def twilio(url: str = TWILIO_HOST, sender: str = "7500") -> Twilio:
    return Twilio(ACCOUNT, (ACCOUNT, SECRETS[0]), sender, url, PUBLIC_URL + "/")


def kannel(url: str = TWILIO_HOST) -> Kannel:
    return Kannel(url, ("receipts", SECRETS[1]), SECRETS[2], "7500", PUBLIC_URL + "/")


TWILIO = Line(
    "twilio", twilio, {"status": 201, "json": {"sid": "SM1", "status": "queued"}}, mocked_twilio
)
KANNEL = Line("kannel", kannel, {"status": 202, "body": "0: Accepted for delivery"}, smsbox)
LINES = (TWILIO, KANNEL)


def parcel(
    ident: str = "5-abc", text: str = WORDS, mode: DisplayMode = DisplayMode.TEXT
) -> OutboundMessage:
    return OutboundMessage(ident, ANNA, text, mode)
