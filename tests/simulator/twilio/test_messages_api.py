# ruff: noqa: ANN401 - JSON fields and the SDK have no types
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import until

ACCOUNT = "AC" + "0123456789abcdef" * 2
GUANGDONG = f"+86{PHONE}"


class LocalHttpClient(TwilioHttpClient):
    def __init__(self, base: str) -> None:
        super().__init__(timeout=5)
        self._base = base

    def request(self, method: str, url: str, *given: Any, **named: Any) -> Any:
        url = url.replace("https://api.twilio.com", self._base)
        return super().request(method, url, *given, **named)


@contextmanager
def client_with(network: Network, token: str) -> Iterator[Any]:
    transport = LocalHttpClient(network.url)
    yield Client(ACCOUNT, token, http_client=transport)
    transport.session.close()


@pytest.fixture
def client(network: Network) -> Any:
    with client_with(network, "a-pretend-token") as client:
        yield client


def create(client: Any, **given: Any) -> Any:
    return client.messages.create(**{"to": GUANGDONG, "from_": "7500", "body": "您好", **given})


def test_created_message_has_documented_json_and_arrives(client: Any, network: Network):
    message = create(client)
    assert message.sid.startswith("SM")
    assert (message.status, message.num_segments) == ("queued", "1")
    assert message.direction == "outbound-api"
    assert message.date_created.tzinfo is not None
    until(lambda: network.texts(PHONE) == ["您好"])
    until(lambda: client.messages(message.sid).fetch().status == "delivered")


def test_status_callbacks_are_signed_and_keep_the_given_query(client: Any, product: Product):
    message = create(client, status_callback=f"{product.url}/receipts/7/status?note=%E5%8F%96+a%7e")
    until(lambda: len(product.posts("/receipts/7/status")) == 2)
    first, last = product.posts("/receipts/7/status")
    assert [first["MessageStatus"], last["MessageStatus"]] == ["sent", "delivered"]
    assert last["MessageSid"] == last["SmsSid"] == message.sid
    assert (last["From"], last["To"], last["note"]) == ("7500", GUANGDONG, "取 a~")


def test_message_to_a_phone_off_is_undelivered(client: Any, network: Network, product: Product):
    network.post(f"/api/phones/{PHONE}/power", on=False)
    create(client, status_callback=f"{product.url}/receipts/8/status")
    until(lambda: len(product.posts("/receipts/8/status")) == 2)
    last = product.posts("/receipts/8/status")[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30003")
    assert network.texts(PHONE) == []


REFUSALS: list[tuple[dict[str, Any], int]] = [
    ({"to": "+15005550001"}, 21211), ({"to": "+15005550002"}, 21612),
    ({"to": "+15005550003"}, 21408), ({"to": "+15005550004"}, 21610),
    ({"to": "+15005550009"}, 21614), ({"to": "hello"}, 21211), ({"to": ""}, 21604),
    ({"from_": "+15005550001"}, 21212), ({"from_": "+15005550007"}, 21606),
    ({"from_": "+15005550008"}, 21611), ({"from_": "+8613900000000"}, 21606),
    ({"from_": ""}, 21603), ({"body": ""}, 21602), ({"body": "字" * 1601}, 21617),
    ({"status_callback": "ftp://x"}, 21609), ({"validity_period": 0}, 21624),
]  # fmt: skip


def test_invalid_message_is_refused_with_twilios_error_code(client: Any, network: Network):
    for given, code in REFUSALS:
        with pytest.raises(TwilioRestException) as refusal:
            create(client, **given)
        assert (refusal.value.status, refusal.value.code) == (400, code), given
    assert network.get("/api/messages")["counts"]["total"] == 0


def test_wrong_token_is_refused_and_the_rotated_one_accepted(network: Network):
    with client_with(network, "wrong") as client, pytest.raises(TwilioRestException) as refusal:
        create(client)
    assert (refusal.value.status, refusal.value.code) == (401, 20003)
    with client_with(network, "an-old-token") as client:
        assert client.messages.list() == []


def test_unknown_message_is_not_found(client: Any):
    with pytest.raises(TwilioRestException) as refusal:
        client.messages("SM" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_messages_are_listed_by_recipient_and_date_over_several_pages(client: Any):
    for number in range(5):
        create(client, body=f"no. {number}")
    create(client, to="+8613957112345")
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    found = client.messages.list(to=GUANGDONG, date_sent_after=now - hour, page_size=2)
    assert [m.body for m in found] == [f"no. {n}" for n in (4, 3, 2, 1, 0)]
    assert client.messages.list(to=GUANGDONG, date_sent_after=now + hour) == []
    assert len(client.messages.list(date_sent_before=now + hour)) == 6
    assert len(client.messages.list(from_="7500", date_sent=now)) == 6
    assert len(client.messages.list(limit=3)) == 3


@pytest.mark.parametrize(
    ("kind", "code"), [("http_500", 20500), ("http_503", 20503), ("http_429", 20429)]
)
def test_counted_fault_fails_one_request_only(client: Any, network: Network, kind: str, code: int):
    network.post("/api/faults", 200, api="twilio", kind=kind, count=1)
    with pytest.raises(TwilioRestException) as error:
        create(client)
    assert (error.value.status, error.value.code) == (int(kind[-3:]), code)
    assert create(client).sid
    assert network.get("/api/messages")["counts"]["total"] == 1


@pytest.mark.parametrize(("kind", "sent"), [("cut_after", ["您好"]), ("cut_before", [])])
def test_connection_is_cut_after_or_before_the_message_is_taken(
    client: Any, network: Network, kind: str, sent: list[str]
):
    network.post("/api/faults", 200, api="twilio", kind=kind)
    with pytest.raises(requests.ConnectionError):
        create(client)
    assert [m.body for m in client.messages.list()] == sent
    until(lambda: network.texts(PHONE) == sent)


def test_slow_fault_delays_the_response_and_ends(client: Any, network: Network):
    network.post("/api/faults", 200, api="twilio", kind="slow", seconds=0.5)
    start = time.monotonic()
    create(client)
    assert time.monotonic() - start >= 0.5
    assert network.get("/api/faults")["twilio"]["kind"] == "none"


def test_callback_url_given_twice_is_doubled(client: Any, network: Network, product: Product):
    address = f"{product.url}/receipts/9/status"
    create(client, status_callback=address)
    create(client, status_callback=address)
    assert network.get("/api/messages")["counts"]["doubled"] == {address: 2}
