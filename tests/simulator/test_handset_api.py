# ruff: noqa: ANN401 - fixtures reach the tests without their types
import re
from typing import Any
from urllib.parse import urlsplit

import requests

PHONE = "13802880000"


def test_five_phones_stand_ready_with_their_places_and_the_table_of_fates(network: Any) -> None:
    desk = network.get("/api/phones")
    assert [p["number"] for p in desk["phones"]] == [
        "13802880000",
        "13957112345",
        "13844012345",
        "13001012345",
        "13800138000",
    ]
    assert all(p["on"] and p["zh"] and p["en"] for p in desk["phones"])
    assert {f["tail"] for f in desk["fates"]} == {"", *(f"000{n}" for n in range(1, 9))}


def test_a_phone_can_be_added_and_adding_it_again_changes_nothing(network: Any) -> None:
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


def test_what_cannot_be_done_is_answered_with_a_sentence(network: Any) -> None:
    for path, body, status in IMPOSSIBLE:
        answer = network.post(path, status, **body)
        assert len(answer["error"]) > 10, (path, body)
    assert requests.get(f"{network.url}/api/messages?to=x", timeout=5).status_code == 400


def test_a_body_that_is_no_json_object_is_a_bad_request(network: Any) -> None:
    for body in (b"", b"{", b"[]", b"null", b"\xff", b'"x"'):
        answer = requests.post(
            f"{network.url}/api/phones/{PHONE}/texts",
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=5,
        )
        assert answer.status_code == 400, body


def test_a_question_about_events_that_makes_no_sense_is_a_bad_request(network: Any) -> None:
    for query in ("after=x", "wait=x", "after=-1", "wait=nan", "wait=-1"):
        answer = requests.get(f"{network.url}/api/phones/{PHONE}/events?{query}", timeout=5)
        assert answer.status_code == 400, query


def test_a_phone_that_is_off_neither_texts_nor_calls(network: Any) -> None:
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    network.post(f"/api/phones/{PHONE}/texts", 409, to="7500", body="x")
    network.post(f"/api/phones/{PHONE}/call", 409, to="10086")


def test_a_watcher_from_before_the_data_was_emptied_begins_again(network: Any) -> None:
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    news = network.get(f"/api/phones/{PHONE}/events?after=99999&wait=10")
    assert (news["reset"], len(news["events"]), news["last"]) == (True, 1, 1)


def test_the_page_lets_nothing_from_elsewhere_in(network: Any) -> None:
    page = requests.get(network.url, timeout=5)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    outside = re.findall(r'(\w+)="(https?://[^"]*)"', page.text)
    # A link leads to the product's own page; nothing is fetched from anywhere but here.
    assert [(name, urlsplit(url).path) for name, url in outside] == [("href", "/hall/")]
    assert len(re.findall("https?://", page.text)) == 1
