"""Asking Twilio for the network of a number that no table places."""

import dataclasses
import json
import re
from collections.abc import Iterator

import pytest
import requests
import responses

from app import bootstrap
from app.factory import create_app
from app.settings import Settings, SettingsError
from receipts.model.vocabulary import Msisdn, Network
from receipts.ports.provider import TemporaryError
from receipts.providers.twilio_lookup import TIMEOUTS_SECONDS, TwilioLookup
from tests.conftest import ACCOUNT, GUANGDONG, TOKEN, TestClock
from tests.conftest import Network as Caller

UNPLACED = Msisdn("+8614212345678")  # a mobile range of which the table knows nothing
URL = "https://lookups.twilio.com"
_ANY = re.compile(rf"{URL}/v2/PhoneNumbers/.*")


def line(country: str | None, code: str | None) -> str:
    """A body as Twilio sends it."""
    return json.dumps(
        {
            "calling_country_code": "86",
            "country_code": "CN",
            "phone_number": UNPLACED,
            "national_format": "142 1234 5678",
            "valid": True,
            "validation_errors": [],
            "line_type_intelligence": {
                "mobile_country_code": country,
                "mobile_network_code": code,
                "carrier_name": "somebody",
                "type": "mobile",
                "error_code": None,
            },
            "url": f"{URL}/v2/PhoneNumbers/{UNPLACED}",
        }
    )


@pytest.fixture
def twilio() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def asking(settings: Settings, built: bootstrap.Container) -> Caller:
    """Doors with LOOKUP=twilio."""
    asks = dataclasses.replace(settings, lookup="twilio")
    app = create_app(asks, dataclasses.replace(built, settings=asks))
    return Caller(app.test_client())


@pytest.mark.parametrize(
    ("country", "code", "network"),
    [
        ("460", "00", Network.CHINA_MOBILE),
        ("460", "02", Network.CHINA_MOBILE),
        ("460", "13", Network.CHINA_MOBILE),
        ("460", "01", Network.CHINA_UNICOM),
        ("460", "11", Network.CHINA_TELECOM),
        ("460", "15", Network.OTHER),
        ("460", "99", None),
        ("454", "12", None),
        (None, None, None),
        ("460", None, None),
    ],
)
def test_a_network_is_told_by_its_codes_and_null_is_unknown(
    twilio: responses.RequestsMock, country: str | None, code: str | None, network: Network | None
):
    twilio.get(_ANY, body=line(country, code))
    assert TwilioLookup((ACCOUNT, TOKEN), URL).network_of(UNPLACED) is network
    asked = twilio.calls[0].request
    assert asked.url == f"{URL}/v2/PhoneNumbers/+8614212345678?Fields=line_type_intelligence"
    assert asked.headers["Authorization"].startswith("Basic ")
    assert sum(TIMEOUTS_SECONDS) <= 2


@pytest.mark.parametrize("body", ["null", "[]", "{}", '{"line_type_intelligence": null}'])
def test_an_empty_answer_is_unknown(twilio: responses.RequestsMock, body: str):
    twilio.get(_ANY, body=body)
    assert TwilioLookup((ACCOUNT, TOKEN), URL).network_of(UNPLACED) is None


def test_a_number_twilio_does_not_have_is_unknown(twilio: responses.RequestsMock):
    twilio.get(_ANY, status=404, body="{}")
    assert TwilioLookup((ACCOUNT, TOKEN), URL).network_of(UNPLACED) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 429},
        {"status": 500},
        {"status": 401},
        {"body": "<html>"},
        {"body": requests.ConnectTimeout()},
        {"body": requests.ReadTimeout()},
    ],
)
def test_no_answer_is_told_as_one_to_try_later(
    twilio: responses.RequestsMock, answer: dict[str, object]
):
    twilio.add(responses.GET, _ANY, **answer)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError, match="lookup: "):
        TwilioLookup((ACCOUNT, TOKEN), URL).network_of(UNPLACED)


def test_a_number_found_elsewhere_is_refused_and_asked_of_once_a_month(
    asking: Caller, built: bootstrap.Container, clock: TestClock, twilio: responses.RequestsMock
):
    twilio.get(_ANY, body=line("460", "01"))
    refused = asking.text(UNPLACED, "开通短信回执").get_data(as_text=True)
    assert "1 广东" not in refused
    asking.text(UNPLACED, "开通短信回执")
    asking.post("/voice", CallSid="CA01", From=UNPLACED, To="10086")
    held = built.store.load(UNPLACED).subscription
    assert (held.network, held.source) == (Network.CHINA_UNICOM, "lookup")
    assert len(twilio.calls) == 1
    clock.move(days=31)
    twilio.replace(responses.GET, _ANY, body=line("460", "00"))
    assert "1 广东" in asking.text(UNPLACED, "开通短信回执").get_data(as_text=True)
    assert len(twilio.calls) == 2


def test_a_call_is_looked_up_too(
    asking: Caller, built: bootstrap.Container, twilio: responses.RequestsMock
):
    twilio.get(_ANY, body=line("460", "03"))
    asking.post("/voice", CallSid="CA01", From=UNPLACED, To="10086")
    assert built.store.load(UNPLACED).subscription.network is Network.CHINA_TELECOM


def test_numbers_the_table_places_are_never_asked_of(
    asking: Caller, twilio: responses.RequestsMock
):
    asking.open(GUANGDONG)
    asking.text("+8613001012345", "开通短信回执")
    assert len(twilio.calls) == 0


def test_a_failing_lookup_is_unknown_and_is_not_waited_for_again_at_once(
    asking: Caller, built: bootstrap.Container, twilio: responses.RequestsMock
):
    twilio.get(_ANY, status=500)
    for _ in range(3):
        assert "1 广东" in asking.text(UNPLACED, "开通短信回执").get_data(as_text=True)
    assert len(twilio.calls) == 1
    assert built.store.load(UNPLACED).subscription.network is None


def test_what_cannot_be_told_is_not_asked_again_and_is_not_off_net(
    asking: Caller, built: bootstrap.Container, twilio: responses.RequestsMock
):
    twilio.get(_ANY, body=line(None, None))
    for _ in range(2):
        assert "1 广东" in asking.text(UNPLACED, "开通短信回执").get_data(as_text=True)
    assert len(twilio.calls) == 1
    asking.text(UNPLACED, "1")
    asking.open(UNPLACED)
    assert built.store.load(UNPLACED).subscription.state == "active"


def test_nobody_is_asked_unless_it_is_set(
    network: Caller, twilio: responses.RequestsMock, settings: Settings
):
    network.text(UNPLACED, "开通短信回执")
    assert (settings.lookup, len(twilio.calls)) == ("none", 0)
    with pytest.raises(SettingsError, match="LOOKUP=maybe: give none or twilio"):
        Settings.read({"LOOKUP": "maybe"})
