from urllib.parse import urlencode

import pytest
import requests

from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import until

FLASH = {
    "username": "kannel", "password": "a-pretend-password", "from": "7500", "to": f"+86{PHONE}",
    "text": "您的短信已送达", "coding": "2", "charset": "UTF-8", "mclass": "0",
}  # fmt: skip


def send(network: Network, method: str = "GET", **given: str) -> requests.Response:
    fields = {**FLASH, **given}
    url = f"{network.url}/cgi-bin/sendsms"
    if method == "GET":
        return requests.get(url, params=fields, timeout=5)
    text, charset = fields.pop("text"), fields.pop("charset")
    headers = {f"X-Kannel-{name.title()}": value for name, value in fields.items()}
    headers["Content-Type"] = f"text/plain; charset={charset}"
    return requests.post(url, data=text.encode(charset), headers=headers, timeout=5)


def test_form_post_is_refused(network: Network):
    answer = requests.post(f"{network.url}/cgi-bin/sendsms", data=FLASH, timeout=5)
    assert (answer.status_code, answer.text) == (400, "Invalid content-type")


def test_mclass_0_shows_a_flash_that_the_next_one_replaces(network: Network):
    answer = send(network)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    until(lambda: network.events(PHONE, "flash"))
    send(network, "POST", text="第二条")
    until(lambda: len(network.events(PHONE, "flash")) == 2)
    phone = network.get(f"/api/phones/{PHONE}/events")["phone"]
    assert phone["flash"]["body"] == "第二条"
    assert network.texts(PHONE) == []
    network.post(f"/api/phones/{PHONE}/flash/dismiss")
    assert network.get(f"/api/phones/{PHONE}/events")["phone"]["flash"] is None


def test_phone_that_keeps_flashes_files_the_replaced_one(network: Network):
    keeper = "13957112345"
    send(network, to=keeper, text="first")
    until(lambda: network.events(keeper, "flash"))
    send(network, to=keeper, text="second")
    until(lambda: network.texts(keeper) == ["first"])


def test_text_without_mclass_reaches_the_inbox(network: Network):
    send(network, mclass="")
    until(lambda: network.texts(PHONE) == ["您的短信已送达"])


def test_chinese_without_coding_2_arrives_as_question_marks(network: Network):
    send(network, coding="0", mclass="", text="好ok")
    until(lambda: network.texts(PHONE) == ["?ok"])


@pytest.mark.parametrize("charset", ["GBK", "UTF-16BE", "UTF-8"])
def test_text_is_decoded_by_its_charset(network: Network, charset: str):
    fields = {**FLASH, "text": "短信".encode(charset), "charset": charset, "mclass": ""}
    requests.get(f"{network.url}/cgi-bin/sendsms?{urlencode(fields)}", timeout=5)
    until(lambda: network.texts(PHONE) == ["短信"])


REFUSALS: list[tuple[dict[str, str], int, str]] = [
    ({"password": "wrong"}, 403, "Authorization failed for sendsms"),
    ({"text": ""}, 400, "Missing text"),
    ({"to": ""}, 400, "Missing receiver"),
    ({"to": "7500"}, 400, "Invalid receiver"),
    ({"from": ""}, 400, "Sender missing"),
    ({"mclass": "9"}, 400, "MClass"),
    ({"dlr-mask": "x"}, 400, "dlr-mask"),
    ({"charset": "klingon"}, 400, "Charset"),
]


def test_invalid_request_is_refused_with_kannels_text(network: Network):
    for given, status, words in REFUSALS:
        answer = send(network, **given)
        assert answer.status_code == status, given
        assert words in answer.text
    assert network.get("/api/messages")["messages"] == []


def test_report_url_is_requested_with_its_codes_filled_in(network: Network, product: Product):
    report = f"{product.url}/kannel/report?secret=s%26t&id=7&from=%p&to=%P&type=%d&smsc=%i&text=%A"
    send(network, **{"dlr-mask": "27", "dlr-url": report, "smsc": "gd"})
    until(lambda: len(product.posts("/kannel/report")) == 2)
    first, last = product.posts("/kannel/report")
    assert (first["type"], last["type"]) == ("8", "1")
    assert (last["from"], last["to"], last["smsc"]) == ("7500", f"+86{PHONE}", "gd")
    assert last["secret"] == "s&t"
    assert "stat:DELIVRD" in last["text"]


def test_only_report_types_of_the_mask_are_requested(network: Network, product: Product):
    report = f"{product.url}/kannel/report?type=%d"
    network.post(f"/api/phones/{PHONE}/power", on=False)
    send(network, **{"dlr-mask": "3", "dlr-url": report})
    until(lambda: product.posts("/kannel/report"))
    assert [p["type"] for p in product.posts("/kannel/report")] == ["2"]


def test_http_fault_is_answered_with_kannels_text(network: Network):
    network.post("/api/faults", 200, api="kannel", kind="http_503")
    answer = send(network)
    assert (answer.status_code, answer.text) == (503, "Temporal failure, try again later.")
    assert send(network).status_code == 202
