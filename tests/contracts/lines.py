"""Two real adapters on pretend lines, described alike so that one suite can try both."""

from collections.abc import Callable
from dataclasses import dataclass, field

import responses

from receipts.model import Mode, Msisdn
from receipts.ports import Parcel, Provider
from receipts.providers.kannel import Kannel
from receipts.providers.twilio import Twilio

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://sms.example.org"
SECRETS = ("0123456789abcdef-token", "kannel-password", "kannel-secret")
WORDS = "您发送给13957112345的短信已于12:00:00成功送达。"
ANNA = Msisdn("+8613802880000")


@dataclass(frozen=True)
class Line:
    """How to reach one provider, and how it says yes."""

    name: str
    method: str
    path: str
    make: Callable[[str], Provider]
    yes: dict[str, object]
    host: str = field(default="https://provider.example.org")

    def adapter(self, url: str | None = None) -> Provider:
        return self.make(url or self.host)

    def answers(self, mock: responses.RequestsMock, **answer: object) -> None:
        mock.add(self.method, self.host + self.path, **answer)  # type: ignore[arg-type]


def twilio(url: str, sender: str = "7500") -> Twilio:
    return Twilio(ACCOUNT, (ACCOUNT, SECRETS[0]), sender, url, PUBLIC_URL + "/")


def kannel(url: str) -> Kannel:
    return Kannel(url, ("receipts", SECRETS[1]), SECRETS[2], "7500", PUBLIC_URL + "/")


TWILIO = Line(
    "twilio",
    "POST",
    f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
    twilio,
    {"status": 201, "json": {"sid": "SM1", "status": "queued"}},
)
KANNEL = Line(
    "kannel",
    "GET",
    "/cgi-bin/sendsms",
    kannel,
    {"status": 202, "body": "0: Accepted for delivery"},
)
LINES = (TWILIO, KANNEL)


def parcel(ident: str = "5-abc", text: str = WORDS, mode: Mode = Mode.TEXT) -> Parcel:
    return Parcel(ident, ANNA, text, mode)
