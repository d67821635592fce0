"""What happens at the doors, as the requests that bring it: distinct, and signed."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.bench.product import ACCOUNT, FEED, PUBLIC_URL, TOKEN, number
from tests.support.signing import feed_headers, twilio_headers

#: Subscribers that the store holds while doors are measured, and numbers without the service.
SUBSCRIBERS = 10_000
STRANGERS_FROM = 200_000

#: Reports in one batch of the feed.
BATCH = 1000

_ids = itertools.count(int(time.time()) << 20)


def sid(kind: str) -> str:
    """A new id such as Twilio gives."""
    return f"{kind}{next(_ids):032x}"


def post(path: str, body: bytes, kind: str, headers: Mapping[str, str]) -> bytes:
    """A request as it goes over the line."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: sms.example.org\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Accept: */*\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def form(path: str, fields: Mapping[str, str]) -> bytes:
    """A form, signed over its address and fields."""
    headers = twilio_headers(TOKEN, PUBLIC_URL + path, fields)
    headers |= {"I-Twilio-Idempotency-Token": sid("")[:32], "X-Home-Region": "us1"}
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    return post(path, urlencode(fields).encode(), kind, headers)


def text(sender: str, body: str) -> bytes:
    """A text to 7500, with the twenty fields that Twilio sends."""
    message = sid("SM")
    return form(
        "/sms",
        {
            "ToCountry": "CN", "ToState": "", "SmsMessageSid": message, "NumMedia": "0",
            "ToCity": "", "FromZip": "", "SmsSid": message, "FromState": "Guangdong",
            "SmsStatus": "received", "FromCity": "Guangzhou", "Body": body, "FromCountry": "CN",
            "To": "7500", "MessagingServiceSid": "MG0123456789abcdef0123456789abcdef",
            "ToZip": "", "NumSegments": "1", "MessageSid": message, "AccountSid": ACCOUNT,
            "From": sender, "ApiVersion": "2010-04-01",
        },
    )  # fmt: skip


def key(caller: str, digits: str) -> bytes:
    """A key on the main menu of a subscriber's call."""
    place = "at=menu&lang=zh&as=active&mode=flash&in=CN-GD&tried=0&step=2&silent=0&wrong=0"
    return form(
        f"/voice/key?{place}",
        {
            "Called": "+8610086", "ToState": "", "CallerCountry": "CN", "Direction": "inbound",
            "CallerState": "Guangdong", "ToZip": "", "CallSid": sid("CA"), "To": "+8610086",
            "CallerZip": "", "ToCountry": "CN", "ApiVersion": "2010-04-01", "Digits": digits,
            "CalledZip": "", "CallStatus": "in-progress", "CalledCity": "", "From": caller,
            "AccountSid": ACCOUNT, "CalledCountry": "CN", "CallerCity": "Guangzhou",
            "Caller": caller,
        },
    )  # fmt: skip


def status(sender: str, friend: str) -> bytes:
    """A text between two people was delivered."""
    message = sid("SM")
    return form(
        "/messages/status",
        {
            "SmsSid": message, "SmsStatus": "delivered", "MessageStatus": "delivered",
            "To": friend, "MessageSid": message, "AccountSid": ACCOUNT, "From": sender,
            "ApiVersion": "2010-04-01",
        },
    )  # fmt: skip


def batch(senders: Iterator[int], count: int = BATCH) -> bytes:
    """Reports of the message centre, one a line, signed with their time."""
    done = time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 8 * 3600))
    lines = (
        json.dumps(
            {
                "id": f"{next(_ids):x}", "from": number(next(senders)), "to": friend(place),
                "status": "DELIVRD", "code": "000", "submitted": done, "done": done,
                "part": 1, "parts": 1,
            }
        )
        for place in range(count)
    )  # fmt: skip
    body = "\n".join(lines).encode()
    return post("/feed/reports", body, "application/x-ndjson", feed_headers(FEED, body))


def friend(place: int) -> str:
    """Somebody on our own network to write to."""
    return f"+861395711{place % 10_000:04}"


@dataclass(frozen=True)
class Event:
    """One kind of event: its name, its target as a ratio to A, how many it brings a request."""

    name: str
    target: float | None
    make: Callable[[int], list[bytes]]
    each: int = 1
    trips: int = 2


_subscribers = itertools.cycle(range(SUBSCRIBERS))
_strangers = itertools.count(STRANGERS_FROM)
#: Those who open the service here have never been seen before.
_newcomers = itertools.count(SUBSCRIBERS)


def _opening(count: int) -> list[bytes]:
    """Half of it the wish to open, half the yes to the offer, by the same people later."""
    people = [next(_newcomers) for _ in range(count // 2)]
    asked = [text(number(place), "KTDXHZ") for place in people]
    return asked + [text(number(place), "是") for place in people]


EVENTS = (
    Event("a text that asks", 1.0,
          lambda n: [text(number(next(_subscribers)), "CXDXHZ") for _ in range(n)]),
    Event("a text that changes state", 1.3, _opening),
    Event("a menu key without effect", 0.7,
          lambda n: [key(number(next(_subscribers)), "#") for _ in range(n)], trips=0),
    Event("a status without a receipt", 1.0,
          lambda n: [status(number(next(_strangers)), friend(p)) for p in range(n)]),
    Event("a status with a receipt", 1.4,
          lambda n: [status(number(next(_subscribers)), friend(p)) for p in range(n)]),
)  # fmt: skip

FEEDS = (
    Event("feed, people without the service", None,
          lambda n: [batch(_strangers) for _ in range(n)], each=BATCH),
    Event("feed, with receipts", None,
          lambda n: [batch(_subscribers) for _ in range(n)], each=BATCH),
)  # fmt: skip
