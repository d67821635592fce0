"""An intent has the same result on the portal as by SMS."""

import pytest
import redis

from app.bootstrap import Container
from tests.conftest import GUANGDONG, ZHEJIANG, Network
from tests.ivr.test_same_result_as_sms import prepare, result
from tests.support.browser import Browser
from tests.support.fixtures import FUJIAN, GUANGXI, charges, notices, standing
from tests.web.portal.conftest import Browsers

#: Each intent as texts and as buttons, with subscription states.
INTENTS = {
    "open": (("开通短信回执", "是"), ("open", "yes"), ("none", "pending", "ending")),
    "no": (("开通短信回执", "0"), ("open", "no"), ("none", "pending", "ending")),
    "open, already": (("开通短信回执",), ("open",), ("active", "suspended")),
    "cancel": (("TD",), ("cancel",), ("none", "active", "ending", "suspended")),
    "ordinary": (("PT",), ("ordinary",), ("none", "active", "ending", "suspended")),
    "flash": (("SX",), ("flash",), ("active, text", "ending, text", "active")),
    "english": (("EN",), ("english",), ("none", "active")),
    "news": (("XWXX",), ("news",), ("none", "active", "ending", "suspended")),
    "advertising": (("GGXX",), ("advertising",), ("active",)),
    "no messages": (("GGXX", "TDXX"), ("advertising", "no_messages"), ("active", "none")),
}


@pytest.mark.parametrize("number", [GUANGXI, FUJIAN, ZHEJIANG])
def test_portal_and_sms_have_the_same_result(
    network: Network, built: Container, raw: redis.Redis, browsers: Browsers, number: str
):
    browser = browsers(number)
    browser.signs_in()
    cases = [(*texts, state) for *texts, states in INTENTS.values() for state in states]
    for texts, buttons, state in cases:
        entries = prepare(built, raw, network, number, state)
        for text in texts:
            network.text(number, text)
        by_sms = result(built, raw, number, entries)
        entries = prepare(built, raw, network, number, state)
        for button in buttons:
            order = standing(built, number).order
            offer = order.made_at.isoformat() if button == "yes" and order else ""
            assert browser.wishes(button, offer).status == 200
        assert result(built, raw, number, entries) == by_sms, f"{buttons} when {state}"


def test_cancellation_drops_an_sms_order(network: Network, built: Container, customer: Browser):
    network.text(GUANGDONG, "开通短信回执")
    assert "您有一份开通申请待确认" in customer.goes().text
    customer.goes("cancel")
    assert "取消后不开通" in customer.seen.text
    assert customer.presses("cancel").told == ["开通申请已取消：未开通，本次申请未收费。"]
    assert standing(built, GUANGDONG).state == "none"
    assert "已取消短信回执开通申请" in notices(built, GUANGDONG)[-1]


def test_order_of_one_channel_is_confirmed_by_the_other(
    network: Network, built: Container, customer: Browser, browsers: Browsers
):
    network.text(GUANGDONG, "开通短信回执")
    customer.goes("confirm")
    assert customer.presses("yes").state == "使用中"
    other = browsers(GUANGXI)
    other.signs_in()
    other.goes("open")
    other.presses("open")
    network.text(GUANGXI, "是")
    assert other.goes().state == "使用中"
    assert [s for s, _ in charges(built, GUANGXI)] == ["monthly"]
