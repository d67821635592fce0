"""Twilio Lookup of numbers that the prefix table cannot place."""

import dataclasses
import json
import re
from collections.abc import Iterator

import pytest
import requests
import responses
from responses import RequestsMock

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings, SettingsError
from receipts.model.vocabulary import Msisdn, Network
from receipts.ports.provider import TemporaryError
from receipts.providers.twilio_lookup import TIMEOUTS_SECONDS, TwilioLookup
from tests.conftest import ACCOUNT, GUANGDONG, TOKEN, TestClock
from tests.conftest import Network as Webhooks
from tests.support.fixtures import standing

UNPLACED = Msisdn("+8614212345678")  # a mobile range that the prefix table lacks
URL = "https://lookups.twilio.com"
EMPTY_BODIES = ["null", "[]", "{}", '{"line_type_intelligence": null}']
UNUSABLE_BODIES = ["<html>", requests.ConnectTimeout(), requests.ReadTimeout()]
_ANY = re.compile(rf"{URL}/v2/PhoneNumbers/.*")


def body(country: str | None, code: str | None) -> str:
    """Response body of Twilio Lookup v2."""
    return json.dumps({
        "calling_country_code": "86", "country_code": "CN", "phone_number": UNPLACED,
        "national_format": "142 1234 5678", "valid": True, "validation_errors": [],
        "line_type_intelligence": {
            "mobile_country_code": country, "mobile_network_code": code, "carrier_name": "carrier",
            "type": "mobile", "error_code": None,
        },
        "url": f"{URL}/v2/PhoneNumbers/{UNPLACED}",
    })  # fmt: skip


def network_of() -> Network | None:
    return TwilioLookup((ACCOUNT, TOKEN), URL).network_of(UNPLACED)


@pytest.fixture
def twilio() -> Iterator[RequestsMock]:
    with RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def webhooks(settings: Settings, built: Container) -> Webhooks:
    """Webhooks of an app with LOOKUP=twilio."""
    with_lookup = dataclasses.replace(settings, lookup="twilio")
    app = create_app(with_lookup, dataclasses.replace(built, settings=with_lookup))
    return Webhooks(app.test_client())


def asks_province(webhooks: Webhooks) -> bool:
    """Whether an order is answered by the list of provinces, and so not refused as off-net."""
    return "1 广东" in webhooks.text(UNPLACED, "开通短信回执").get_data(as_text=True)


@pytest.mark.parametrize(("country", "codes", "network"), [
    ("460", ("00", "02", "13"), Network.CHINA_MOBILE), ("460", ("01",), Network.CHINA_UNICOM),
    ("460", ("11",), Network.CHINA_TELECOM), ("460", ("15",), Network.OTHER),
    ("460", ("99", None), None), ("454", ("12",), None), (None, (None,), None),
])  # fmt: skip
def test_network_follows_from_mobile_country_and_network_code(
    twilio: RequestsMock, country: str | None, codes: tuple[str | None, ...],
    network: Network | None,
):  # fmt: skip
    for code in codes:
        twilio.upsert(responses.GET, _ANY, body=body(country, code))
        assert network_of() is network
        request = twilio.calls[-1].request
        assert request.url == f"{URL}/v2/PhoneNumbers/+8614212345678?Fields=line_type_intelligence"
        assert request.headers["Authorization"].startswith("Basic ")
    assert sum(TIMEOUTS_SECONDS) <= 2


@pytest.mark.parametrize(("status", "text"), [*((200, each) for each in EMPTY_BODIES), (404, "{}")])
def test_empty_result_or_unknown_number_is_unknown_network(
    twilio: RequestsMock, status: int, text: str
):
    twilio.get(_ANY, status=status, body=text)
    assert network_of() is None


@pytest.mark.parametrize("answer", [
    *({"status": each} for each in (401, 429, 500)), *({"body": each} for each in UNUSABLE_BODIES),
])  # fmt: skip
def test_failed_lookup_is_a_temporary_error(twilio: RequestsMock, answer: dict[str, object]):
    twilio.add(responses.GET, _ANY, **answer)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError, match="lookup: "):
        network_of()


def test_off_net_number_is_refused_and_looked_up_once_a_month(
    webhooks: Webhooks, built: Container, clock: TestClock, twilio: RequestsMock
):
    twilio.get(_ANY, body=body("460", "01"))
    assert not asks_province(webhooks)
    assert not asks_province(webhooks)
    webhooks.post("/voice", CallSid="CA01", From=UNPLACED, To="10086")
    customer = standing(built, UNPLACED)
    assert (customer.network, customer.source) == (Network.CHINA_UNICOM, "lookup")
    assert len(twilio.calls) == 1
    clock.move(days=31)
    twilio.replace(responses.GET, _ANY, body=body("460", "00"))
    assert asks_province(webhooks)
    assert len(twilio.calls) == 2


def test_caller_is_looked_up_too(webhooks: Webhooks, built: Container, twilio: RequestsMock):
    twilio.get(_ANY, body=body("460", "03"))
    webhooks.post("/voice", CallSid="CA01", From=UNPLACED, To="10086")
    assert standing(built, UNPLACED).network is Network.CHINA_TELECOM


def test_number_in_the_prefix_table_is_not_looked_up(webhooks: Webhooks, twilio: RequestsMock):
    webhooks.open(GUANGDONG)
    webhooks.text("+8613001012345", "开通短信回执")
    assert len(twilio.calls) == 0


def test_failed_lookup_is_unknown_and_pauses_lookups(
    webhooks: Webhooks, built: Container, twilio: RequestsMock
):
    twilio.get(_ANY, status=500)
    assert all(asks_province(webhooks) for _ in range(3))
    assert len(twilio.calls) == 1
    assert standing(built, UNPLACED).network is None


def test_unknown_result_counts_for_a_month_and_is_not_off_net(
    webhooks: Webhooks, built: Container, twilio: RequestsMock
):
    twilio.get(_ANY, body=body(None, None))
    assert all(asks_province(webhooks) for _ in range(2))
    assert len(twilio.calls) == 1
    webhooks.text(UNPLACED, "1")
    webhooks.open(UNPLACED)
    assert standing(built, UNPLACED).state == "active"


def test_no_lookup_by_default_and_other_values_are_refused(
    network: Webhooks, twilio: RequestsMock, settings: Settings
):
    network.text(UNPLACED, "开通短信回执")
    assert (settings.lookup, len(twilio.calls)) == ("none", 0)
    with pytest.raises(SettingsError, match="LOOKUP=maybe must be none or twilio"):
        Settings.read({"LOOKUP": "maybe"})
