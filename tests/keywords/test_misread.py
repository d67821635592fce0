"""Texts that are no instruction: one helpful answer, never a charge, never endless talk."""

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.support.fixtures import SHAANXI, audit, charges, contents, stand, standing
from tests.support.texter import Phone, Texter, chinese, reply_of

ODD = {
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


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_what_we_cannot_read_gets_one_answer_that_helps(
    me: Texter, built: Container, raw: redis.Redis, body: str
):
    reply = me.says(body)
    assert "BZ" in reply or "您是不是要发" in reply or "Did you mean" in reply
    assert standing(built, GUANGDONG).version == 0
    assert charges(built, GUANGDONG) == []
    assert audit(raw, GUANGDONG) == []


def test_help_for_the_unknown_is_given_three_times_a_day(me: Texter):
    replies = [me.says("qqqqqqqq") for _ in range(6)]
    assert [bool(reply) for reply in replies] == [True, True, True, False, False, False]


def test_help_for_the_unknown_starts_afresh_at_midnight_in_shanghai(me: Texter, clock: TestClock):
    for _ in range(4):
        me.says("qqqqqqqq")
    clock.at = clock.at.replace(hour=15, minute=59)
    assert me.says("qqqqqqqq") == ""
    clock.move(minutes=1)
    assert me.says("qqqqqqqq")


def test_the_silence_of_one_customer_is_not_anothers(me: Texter, phone: Phone):
    for _ in range(5):
        me.says("qqqqqqqq")
    assert phone(ZHEJIANG).says("qqqqqqqq")


def test_known_words_are_answered_when_help_is_used_up(me: Texter):
    for _ in range(5):
        me.says("qqqqqqqq")
    assert "尚未开通" in me.says("CXDXHZ")
    assert "KTDXHZ" in me.says("BZ")


@pytest.mark.parametrize("body", ["是", "KTDXH", "KTHZ"], ids=["yes", "near", "elsewhere"])
def test_no_hint_is_given_for_ever(me: Texter, body: str):
    """Two machines that answer each other must come to an end."""
    answered = [bool(me.says(body)) for _ in range(25)]
    assert answered == [True] * 20 + [False] * 5


@pytest.mark.parametrize(
    "sender",
    ["10086", "7500", "106575001", "95588", "12306", "CMCC", "anonymous", "", "+", "rcs:agent"],
)
def test_a_sender_that_is_no_phone_gets_silence(network: Network, raw: redis.Redis, sender: str):
    before = contents(raw)
    assert reply_of(network.text(sender, "KTDXHZ")) == ""
    assert reply_of(network.text(sender, "qqqqqqqq")) == ""
    assert contents(raw) == before


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("KTDXH", "KTDXHZ"),
        ("KTDXHX", "KTDXHZ"),
        ("KTDHXZ", "KTDXHZ"),
        ("ΚΤDXHZ", "KTDXHZ"),
        ("КТDXHZ", "KTDXHZ"),
        ("QXDXH2", "QXDXHZ"),
        ("CXDXH", "CXDXHZ"),
        ("OOOO", "0000"),
        ("我要开通短信回执", "开通短信回执"),
    ],
)
def test_a_near_miss_is_asked_about_and_never_done(
    me: Texter, built: Container, typed: str, meant: str
):
    reply = me.says(typed)
    assert "您是不是要发" in reply
    assert meant in reply
    assert standing(built, GUANGDONG).version == 0


def test_a_near_miss_never_counts_as_a_yes(me: Texter, built: Container):
    me.says("KTDXHZ")
    me.says("Υ")  # a Greek letter that looks like one
    assert standing(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


@pytest.mark.parametrize(
    ("number", "foreign", "right"),
    [
        (GUANGDONG, "KTHZ", "KTDXHZ"),
        (GUANGDONG, "HZQX", "QXDXHZ"),
        (JILIN, "KTDXHZ", "KTHZ"),
        (SHAANXI, "CXDXHZ", "HZCX"),
    ],
)
def test_a_word_of_another_province_is_answered_with_the_right_one(
    phone: Phone, built: Container, number: str, foreign: str, right: str
):
    reply = phone(number).says(foreign)
    assert "其他省" in reply
    assert right in reply
    assert standing(built, number).version == 0


def test_a_word_of_another_province_is_answered_in_ones_language(me: Texter, built: Container):
    stand(built, GUANGDONG, "none", language="en")
    reply = me.says("KTHZ")
    assert not chinese(reply)
    assert "KTDXHZ" in reply


@given(body=st.text(max_size=1600))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_breaks_the_line_or_costs_anything(network: Network, built: Container, body: str):
    reply_of(network.text(GUANGDONG, body))
    assert charges(built, GUANGDONG) == []
