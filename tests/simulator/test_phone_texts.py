# ruff: noqa: ANN401 - fixtures reach the tests without their types
import threading
import time
from typing import Any

import pytest
from flask import Response

PHONE = "13802880000"
REPLY = "<Response><Message>{}</Message></Response>"


def text(network: Any, body: str, to: str = "7500", sender: str = PHONE) -> str:
    return network.post(f"/api/phones/{sender}/texts", 202, to=to, body=body)["id"]


def statuses(product: Any) -> list[str]:
    return [fields["MessageStatus"] for fields in product.posts("/messages/status")]


def test_a_text_to_7500_is_handed_over_signed_and_its_reply_comes_back(
    network: Any, product: Any, until: Any
) -> None:
    product.answer("/sms", REPLY.format("请回复 是"))
    message = text(network, "  开通短信回执 & more ")
    until(lambda: network.texts(PHONE) == ["请回复 是"])
    [fields] = product.posts("/sms")
    assert fields["MessageSid"] == fields["SmsSid"] == message
    assert fields["Body"] == "  开通短信回执 & more "
    assert (fields["From"], fields["To"], fields["FromCountry"]) == (f"+86{PHONE}", "7500", "CN")
    assert (fields["NumMedia"], fields["NumSegments"], fields["SmsStatus"]) == (
        "0",
        "1",
        "received",
    )


def test_a_plain_text_answer_is_delivered_to_the_customer_as_the_provider_would(
    network: Any, product: Any, until: Any
) -> None:
    product.answer("/sms", "OK", kind="text/plain")
    text(network, "hello")
    until(lambda: network.texts(PHONE) == ["OK"])


@pytest.mark.parametrize(("status", "body"), [(403, ""), (200, "<Response>"), (200, "<Reply/>")])
def test_an_unusable_answer_shows_as_a_note_and_not_as_a_text(
    network: Any, product: Any, until: Any, status: int, body: str
) -> None:
    product.answer("/sms", body, status)
    text(network, "hello")
    until(lambda: network.events(PHONE, "note"))
    assert network.texts(PHONE) == []


def test_a_failing_door_is_tried_again_with_the_same_message_id(
    network: Any, product: Any, until: Any
) -> None:
    product.answer("/sms", "", 503)
    message = text(network, "hello")
    until(lambda: len(product.posts("/sms")) >= 2)
    product.answer("/sms", REPLY.format("done"))
    until(lambda: network.texts(PHONE) == ["done"])
    assert {fields["MessageSid"] for fields in product.posts("/sms")} == {message}


def test_a_friend_gets_the_text_and_the_network_reports_it(
    network: Any, product: Any, until: Any
) -> None:
    friend = "13957112345"
    message = text(network, "吃饭吗", to=f"+86 {friend}")
    until(lambda: statuses(product) == ["sent", "delivered"])
    until(lambda: network.texts(friend) == ["吃饭吗"])
    last = product.posts("/messages/status")[-1]
    assert last["MessageSid"] == message
    assert (last["From"], last["To"]) == (f"+86{PHONE}", f"+86{friend}")
    assert len(last["RawDlrDoneDate"]) == 10


FATES: dict[str, tuple[list[str], str | None]] = {
    "0001": (["sent", "undelivered"], "30003"),
    "0002": (["sent", "undelivered"], "30005"),
    "0003": (["failed"], "30007"),
    "0004": ([], None),
    "0005": (["sent", "sent", "delivered", "delivered"], None),
    "0006": (["delivered", "sent"], None),
    "0008": (["sent", "delivered", "undelivered"], "30008"),
    "1234": (["sent", "delivered"], None),
}


def test_the_tail_of_the_friends_number_decides_the_fate(
    network: Any, product: Any, until: Any
) -> None:
    for tail in FATES:
        text(network, "hi", to=f"1395711{tail}")

    def told() -> dict[str, list[dict[str, str]]]:
        posts = product.posts("/messages/status")
        return {t: [p for p in posts if p["To"].endswith(t)] for t in FATES}

    def words() -> dict[str, list[str]]:
        return {t: [p["MessageStatus"] for p in posts] for t, posts in told().items()}

    expected = {tail: statuses for tail, (statuses, _) in FATES.items()}
    until(lambda: words() == expected)
    codes = {t: posts[-1].get("ErrorCode") for t, posts in told().items() if posts}
    assert codes == {t: code for t, (statuses, code) in FATES.items() if statuses}


def test_a_standing_phone_gets_every_text_until_it_is_switched_off(
    network: Any, product: Any, until: Any
) -> None:
    network.post("/api/phones/13800138000/power", on=False)
    text(network, "hi", to="13800138000")
    until(lambda: statuses(product) == ["sent", "undelivered"])
    assert network.texts("13800138000") == []


def test_a_report_outlives_a_short_outage_of_the_doors(
    network: Any, product: Any, until: Any
) -> None:
    product.answer("/messages/status", "", 503)
    text(network, "hi", to="13800138000")
    until(lambda: len(product.posts("/messages/status")) >= 3)
    product.heard.clear()
    product.answer("/messages/status", "", 204)
    until(lambda: sorted(statuses(product)) == ["delivered", "sent"])


def test_a_report_repeated_comes_at_the_same_moment(network: Any, product: Any, until: Any) -> None:
    both = threading.Barrier(2, timeout=3)

    def meet(_: dict[str, str]) -> Response:
        both.wait()
        return Response(status=204)

    product.says["/messages/status"] = meet
    text(network, "hi", to="13957110005")
    until(lambda: len(statuses(product)) == 4)


def test_nobody_answers_at_another_short_number(network: Any, product: Any, until: Any) -> None:
    text(network, "hi", to="10010")
    until(lambda: network.events(PHONE, "note"))
    assert product.heard == []


def test_a_watcher_waits_for_news_and_gets_it_at_once(network: Any, product: Any) -> None:
    product.answer("/sms", REPLY.format("hi"))
    last = network.get("/healthz")["last"]
    threading.Timer(0.2, text, (network, "hello")).start()
    start = time.monotonic()
    news = network.get(f"/api/phones/{PHONE}/events?after={last}&wait=10")
    assert 0.1 < time.monotonic() - start < 3
    assert news["events"][0]["body"] == "hello"
