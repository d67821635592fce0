"""The same wish in the same state comes to the same, online as by text."""

import pytest
import redis

from app.bootstrap import Container
from tests.conftest import GUANGDONG, ZHEJIANG, Network
from tests.ivr.test_same_as_text import begin, came_of
from tests.support.fixtures import FUJIAN, GUANGXI, audit, charges, notices, standing
from tests.web.portal.conftest import Browsers

#: Each wish as texts and as buttons, with the states to wish it in.
WISHES = {
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
def test_a_wish_online_comes_to_what_it_comes_to_by_text(
    network: Network, built: Container, raw: redis.Redis, browsers: Browsers, number: str
):
    browser = browsers(number)
    browser.signs_in()
    for wish, (texts, buttons, states) in WISHES.items():
        for state in states:
            outcomes = []
            for door in ("text", "web"):
                begin(built, raw, network, number, state)
                before = len(audit(raw, number))
                if door == "text":
                    for text in texts:
                        network.text(number, text)
                else:
                    for button in buttons:
                        mark = ""
                        order = standing(built, number).order
                        if button == "yes" and order is not None:
                            mark = order.made_at.isoformat()
                        assert browser.wishes(button, mark).status == 200
                outcomes.append(came_of(built, raw, number, before))
            assert outcomes[0] == outcomes[1], f"{wish} when {state}"


def test_a_pending_order_is_dropped_where_a_text_would_drop_it(
    network: Network, built: Container, browsers: Browsers
):
    browser = browsers()
    browser.signs_in()
    network.text(GUANGDONG, "开通短信回执")
    assert "您有一份申请待确认" in browser.goes().text
    browser.goes("cancel")
    assert "取消后不会开通" in browser.seen.text
    assert browser.presses("cancel").told == ["申请已结束，未开通，未收费。"]
    assert standing(built, GUANGDONG).state == "none"
    assert "取消待确认的短信回执申请" in notices(built, GUANGDONG)[-1]


def test_an_order_begun_by_text_is_finished_online_and_the_other_way_round(
    network: Network, built: Container, browsers: Browsers
):
    browser = browsers()
    browser.signs_in()
    network.text(GUANGDONG, "开通短信回执")
    browser.goes("confirm")
    assert browser.presses("yes").state == "使用中"
    other = browsers(GUANGXI)
    other.signs_in()
    other.goes("open")
    other.presses("open")
    network.text(GUANGXI, "是")
    assert other.goes().state == "使用中"
    assert [s for s, _ in charges(built, GUANGXI)] == ["monthly"]
