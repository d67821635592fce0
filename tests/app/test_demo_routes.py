"""The routes of the simulated phones: behind their secret, and only where it is set."""

import datetime as dt
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.bootstrap import Container
from app.clock import MovableClock
from app.factory import create_app
from app.settings import Settings, SettingsError
from tests.conftest import GUANGDONG, UNICOM, ZHEJIANG, Network
from tests.support.product import surroundings

SECRET = "a-demo-secret-of-the-tests"


@pytest.fixture
def demo(settings: Settings, built: Container) -> FlaskClient:
    return create_app(replace(settings, demo_secret=SECRET), built).test_client()


def asks(demo: FlaskClient, *numbers: str, secret: str = SECRET) -> TestResponse:
    query = {"number": list(numbers)}
    return demo.get("/demo/customers", query_string=query, headers={"X-Demo-Secret": secret})


def moves(demo: FlaskClient, **form: str) -> TestResponse:
    return demo.post("/demo/clock", data=form, headers={"X-Demo-Secret": SECRET})


def test_state_price_and_fees_follow_the_customer(demo: FlaskClient) -> None:
    network = Network(demo)

    def seen() -> dict[str, object]:
        first = asks(demo, GUANGDONG, UNICOM).json["customers"][0]
        assert first["number"] == GUANGDONG
        return first

    assert (seen()["state"], seen()["until"], seen()["month_fen"]) == ("none", None, 0)
    assert set(seen()["price"]) == {"zh", "en"}
    network.text(GUANGDONG, "KTDXHZ")
    assert seen()["state"] == "pending"
    assert dt.datetime.fromisoformat(seen()["until"]) > dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    network.text(GUANGDONG, "是")
    assert (seen()["state"], seen()["mode"], seen()["month_fen"]) == ("active", "flash", 100)
    network.text(GUANGDONG, "PT")
    assert seen()["mode"] == "text"
    network.text(GUANGDONG, "QXDXHZ")
    assert seen()["state"] == "ending"
    assert dt.datetime.fromisoformat(seen()["until"]).minute == 0


def test_number_that_cannot_subscribe_has_no_price(demo: FlaskClient) -> None:
    (unicom,) = asks(demo, UNICOM).json["customers"]
    assert (unicom["state"], unicom["price"]) == ("none", {})


def test_clock_moves_as_the_command_moves_it(demo: FlaskClient, settings: Settings) -> None:
    assert asks(demo).json["clock"]["moved_seconds"] == 0
    assert moves(demo, move="+48h").json["clock"]["moved_seconds"] == pytest.approx(172_800, abs=2)
    clock = MovableClock(settings.data_dir)
    assert clock.shift() > dt.timedelta(hours=47)
    moves(demo, move="now")
    assert not clock.shift()


def test_bad_move_is_refused_and_moves_no_clock(demo: FlaskClient, settings: Settings) -> None:
    for form in (
        {},
        {"move": ""},
        {"move": "tomorrow"},
        {"move": "+99999999d"},
        {"move": "3000-01-01"},
    ):
        refused = moves(demo, **form)
        assert refused.status_code == 400, form
        assert len(refused.json["error"]) > 10
    assert not MovableClock(settings.data_dir).shift()


def test_bad_numbers_are_refused(demo: FlaskClient) -> None:
    assert asks(demo, "x").status_code == 400
    assert asks(demo, *[ZHEJIANG] * 101).status_code == 400
    assert len(asks(demo, *[ZHEJIANG] * 100).json["customers"]) == 100


@pytest.mark.parametrize("secret", ["", "another-secret-of-the-tests", SECRET[:-1], f"{SECRET},"])
def test_request_without_the_secret_is_refused(demo: FlaskClient, secret: str) -> None:
    assert asks(demo, GUANGDONG, secret=secret).status_code == 403


def test_routes_are_missing_where_no_secret_is_set(client: FlaskClient) -> None:
    for secret in ("", SECRET):
        assert asks(client, GUANGDONG, secret=secret).status_code == 404


def test_secret_beside_a_clock_that_stands_is_refused_at_start() -> None:
    environ = surroundings(DEMO_SECRET="0123456789abcdef-of-a-demo")
    with pytest.raises(
        SettingsError, match="DEMO_SECRET is for trials alone: it needs CLOCK=movable"
    ):
        Settings.read(environ)
    assert Settings.read(environ | {"CLOCK": "movable"}).demo_secret
