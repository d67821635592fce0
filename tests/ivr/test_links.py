"""A call's place travels in the link of each question: signed, so nobody can make one up."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import redis
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from app.bootstrap import Container
from ivr.call_context import CallContext
from receipts.model.vocabulary import DisplayMode, Language
from statemachines.call_menu import CallState
from statemachines.subscription import SubscriptionState
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN, Network
from tests.support.caller import Call
from tests.support.fixtures import contents, standing

GOOD = {
    "at": "menu", "lang": "zh", "as": "none", "mode": "flash",
    "step": "2", "silent": "0", "wrong": "0",
}  # fmt: skip
ODD = [
    ("at", "nowhere"), ("at", ""), ("at", "MENU"), ("lang", "fr"), ("lang", "yue"), ("lang", "中"),
    ("as", "rich"), ("mode", "fax"), ("step", "-1"), ("step", "x"), ("step", "1e3"), ("step", "٣"),
    ("step", "9" * 400), ("step", "10001"), ("step", " 1"), ("silent", ""), ("silent", "+1"),
    ("wrong", "0x1"), ("wrong", "\x00"), ("silent", "１"),
]  # fmt: skip


def test_an_odd_part_of_a_link_is_refused_even_when_signed(network: Network, raw: redis.Redis):
    before = contents(raw)
    for name, value in ODD:
        answer = key(network, GOOD | {name: value})
        assert answer.status_code == 400, (name, value)
        assert answer.mimetype == "application/json"
    assert contents(raw) == before


def test_a_link_that_lacks_a_part_is_refused_by_its_name(network: Network):
    for name in GOOD:
        answer = key(network, {part: value for part, value in GOOD.items() if part != name})
        assert answer.status_code == 400
        assert name in answer.get_data(as_text=True)


def test_more_in_a_link_than_we_wrote_does_no_harm(network: Network):
    assert key(network, GOOD | {"x": "取消", "from": "here"}).status_code == 200


@pytest.mark.parametrize(
    ("part", "forged"), [("at=offer", "at=menu"), ("step=3", "step=9"), ("as=none", "as=active")]
)
def test_an_edited_link_is_refused_and_does_nothing(
    call: Call, raw: redis.Redis, part: str, forged: str
):
    """The signature of the link as it was does not fit the link as it is now."""
    call.dials()
    link = call.presses("11").link
    assert part in link
    fields = {"AccountSid": ACCOUNT, "CallSid": call.sid, "From": GUANGDONG, "Digits": "1"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + link, fields)
    before = contents(raw)
    answer = call.network.client.post(
        link.replace(part, forged), data=fields, headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 403
    assert contents(raw) == before


def test_a_link_of_another_call_cannot_be_pressed_for_one_that_never_heard_the_price(
    call: Call, built: Container
):
    """Signed for one caller, it opens nothing for another: the number is in the signed form."""
    call.dials()
    link = call.presses("11").link
    fields = {"AccountSid": ACCOUNT, "CallSid": call.sid, "From": GUANGDONG, "Digits": "1"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + link, fields)
    fields["From"] = "+8613802880001"
    answer = call.network.client.post(link, data=fields, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403
    assert standing(built, "+8613802880001").version == 0


def test_every_place_of_a_call_is_read_back_as_it_was_written():
    for at in CallState:
        for customer in SubscriptionState:
            place = CallContext(at, Language.EN, customer, DisplayMode.TEXT, "CN-GX", True, 7, 1, 2)
            query = parse_qs(urlsplit(place.link("https://x")).query)
            assert CallContext.read({name: values[0] for name, values in query.items()}) == place


def test_a_very_long_call_still_gets_answers(call: Call):
    call.dials()
    call.presses("1")
    for _ in range(60):
        call.presses("#")
    assert not call.last.over


def key(network: Network, parts: dict[str, str]) -> TestResponse:
    """A key pressed at a place of our choice, well signed."""
    return network.post(f"/voice/key?{urlencode(parts)}", CallSid="CA1", From=GUANGDONG, Digits="*")
