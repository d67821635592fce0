"""The call context in the signed URL: round trip, malformed values, forgery."""

from itertools import product
from urllib.parse import parse_qsl, urlencode, urlsplit

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

OTHER = "+8613802880001"
VALID = {
    "at": "menu", "lang": "zh", "as": "none", "mode": "flash",
    "step": "2", "silent": "0", "wrong": "0",
}  # fmt: skip
MALFORMED = [
    ("at", "nowhere"), ("at", ""), ("at", "MENU"), ("lang", "fr"), ("lang", "yue"), ("lang", "中"),
    ("as", "rich"), ("mode", "fax"), ("step", "-1"), ("step", "x"), ("step", "1e3"), ("step", "٣"),
    ("step", "9" * 400), ("step", "10001"), ("step", " 1"), ("silent", ""), ("silent", "+1"),
    ("wrong", "0x1"), ("wrong", "\x00"), ("silent", "１"),
]  # fmt: skip


def press(network: Network, query: dict[str, str]) -> TestResponse:
    """Press a key with a signed URL of any context."""
    return network.post(f"/voice/key?{urlencode(query)}", CallSid="CA1", From=GUANGDONG, Digits="*")


def test_malformed_value_is_refused(network: Network, raw: redis.Redis):
    before = contents(raw)
    for name, value in MALFORMED:
        answer = press(network, VALID | {name: value})
        assert answer.status_code == 400, (name, value)
        assert answer.mimetype == "application/json"
    assert contents(raw) == before


def test_missing_parameter_is_refused_by_name(network: Network):
    for name in VALID:
        answer = press(network, {part: value for part, value in VALID.items() if part != name})
        assert answer.status_code == 400
        assert name in answer.get_data(as_text=True)


def test_malformed_number_or_flag_is_refused_by_name(network: Network):
    for name in ("step", "silent", "wrong", "again", "tried", "proved"):
        answer = press(network, VALID | {name: "x"})
        assert answer.status_code == 400
        assert f"missing or invalid: {name}" in answer.get_data(as_text=True)


def test_additional_parameter_is_ignored(network: Network):
    assert press(network, VALID | {"x": "取消", "from": "here"}).status_code == 200


@pytest.mark.parametrize(
    ("part", "forged"),
    [("at=offer", "at=menu"), ("step=3", "step=9"), ("as=none", "as=active"), (GUANGDONG, OTHER)],
)
def test_forged_request_is_refused(
    call: Call, built: Container, raw: redis.Redis, part: str, forged: str
):
    """The signature covers the URL and the caller's number."""
    call.dials()
    link = call.presses("11").link
    fields = {"AccountSid": ACCOUNT, "CallSid": call.sid, "From": GUANGDONG, "Digits": "1"}
    assert part in link + GUANGDONG
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + link, fields)
    before = contents(raw)
    fields["From"] = GUANGDONG.replace(part, forged)
    answer = call.network.client.post(
        link.replace(part, forged), data=fields, headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 403
    assert contents(raw) == before
    assert standing(built, OTHER).version == 0


def test_context_survives_the_url():
    for state, held in product(CallState, SubscriptionState):
        context = CallContext(state, Language.EN, held, DisplayMode.TEXT, "CN-GX", True, 7, 1, 2)
        query = dict(parse_qsl(urlsplit(context.link("https://x")).query))
        assert CallContext.from_query(query) == context


def test_long_call_is_still_answered(call: Call):
    call.dials()
    call.presses("1")
    call.presses("##3#*3" * 10)
    assert not call.last.over


@pytest.mark.parametrize("key", ["#", "0", "*"])
def test_repeats_without_a_choice_between_them_end_the_call(call: Call, key: str):
    call.dials()
    call.presses("1" + key * 5)
    assert not call.last.over
    assert call.presses(key).over
    assert "再见" in call.last.text


def test_endless_call_ends(call: Call):
    call.dials()
    call.presses("1")
    for _ in range(120):
        if call.presses("9").over:
            break
    assert call.last.over


def test_keys_of_a_second_pass_are_not_those_of_the_first(call: Call, built: Container):
    network = call.network
    network.open(GUANGDONG)
    call.dials()
    assert "普通短信" in call.presses("6").text
    first = call.last.place["pass"]
    assert call.dials().place["pass"] != first
    assert "闪信" in call.presses("6").text
    assert standing(built, GUANGDONG).mode == "flash"
