import re
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.simulator.support import PHONE, Network


def test_five_built_in_phones_and_nine_scenarios_are_listed(network: Network):
    answer = network.get("/api/phones")
    numbers = "13802880000 13957112345 13844012345 13001012345 13800138000"
    assert " ".join(p["number"] for p in answer["phones"]) == numbers
    assert all(p["on"] and p["zh"] and p["en"] for p in answer["phones"])
    assert {f["tail"] for f in answer["fates"]} == {"", *(f"000{n}" for n in range(1, 9))}


def test_adding_a_phone_twice_keeps_one(network: Network):
    for written in ("13912345678", "+86 139 1234 5678"):
        added = network.post("/api/phones", 201, number=written, label="妈妈")
        assert (added["number"], added["zh"]) == ("13912345678", "妈妈")
    assert len(network.get("/api/phones")["phones"]) == 6


IMPOSSIBLE: list[tuple[str, dict[str, Any], int]] = [
    ("/api/phones", {}, 400),
    ("/api/phones", {"number": 1}, 400),
    ("/api/phones", {"number": "7500"}, 400),
    ("/api/phones", {"number": "13912345678", "label": "x" * 41}, 400),
    (f"/api/phones/{PHONE}/texts", {"to": "7500"}, 400),
    (f"/api/phones/{PHONE}/texts", {"to": "x", "body": "y"}, 400),
    (f"/api/phones/{PHONE}/texts", {"to": "7500", "body": "x" * 1601}, 400),
    (f"/api/phones/{PHONE}/texts", {"to": "7500", "body": "\ud800"}, 400),
    ("/api/phones/13999999999/texts", {"to": "7500", "body": "y"}, 404),
    (f"/api/phones/{PHONE}/call", {"to": "110"}, 400),
    (f"/api/phones/{PHONE}/call", {"to": "10086", "withheld": "yes"}, 400),
    (f"/api/phones/{PHONE}/call/keys", {"digits": "1"}, 409),
    (f"/api/phones/{PHONE}/call/keys", {"digits": "A"}, 400),
    (f"/api/phones/{PHONE}/call/keys", {"speech": " "}, 400),
    (f"/api/phones/{PHONE}/call/hangup", {}, 409),
    (f"/api/phones/{PHONE}/power", {"on": 1}, 400),
    ("/api/faults", {"api": "x", "kind": "none"}, 400),
    ("/api/faults", {"api": "twilio", "kind": "x"}, 400),
    ("/api/faults", {"api": "twilio", "kind": "slow", "seconds": 1e9}, 400),
    ("/api/faults", {"api": "twilio", "kind": "slow", "count": True}, 400),
    ("/api/nothing", {}, 404),
    ("/healthz", {}, 405),
]


def test_invalid_request_is_refused_with_a_sentence(network: Network):
    for path, body, status in IMPOSSIBLE:
        answer = network.post(path, status, **body)
        assert len(answer["error"]) > 10, (path, body)
    assert requests.get(f"{network.url}/api/messages?to=x", timeout=5).status_code == 400


def test_refusal_to_a_visitor_is_in_both_languages(network: Network):
    refused: list[tuple[str, dict[str, Any], int, tuple[str, str]]] = [
        ("/api/phones", {"number": "x"}, 400, ("不是电话号码", "not a phone number")),
        ("/api/phones", {"number": "7500"}, 400, ("11 位中国内地手机号码", "11 digits")),
        ("/api/phones/13999999999/power", {"on": True}, 404, ("没有号码为", "no phone")),
        (f"/api/phones/{PHONE}/call", {"to": "110"}, 400, ("只能拨打 10086", "Only 10086")),
        (f"/api/phones/{PHONE}/call/keys", {"digits": "1"}, 409, ("不在通话中", "not in a call")),
    ]
    for path, body, status, (zh, en) in refused:
        answer = network.post(path, status, **body)
        assert zh in answer["error_zh"], path
        assert en in answer["error"], path


def test_labels_have_full_width_marks_and_the_words_of_the_service(network: Network):
    page = network.get("/api/phones")
    chinese = [t for p in page["phones"] for k, t in p.items() if k.endswith("zh")]
    chinese += [fate["zh"] for fate in page["fates"]]
    assert [text for text in chinese if re.search("[(:;,!?]", text)] == []
    english = [fate["en"] for fate in page["fates"]]
    assert [text for text in english if re.search("undelivered|rejected|failed", text)] == []


def test_body_that_is_no_json_object_is_a_bad_request(network: Network):
    url, headers = f"{network.url}/api/phones/{PHONE}/texts", {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b"\xff", b'"x"'):
        answer = requests.post(url, data=body, headers=headers, timeout=5)
        assert answer.status_code == 400, body


def test_invalid_poll_parameters_are_a_bad_request(network: Network):
    for query in ("after=x", "wait=x", "after=-1", "wait=nan", "wait=-1"):
        answer = requests.get(f"{network.url}/api/phones/{PHONE}/events?{query}", timeout=5)
        assert answer.status_code == 400, query


def test_phone_that_is_off_neither_texts_nor_calls(network: Network):
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    network.post(f"/api/phones/{PHONE}/texts", 409, to="7500", body="x")
    network.post(f"/api/phones/{PHONE}/call", 409, to="10086")


def test_reader_with_a_foreign_sequence_number_is_reset(network: Network):
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    news = network.get(f"/api/phones/{PHONE}/events?after=99999&wait=10")
    assert (news["reset"], len(news["events"])) == (True, 1)
    assert news["last"] == network.get("/healthz")["last"]


def test_page_loads_no_resource_from_elsewhere(network: Network):
    page = requests.get(network.url, timeout=5)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    outside = re.findall(r'(\w+)="(https?://[^"]*)"', page.text)
    # The one link leads to the product.
    assert [(name, urlsplit(url).path) for name, url in outside] == [("href", "/hall/")]
    assert len(re.findall("https?://", page.text)) == 1
