"""The trial as a whole: the service's state and clock, a removed phone, a start afresh."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Response

import simulator
from simulator.app import create_app
from simulator.bootstrap import build_simulator
from simulator.settings import read_settings
from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.wsgi import serving

SECRET = "a-demo-secret-of-the-tests"
CLOCK = {"now": "2026-11-29T10:00:00+00:00", "moved_seconds": 3600.0}
MOBILE = {"mode": "flash", "until": None, "price": {"zh": "每月1元"}, "month_fen": 100}
PACKAGE = Path(simulator.__file__).parent


@pytest.fixture
def trial(settings: dict[str, str]) -> Iterator[Network]:
    """The network of a demo, which knows the secret of the service's routes."""
    built = build_simulator(read_settings(settings | {"DEMO_SECRET": SECRET}))
    with serving(create_app(built)) as port, Network(f"http://127.0.0.1:{port}") as network:
        yield network
    built.jobs.close()


def tells(product: Product, state: str, **more: object) -> None:
    """Let the service tell one customer, the others unknown to it."""
    customer = {"number": f"+86{PHONE}", "state": state, **MOBILE, **more}
    told = json.dumps({"clock": CLOCK, "customers": [customer]})
    product.responses["/demo/customers"] = lambda _: Response(told, content_type="application/json")


def test_change_of_a_customer_is_one_event(trial: Network, product: Product):
    for state in ("none", "none", "active", "active"):
        tells(product, state)
        assert trial.get("/api/service")["clock"]["moved_seconds"] == 3600
    seen = trial.events(PHONE, "customer")
    assert [event["state"] for event in seen] == ["none", "active"]
    assert seen[1]["month_fen"] == 100


def test_events_bear_the_time_of_the_service(trial: Network, product: Product):
    def hour_of_power(*, on: bool) -> str:
        trial.post(f"/api/phones/{PHONE}/power", 200, on=on)
        return trial.events(PHONE, "power")[-1]["at"][:13]

    before = hour_of_power(on=False)
    tells(product, "none")
    trial.get("/api/service")
    assert hour_of_power(on=True) > before


def test_end_of_the_month_is_the_first_midnight_of_the_next(trial: Network, product: Product):
    tells(product, "none")
    moved = json.dumps({"clock": CLOCK | {"now": "2026-11-30T16:00:00+00:00"}})
    product.responses["/demo/clock"] = lambda _: Response(moved, content_type="application/json")
    trial.post("/api/clock", 200, move="month_end")
    trial.post("/api/clock", 200, move="+48h")
    assert [form["move"] for form in product.posts("/demo/clock")] == ["2026-12-01", "+48h"]


def test_service_that_does_not_answer_is_told_in_both_languages(trial: Network, product: Product):
    product.answer("/demo/customers", "", status=503)
    answer = trial.get("/api/service")
    assert ("没有应答" in answer["error_zh"], "does not answer" in answer["error"]) == (True, True)
    tells(product, "none")
    product.answer("/demo/clock", "", status=400)
    trial.post("/api/clock", 503, move="+1h")


@pytest.mark.parametrize("move", ["", "2027-01-01", "-1h", "+1000h", 1, None])
def test_other_moves_are_refused(trial: Network, product: Product, move: object):
    trial.post("/api/clock", 400, move=move)
    assert product.posts("/demo/clock") == []


def test_network_without_the_secret_has_neither_clock_nor_afresh(network: Network):
    assert network.get("/api/service") == {"clock": None, "can_start_afresh": False}
    for path, body in (("/api/clock", {"move": "now"}), ("/api/afresh", {})):
        answer = network.post(path, 409, **body)
        assert answer["error"]
        assert answer["error_zh"]


def test_removed_phone_takes_its_messages_along(network: Network):
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    network.post(f"/api/phones/{PHONE}/remove", 200)
    assert PHONE not in [phone["number"] for phone in network.get("/api/phones")["phones"]]
    network.post(f"/api/phones/{PHONE}/texts", 404, to="7500", body="x")
    network.post(f"/api/phones/{PHONE}/remove", 404)
    again = network.post("/api/phones", 201, number=PHONE)
    assert (again["zh"], again["on"]) == ("广东 广州", True)
    assert [e["kind"] for e in network.events(PHONE)] == ["removed"]


def test_text_to_a_removed_phone_is_delivered_to_a_number_off_the_page(network: Network):
    network.post("/api/phones/13957112345/remove", 200)
    network.post(f"/api/phones/{PHONE}/texts", 202, to="13957112345", body="hi")
    assert "13957112345" not in [phone["number"] for phone in network.get("/api/phones")["phones"]]


def test_each_sentence_of_the_page_is_in_both_languages():
    texts = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    for key, (zh, en) in texts.items():
        assert zh.strip(), key
        assert en.strip(), key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key
        assert not re.search("[一-鿿，。：（）]", en), key
        assert not re.search("[(:;,!?]", zh), key


def test_page_asks_for_no_sentence_that_is_missing():
    texts = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    page = (PACKAGE / "templates" / "page.html").read_text("utf-8")
    scripts = "".join(each.read_text("utf-8") for each in (PACKAGE / "static").glob("*.js"))
    named = re.findall(r'data-(?:word|label|title|placeholder|hint)="([\w.]+)"', page)
    named += re.findall(r'\bword\("([\w.-]+)"', scripts)
    assert len(named) > 60
    assert set(named) - texts.keys() == set()
