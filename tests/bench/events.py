"""The events that are measured, as signed requests with ids of their own."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.bench.product import ACCOUNT, FEED, PUBLIC_URL, TOKEN, number
from tests.support.signing import feed_headers, twilio_headers

#: Subscribers in the store while requests are measured.
SUBSCRIBERS = 10_000

#: Reports in one batch of the feed.
BATCH = 1000

_ids = itertools.count(int(time.time()) << 20)


def sid(prefix: str) -> str:
    """A new id in Twilio's form."""
    return f"{prefix}{next(_ids):032x}"


def post(path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> bytes:
    """A request in HTTP/1.1."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: sms.example.org\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Accept: */*\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def form(path: str, fields: Mapping[str, str]) -> bytes:
    """A form, signed over its address and fields."""
    headers = {
        **twilio_headers(TOKEN, PUBLIC_URL + path, fields),
        "I-Twilio-Idempotency-Token": sid("")[:32],
        "X-Home-Region": "us1",
    }
    content_type = "application/x-www-form-urlencoded; charset=UTF-8"
    return post(path, urlencode(fields).encode(), content_type, headers)


def text(sender: str, body: str) -> bytes:
    """A text to 7500, with the twenty fields that Twilio sends."""
    message = sid("SM")
    return form("/sms", {
        "ToCountry": "CN", "ToState": "", "SmsMessageSid": message, "NumMedia": "0",
        "ToCity": "", "FromZip": "", "SmsSid": message, "FromState": "Guangdong",
        "SmsStatus": "received", "FromCity": "Guangzhou", "Body": body, "FromCountry": "CN",
        "To": "7500", "MessagingServiceSid": "MG0123456789abcdef0123456789abcdef",
        "ToZip": "", "NumSegments": "1", "MessageSid": message, "AccountSid": ACCOUNT,
        "From": sender, "ApiVersion": "2010-04-01",
    })  # fmt: skip


def key(caller: str, digits: str) -> bytes:
    """A key on the main menu of a subscriber's call."""
    context = "at=menu&lang=zh&as=active&mode=flash&in=CN-GD&tried=0&step=2&silent=0&wrong=0"
    return form(f"/voice/key?{context}", {
        "Called": "+8610086", "ToState": "", "CallerCountry": "CN", "Direction": "inbound",
        "CallerState": "Guangdong", "ToZip": "", "CallSid": sid("CA"), "To": "+8610086",
        "CallerZip": "", "ToCountry": "CN", "ApiVersion": "2010-04-01", "Digits": digits,
        "CalledZip": "", "CallStatus": "in-progress", "CalledCity": "", "From": caller,
        "AccountSid": ACCOUNT, "CalledCountry": "CN", "CallerCity": "Guangzhou", "Caller": caller,
    })  # fmt: skip


def status(sender: str, to: str) -> bytes:
    """A delivered text between two people."""
    message = sid("SM")
    return form("/messages/status", {
        "SmsSid": message, "SmsStatus": "delivered", "MessageStatus": "delivered", "To": to,
        "MessageSid": message, "AccountSid": ACCOUNT, "From": sender, "ApiVersion": "2010-04-01",
    })  # fmt: skip


def batch(senders: Iterator[int], size: int = BATCH) -> bytes:
    """A batch of the feed: one report a line, signed with their time."""
    done = time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 8 * 3600))
    lines = (
        json.dumps({
            "id": f"{next(_ids):x}", "from": number(next(senders)), "to": recipient(index),
            "status": "DELIVRD", "code": "000", "submitted": done, "done": done,
            "part": 1, "parts": 1,
        })
        for index in range(size)
    )  # fmt: skip
    body = "\n".join(lines).encode()
    return post("/feed/reports", body, "application/x-ndjson", feed_headers(FEED, body))


def recipient(index: int) -> str:
    """A number on the product's own network."""
    return f"+861395711{index % 10_000:04}"


_all_subscribers = itertools.cycle(range(SUBSCRIBERS))
#: Indexes of numbers that subscribe during a measurement, and of numbers that never do.
_newcomers, _unsubscribed = itertools.count(60_000), itertools.count(200_000)


@dataclass(frozen=True)
class Event:
    """One kind of event: its target as a ratio to reference A, and the events a request."""

    name: str
    target: float | None
    make: Callable[[int, Iterator[int]], list[bytes]]
    each: int = 1

    def requests(self, count: int, subscribers: Iterator[int] = _all_subscribers) -> list[bytes]:
        """New requests, by subscribers with these indexes."""
        return self.make(count, subscribers)


def _orders(count: int, _: Iterator[int]) -> list[bytes]:
    """Half of the requests order the service; the other half confirm the orders."""
    numbers = [number(next(_newcomers)) for _ in range(count // 2)]
    return [text(each, "KTDXHZ") for each in numbers] + [text(each, "是") for each in numbers]


EVENTS = (
    Event("a text with a query", 1.0,
          lambda n, subs: [text(number(next(subs)), "CXDXHZ") for _ in range(n)]),
    Event("a text that changes state", 1.3, _orders),
    Event("a menu key without effect", 0.7,
          lambda n, subs: [key(number(next(subs)), "#") for _ in range(n)]),
    Event("a status without a receipt", 1.0,
          lambda n, _: [status(number(next(_unsubscribed)), recipient(i)) for i in range(n)]),
    Event("a status with a receipt", 1.4,
          lambda n, subs: [status(number(next(subs)), recipient(i)) for i in range(n)]),
)  # fmt: skip

FEEDS = (
    Event("feed, without receipts", None, lambda n, _: [batch(_unsubscribed) for _ in range(n)],
          BATCH),
    Event("feed, with receipts", None, lambda n, subs: [batch(subs) for _ in range(n)], BATCH),
)  # fmt: skip
