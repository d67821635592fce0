"""The pretend account: shapes of Twilio's API description, and faults that really fail."""

# ruff: noqa: ANN401 - JSON and the SDK have no types
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Response
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from receipts.providers.twilio_http import SdkHttpClient
from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import until

TOKEN = "a-pretend-token"
SID = "AC" + "0123456789abcdef" * 2
LONG, TOLL_FREE = "+14155550199", "+18885550199"
PERSON, BRITON = "+14155550100", "+447700900123"
SERVICE, APPLICATION, BUNDLE = "MG" + "0" * 32, "AP" + "0" * 32, "BU" + "0" * 32
#: An account with a record of each kind.
WHOLE = {
    "numbers": {LONG: {}, TOLL_FREE: {}, "7500": {}},
    "services": {SERVICE: {"senders": [LONG, "7500"], "campaigns": ["VERIFIED"]}},
    "applications": {APPLICATION: {}},
    "bundles": {BUNDLE: "twilio-approved"},
    "brands": ["APPROVED"],
    "toll_free": {TOLL_FREE: "TWILIO_APPROVED"},
    "verified_callers": [PERSON],
}


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"NETWORK_PHONES": f"{PERSON} {BRITON}"}


@pytest.fixture
def client(network: Network) -> Iterator[Any]:
    network.post("/api/account", 200, **WHOLE)
    with closing(SdkHttpClient(network.url, 1)) as http:
        yield Client(SID, TOKEN, http_client=http)


#: Types by field, as in Twilio's API description (twilio_api_v2010, messaging_v1, trusthub_v1,
#: numbers_v2, voice_v1 and accounts_v1 of its OpenAPI files).
NUMBER_TYPES = {
    "sid": str, "account_sid": str, "phone_number": str, "capabilities": dict, "sms_url": str,
    "sms_method": str, "sms_fallback_url": str, "sms_application_sid": str, "voice_url": str,
    "voice_fallback_url": str, "voice_application_sid": str, "status_callback": str,
    "address_requirements": str, "voice_receive_mode": str, "beta": bool, "origin": str,
}  # fmt: skip
SERVICE_TYPES = {
    "sid": str, "use_inbound_webhook_on_number": bool, "us_app_to_person_registered": bool,
    "inbound_method": str, "links": dict, "validity_period": int,
}  # fmt: skip
READS = {
    "account": (
        lambda c: c.api.v2010.accounts(SID).fetch(),
        {"sid": str, "type": str, "status": str, "owner_account_sid": str},
    ),
    "balance": (lambda c: c.balance.fetch(), {"balance": str, "currency": str}),
    "number": (lambda c: c.incoming_phone_numbers.list(phone_number=LONG)[0], NUMBER_TYPES),
    "short code": (lambda c: c.short_codes.list(short_code="7500")[0], {"short_code": str}),
    "caller": (lambda c: c.outgoing_caller_ids.list()[0], {"phone_number": str}),
    "application": (lambda c: c.applications(APPLICATION).fetch(), {"sms_url": str, "sid": str}),
    "services": (lambda c: c.messaging.v1.services.list()[0], SERVICE_TYPES),
    "service": (lambda c: c.messaging.v1.services(SERVICE).fetch(), SERVICE_TYPES),
    "sender": (
        lambda c: c.messaging.v1.services(SERVICE).phone_numbers.list()[0],
        {"phone_number": str, "country_code": str, "capabilities": list},
    ),
    "code": (
        lambda c: c.messaging.v1.services(SERVICE).short_codes.list()[0], {"short_code": str}
    ),
    "campaign": (
        lambda c: c.messaging.v1.services(SERVICE).us_app_to_person.list()[0],
        {"sid": str, "campaign_status": str, "messaging_service_sid": str},
    ),
    "brand": (lambda c: c.messaging.v1.brand_registrations.list()[0], {"status": str}),
    "verification": (
        lambda c: c.messaging.v1.tollfree_verifications.list(
            tollfree_phone_number_sid="PN" + TOLL_FREE[1:].rjust(32, "0")
        )[0],
        {"tollfree_phone_number": str, "status": str},
    ),
    "profile": (lambda c: c.trusthub.v1.customer_profiles.list()[0], {"status": str}),
    "bundle": (
        lambda c: c.numbers.v2.regulatory_compliance.bundles(BUNDLE).fetch(), {"status": str}
    ),
    "calls": (
        lambda c: c.voice.v1.dialing_permissions.countries("GB").fetch(),
        {"iso_code": str, "low_risk_numbers_enabled": bool},
    ),
    "texts": (
        lambda c: c.accounts.v1.messaging_geopermissions.fetch("GB"), {"permissions": list}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_resource_has_the_shape_that_the_sdk_reads(client: Any, name: str):
    read, types = READS[name]
    record = read(client)
    wrong = {
        f: getattr(record, f) for f, kind in types.items() if type(getattr(record, f)) is not kind
    }
    assert wrong == {}


@pytest.mark.parametrize("path", [".json", "/IncomingPhoneNumbers.json", "/SMS/ShortCodes.json"])
def test_every_field_is_one_that_the_sdk_knows(client: Any, network: Network, path: str):
    answer = network.session.get(
        f"{network.url}/2010-04-01/Accounts/{SID}{path}", auth=(SID, TOKEN), timeout=9
    ).json()
    records = answer.get("incoming_phone_numbers") or answer.get("short_codes") or [answer]
    known = {
        ".json": READS["account"], "/IncomingPhoneNumbers.json": READS["number"],
        "/SMS/ShortCodes.json": READS["short code"],
    }[path][0](client)  # fmt: skip
    assert set(records[0]) <= set(vars(known))


def test_wrong_token_reads_no_resource(network: Network):
    with closing(SdkHttpClient(network.url, 1)) as http:
        client = Client(SID, "a-wrong-token", http_client=http)
        for read in (client.balance.fetch, client.messaging.v1.services(SERVICE).fetch):
            with pytest.raises(TwilioRestException) as refused:
                read()
            assert (refused.value.status, refused.value.code) == (401, 20003)


REFUSED = {
    20005: ({"status": "suspended"}, LONG, PERSON),
    21608: ({"type": "Trial", "verified_callers": []}, LONG, PERSON),
    21408: ({"no_texts_to": ["GB"]}, LONG, BRITON),
    21661: ({"numbers": {LONG: {"texts": False}}}, LONG, PERSON),
    21266: ({}, LONG, LONG),
    21606: ({}, "+14155550177", PERSON),
    21704: ({"services": {SERVICE: {"senders": []}}}, SERVICE, PERSON),
    21701: ({"services": {}}, SERVICE, PERSON),
}
FAILED = {
    30034: ({"services": {SERVICE: {"senders": [LONG], "campaigns": ["IN_PROGRESS"]}}}, LONG),
    30032: ({"toll_free": {TOLL_FREE: "PENDING_REVIEW"}}, TOLL_FREE),
    30002: ({"balance": "0"}, LONG),
}


def send(client: Any, sender: str, to: str) -> Any:
    key = "messaging_service_sid" if sender.startswith("MG") else "from_"
    return client.messages.create(to=to, body="hello", **{key: sender})


@pytest.mark.parametrize("code", REFUSED)
def test_planted_fault_refuses_the_text(client: Any, network: Network, code: int):
    planted, sender, to = REFUSED[code]
    network.post("/api/account", 200, **planted)
    with pytest.raises(TwilioRestException) as refused:
        send(client, sender, to)
    assert refused.value.code == code


@pytest.mark.parametrize("code", FAILED)
def test_planted_fault_fails_a_text_that_was_taken(client: Any, network: Network, code: int):
    planted, sender = FAILED[code]
    network.post("/api/account", 200, **planted)
    message = send(client, sender, PERSON)
    until(lambda: client.messages(message.sid).fetch().error_code == code)
    assert client.messages(message.sid).fetch().status == "undelivered"
    assert network.texts(PERSON) == []


def test_registered_sender_reaches_the_phone(client: Any, network: Network):
    for sender in (LONG, TOLL_FREE, SERVICE):
        send(client, sender, PERSON)
    until(lambda: len(network.texts(PERSON)) == 3)


@pytest.fixture
def webhooks(network: Network, product: Product) -> Network:
    """Our number asks the product's /own; a service, an application and a fallback differ."""
    own = {"sms_url": f"{product.url}/own#rc=2", "sms_fallback_url": f"{product.url}/fallback"}
    network.post("/api/account", 200, **WHOLE | {"numbers": {TOLL_FREE: own}, "services": {}})
    for path in ("/own", "/fallback", "/service", "/application"):
        product.answer(path, f"<Response><Message>from {path}</Message></Response>")
    return network


def answer_to_a_text(network: Network) -> str:
    network.post(f"/api/phones/{PERSON}/texts", 202, to=TOLL_FREE, body="hello")
    until(lambda: network.texts(PERSON) or network.events(PERSON, "note"), 40)
    notes = [each["en"] for each in network.events(PERSON, "note")]
    return (network.texts(PERSON) or notes)[0]


def test_text_goes_to_the_numbers_own_address(webhooks: Network, product: Product):
    assert answer_to_a_text(webhooks) == "from /own"
    [fields] = product.posts("/own")
    assert (fields["To"], fields["From"], fields["FromCountry"]) == (TOLL_FREE, PERSON, "US")


def test_service_wins_over_application_and_number(webhooks: Network, product: Product):
    service = {"senders": [TOLL_FREE], "inbound_request_url": f"{product.url}/service"}
    service |= {"use_inbound_webhook_on_number": False}
    webhooks.post("/api/account", 200, services={SERVICE: service})
    assert answer_to_a_text(webhooks) == "from /service"


def test_application_wins_over_the_number(webhooks: Network, product: Product):
    number = {"sms_url": f"{product.url}/own", "sms_application_sid": APPLICATION}
    application = {APPLICATION: {"sms_url": f"{product.url}/application"}}
    webhooks.post("/api/account", 200, numbers={TOLL_FREE: number}, applications=application)
    assert answer_to_a_text(webhooks) == "from /application"


def test_service_without_an_address_drops_texts(webhooks: Network):
    service = {"senders": [TOLL_FREE], "use_inbound_webhook_on_number": False}
    webhooks.post("/api/account", 200, services={SERVICE: service})
    assert "no address for texts" in answer_to_a_text(webhooks)


def test_fallback_answers_for_a_document_that_cannot_be_executed(
    webhooks: Network, product: Product
):
    product.answer("/own", "<Response>")
    assert answer_to_a_text(webhooks) == "from /fallback"
    [fields] = product.posts("/fallback")
    assert (fields["ErrorCode"], fields["ErrorUrl"]) == ("12100", f"{product.url}/own#rc=2")


def test_reply_to_an_unverified_phone_of_a_trial_fails(webhooks: Network):
    webhooks.post("/api/account", 200, type="Trial", verified_callers=[])
    assert "21608" in answer_to_a_text(webhooks)


def test_text_of_mainland_china_does_not_reach_a_twilio_number(webhooks: Network):
    webhooks.post(f"/api/phones/{PHONE}/texts", 202, to=TOLL_FREE, body="hello")
    until(lambda: "21612" in str(webhooks.events(PHONE, "note")))


@pytest.mark.parametrize(
    ("planted", "code"),
    [({"no_calls_to": ["GB"]}, "13227"), ({"type": "Trial", "verified_callers": []}, "21219")],
)
def test_agent_that_may_not_be_called_is_not_reached(
    network: Network, product: Product, planted: dict[str, Any], code: str
):
    network.post("/api/account", 200, **planted)
    dial = f'<Dial action="/voice/dialled"><Number>{BRITON}</Number></Dial>'
    product.answer("/voice", f"<Response>{dial}</Response>")
    product.responses["/voice/dialled"] = lambda _: Response("<Response/>", content_type="text/xml")
    network.post(f"/api/phones/{PHONE}/call", 202, to="10086")
    until(lambda: product.posts("/voice/dialled"))
    assert product.posts("/voice/dialled")[0]["DialCallStatus"] == "failed"
    assert code in str(network.events(PHONE, "call_note"))


def test_wrong_field_is_refused_and_changes_no_part(network: Network):
    before = network.get("/api/account")
    for wrong in ({"kind": "Trial"}, {"type": "trial"}, {"numbers": {TOLL_FREE: {"texts": "no"}}}):
        assert "account is not right" in network.post("/api/account", 400, **wrong)["error"]
    assert network.get("/api/account") == before
