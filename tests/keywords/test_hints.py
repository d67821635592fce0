"""Texts without an intent: one hint, no charge, a daily limit."""

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.support.fixtures import SHAANXI, audit, charges, contents, stand, standing
from tests.support.texter import Phone, Texter, chinese, reply_of

UNREADABLE = {
    "empty": "",
    "spaces": "   \t\n",
    "emoji": "👍🏽👨‍👩‍👧🇨🇳",
    "garbage": "x7\u0000\ufffd~" * 320,
    "long Chinese": "短信" * 800,
    "markup": "<Response><Message>&amp;]]></Message>",
    "invisible": "\u200b\u200d\ufeff",
    "right to left": "\u202eZHXDTK",
    "numbers": "13800138000",
    "control": "\x01\x02\x1b[31m",
    "format": "{open} %s {0} {{",
}  # fmt: skip


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_text_gets_a_hint(me: Texter, built: Container, raw: redis.Redis, body: str):
    reply = me.says(body)
    assert "BZ" in reply or "您是不是要发" in reply or "Did you mean" in reply
    assert standing(built, GUANGDONG).version == 0
    assert charges(built, GUANGDONG) == []
    assert audit(raw, GUANGDONG) == []


def test_help_hint_is_sent_three_times_a_day(me: Texter):
    replies = [me.says("qqqqqqqq") for _ in range(6)]
    assert [bool(reply) for reply in replies] == [True, True, True, False, False, False]


def test_help_hints_are_counted_per_day_in_shanghai(me: Texter, clock: TestClock):
    for _ in range(4):
        me.says("qqqqqqqq")
    clock.at = clock.at.replace(hour=15, minute=59)
    assert me.says("qqqqqqqq") == ""
    clock.move(minutes=1)
    assert me.says("qqqqqqqq")


def test_hints_are_counted_per_number(me: Texter, phone: Phone):
    for _ in range(5):
        me.says("qqqqqqqq")
    assert phone(ZHEJIANG).says("qqqqqqqq")


def test_keywords_are_answered_above_the_hint_limit(me: Texter):
    for _ in range(5):
        me.says("qqqqqqqq")
    assert "尚未开通" in me.says("CXDXHZ")
    assert "KTDXHZ" in me.says("BZ")


@pytest.mark.parametrize("body", ["是", "KTDXH", "KTHZ"], ids=["yes", "near", "elsewhere"])
def test_other_hints_are_limited_per_day(me: Texter, body: str):
    """The limit ends a loop of two machines."""
    answered = [bool(me.says(body)) for _ in range(25)]
    assert answered == [True] * 20 + [False] * 5


@pytest.mark.parametrize(
    "sender",
    ["10086", "7500", "106575001", "95588", "12306", "CMCC", "anonymous", "", "+", "rcs:agent"],
)
def test_sender_without_phone_number_gets_no_reply(network: Network, raw: redis.Redis, sender: str):
    before = contents(raw)
    assert reply_of(network.text(sender, "KTDXHZ")) == ""
    assert reply_of(network.text(sender, "qqqqqqqq")) == ""
    assert contents(raw) == before


@pytest.mark.parametrize(("typed", "keyword"), [
    ("KTDXH", "KTDXHZ"), ("KTDXHX", "KTDXHZ"), ("KTDHXZ", "KTDXHZ"), ("ΚΤDXHZ", "KTDXHZ"),
    ("КТDXHZ", "KTDXHZ"), ("QXDXH2", "QXDXHZ"), ("CXDXH", "CXDXHZ"), ("OOOO", "0000"),
    ("我要开通短信回执", "开通短信回执"),
])  # fmt: skip
def test_similar_keyword_is_suggested_without_effect(
    me: Texter, built: Container, typed: str, keyword: str
):
    reply = me.says(typed)
    assert "您是不是要发" in reply
    assert keyword in reply
    assert standing(built, GUANGDONG).version == 0


def test_lookalike_of_yes_confirms_nothing(me: Texter, built: Container):
    me.says("KTDXHZ")
    me.says("Υ")  # Greek capital Upsilon
    assert standing(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


@pytest.mark.parametrize(("number", "foreign", "keyword"), [
    (GUANGDONG, "KTHZ", "KTDXHZ"), (GUANGDONG, "HZQX", "QXDXHZ"), (JILIN, "KTDXHZ", "KTHZ"),
    (SHAANXI, "CXDXHZ", "HZCX"),
])  # fmt: skip
def test_keyword_of_another_province_is_answered_with_the_own(
    phone: Phone, built: Container, number: str, foreign: str, keyword: str
):
    reply = phone(number).says(foreign)
    assert "其他省" in reply
    assert keyword in reply
    assert standing(built, number).version == 0


def test_hint_is_in_the_stored_language(me: Texter, built: Container):
    stand(built, GUANGDONG, "none", language="en")
    reply = me.says("KTHZ")
    assert not chinese(reply)
    assert "KTDXHZ" in reply


@given(body=st.text(max_size=1600))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_is_answered_without_charge(network: Network, built: Container, body: str):
    reply_of(network.text(GUANGDONG, body))
    assert charges(built, GUANGDONG) == []
