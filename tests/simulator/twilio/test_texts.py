import threading
import time

import pytest
from flask import Response

from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import until

REPLY = "<Response><Message>{}</Message></Response>"


def text(network: Network, body: str, to: str = "7500", sender: str = PHONE) -> str:
    return network.post(f"/api/phones/{sender}/texts", 202, to=to, body=body)["id"]


def statuses(product: Product) -> list[str]:
    return [fields["MessageStatus"] for fields in product.posts("/messages/status")]


def test_text_to_7500_is_posted_signed_and_its_reply_arrives(network: Network, product: Product):
    product.answer("/sms", REPLY.format("请回复 是"))
    message = text(network, "  开通短信回执 & more ")
    until(lambda: network.texts(PHONE) == ["请回复 是"])
    [fields] = product.posts("/sms")
    assert fields["MessageSid"] == fields["SmsSid"] == message
    assert fields["Body"] == "  开通短信回执 & more "
    assert (fields["From"], fields["To"], fields["FromCountry"]) == (f"+86{PHONE}", "7500", "CN")
    assert (fields["NumMedia"], fields["NumSegments"]) == ("0", "1")
    assert fields["SmsStatus"] == "received"


def test_plain_text_response_is_delivered_as_a_reply(network: Network, product: Product):
    product.answer("/sms", "OK", kind="text/plain")
    text(network, "hello")
    until(lambda: network.texts(PHONE) == ["OK"])


@pytest.mark.parametrize(("status", "body"), [(403, ""), (200, "<Response>"), (200, "<Reply/>")])
def test_unusable_response_is_a_note(network: Network, product: Product, status: int, body: str):
    product.answer("/sms", body, status)
    text(network, "hello")
    until(lambda: network.events(PHONE, "note"))
    assert network.texts(PHONE) == []


def test_failed_webhook_is_retried_with_the_same_message_id(network: Network, product: Product):
    product.answer("/sms", "", 503)
    message = text(network, "hello")
    until(lambda: len(product.posts("/sms")) >= 2)
    product.answer("/sms", REPLY.format("done"))
    until(lambda: network.texts(PHONE) == ["done"])
    assert {fields["MessageSid"] for fields in product.posts("/sms")} == {message}


def test_recipient_gets_the_text_and_its_status_is_reported(network: Network, product: Product):
    recipient = "13957112345"
    message = text(network, "吃饭吗", to=f"+86 {recipient}")
    until(lambda: statuses(product) == ["sent", "delivered"])
    until(lambda: network.texts(recipient) == ["吃饭吗"])
    last = product.posts("/messages/status")[-1]
    assert last["MessageSid"] == message
    assert (last["From"], last["To"]) == (f"+86{PHONE}", f"+86{recipient}")
    assert len(last["RawDlrDoneDate"]) == 10


SCENARIOS: dict[str, tuple[list[str], str | None]] = {
    "0001": (["sent", "undelivered"], "30003"),
    "0002": (["sent", "undelivered"], "30005"),
    "0003": (["failed"], "30007"),
    "0004": ([], None),
    "0005": (["sent", "sent", "delivered", "delivered"], None),
    "0006": (["delivered", "sent"], None),
    "0008": (["sent", "delivered", "undelivered"], "30008"),
    "1234": (["sent", "delivered"], None),
}


def test_last_digits_of_the_recipient_choose_the_scenario(network: Network, product: Product):
    for tail in SCENARIOS:
        text(network, "hi", to=f"1395711{tail}")

    def callbacks() -> dict[str, list[dict[str, str]]]:
        posts = product.posts("/messages/status")
        return {t: [p for p in posts if p["To"].endswith(t)] for t in SCENARIOS}

    def reported() -> dict[str, list[str]]:
        return {t: [p["MessageStatus"] for p in posts] for t, posts in callbacks().items()}

    expected = {tail: statuses for tail, (statuses, _) in SCENARIOS.items()}
    until(lambda: reported() == expected)
    codes = {t: posts[-1].get("ErrorCode") for t, posts in callbacks().items() if posts}
    assert codes == {t: code for t, (statuses, code) in SCENARIOS.items() if statuses}


def test_text_to_a_built_in_phone_that_is_off_is_undelivered(network: Network, product: Product):
    network.post("/api/phones/13800138000/power", on=False)
    text(network, "hi", to="13800138000")
    until(lambda: statuses(product) == ["sent", "undelivered"])
    assert network.texts("13800138000") == []


def test_status_callback_is_retried_until_the_product_takes_it(network: Network, product: Product):
    product.answer("/messages/status", "", 503)
    text(network, "hi", to="13800138000")
    until(lambda: len(product.posts("/messages/status")) >= 3)
    product.requests.clear()
    product.answer("/messages/status", "", 204)
    until(lambda: sorted(statuses(product)) == ["delivered", "sent"])


def test_repeated_reports_are_sent_at_the_same_time(network: Network, product: Product):
    both = threading.Barrier(2, timeout=30)

    def wait_for_both(_: dict[str, str]) -> Response:
        both.wait()
        return Response(status=204)

    product.responses["/messages/status"] = wait_for_both
    text(network, "hi", to="13957110005")
    until(lambda: len(statuses(product)) == 4)


def test_text_to_another_short_number_becomes_a_note(network: Network, product: Product):
    text(network, "hi", to="10010")
    until(lambda: network.events(PHONE, "note"))
    assert product.requests == []


def test_long_poll_returns_at_the_first_event(network: Network, product: Product):
    product.answer("/sms", REPLY.format("hi"))
    last = network.get("/healthz")["last"]
    threading.Timer(0.2, text, (network, "hello")).start()
    start = time.monotonic()
    news = network.get(f"/api/phones/{PHONE}/events?after={last}&wait=10")
    assert 0.1 < time.monotonic() - start < 8
    assert news["events"][0]["body"] == "hello"
