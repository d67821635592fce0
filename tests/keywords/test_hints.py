"""Texts without an intent: one hint, no charge, a daily limit."""

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from app.bootstrap import Container
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock, shipped_book
from tests.support.fixtures import SHAANXI, audit, charges, contents, stand, standing
from tests.support.texter import Phone, Texter, chinese, reply_of

BOOK = shipped_book()

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


HOUR, DAY = BOOK.limits.replies_an_hour, BOOK.limits.replies_a_day


@pytest.mark.parametrize("body", ["qqqqqqqq", "BZ", "是", "KTDXH", "KTHZ", "CXDXHZ", "PT"])
def test_replies_of_all_kinds_share_a_limit_an_hour(me: Texter, body: str):
    """The limit ends a loop of two machines, and says so once."""
    replies = [me.says(body) for _ in range(60)]
    assert all(replies[:HOUR])
    assert ["过多" in reply for reply in replies].index(True) == HOUR
    assert not any(replies[HOUR + 1 :])


def test_replies_go_on_in_the_next_hour_up_to_the_limit_of_the_day(me: Texter, clock: TestClock):
    clock.at = clock.at.replace(hour=17, minute=0)  # 01:00 in China
    answered = 0
    for _ in range(6):
        replies = [me.says("BZ") for _ in range(HOUR + 5)]
        answered += sum("过多" not in reply for reply in replies if reply)
        assert sum("过多" in reply for reply in replies) <= 1
        clock.move(hours=1)
    assert DAY - 6 <= answered <= DAY
    assert me.says("BZ") == ""
    clock.move(days=1)
    assert "QXDXHZ" in me.says("BZ")


def test_limits_count_each_number_by_itself(me: Texter, phone: Phone):
    for _ in range(HOUR + 2):
        me.says("qqqqqqqq")
    assert phone(ZHEJIANG).says("qqqqqqqq")


def test_text_beyond_the_limit_changes_nothing(me: Texter, built: Container, clock: TestClock):
    for _ in range(HOUR + 1):
        me.says("qqqqqqqq")
    assert me.says("KTDXHZ") == me.says("是") == ""
    assert standing(built, GUANGDONG).version == 0
    clock.move(hours=1)
    assert "回复“是”" in me.says("KTDXHZ")


@pytest.mark.parametrize("state", ["active", "suspended"])
@pytest.mark.parametrize("wish", [
    ("关闭短信回执",), ("QXDXHZ",), ("不用了", "1"), ("我不想要了", "是的"),
    ("stop sending these", "Y"),
])  # fmt: skip
def test_holder_can_leave_beyond_the_limit(
    me: Texter, built: Container, state: str, wish: tuple[str, ...]
):
    stand(built, GUANGDONG, state)
    for _ in range(HOUR + 2):
        me.says("BZ")
    replies = [me.says(text) for text in wish]
    assert all(replies)
    assert "已取消" in replies[-1] or "is cancelled" in replies[-1]


def test_machine_that_repeats_our_question_is_not_answered_for_ever(me: Texter, built: Container):
    stand(built, GUANGDONG, "active")
    question = me.says("不用了")
    answered = sum(bool(me.says(question)) for _ in range(6 * DAY))
    assert answered < 6 * DAY
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.fixed_day
def test_landline_gets_one_reply_a_month(phone: Phone, clock: TestClock):
    number = "+862087654321"
    replies = [phone(number).says(text) for text in ("KTDXHZ", "BZ", "是", "你好")]
    assert [bool(reply) for reply in replies] == [True, False, False, False]
    clock.at = clock.at.replace(day=30)
    assert phone(number).says("BZ") == ""
    clock.move(days=3)
    assert phone(number).says("BZ")


@pytest.mark.parametrize(
    "sender",
    [
        *("10086", "7500", "106575001", "1069012345678", "95588", "12306", "CMCC", "anonymous", ""),
        *("+", "rcs:agent", "+8613490001234", "17400001234", "+8617491234567", "+861440123456789"),
        *("+85291234567", "+8816123456789", "+882123456789", "+870776123456", "+9791234567890"),
        *("+19005550123", "tel:+881-612-345-6789"),
    ],
)
def test_machine_or_costly_sender_gets_no_reply_and_is_counted(
    network: Network, raw: redis.Redis, sender: str
):
    before, counted = contents(raw), unanswered()
    assert reply_of(network.text(sender, "KTDXHZ")) == ""
    assert reply_of(network.text(sender, "qqqqqqqq")) == ""
    assert contents(raw) == before
    assert unanswered() == counted + 2


def unanswered() -> float:
    """The texts that got no reply, of all kinds of senders."""
    name = "sms_receipt_unanswered_texts"
    (metric,) = (each for each in REGISTRY.collect() if each.name == name)
    return sum(sample.value for sample in metric.samples if sample.name == f"{name}_total")


@pytest.mark.parametrize(("typed", "keyword"), [
    ("KTDXH", "KTDXHZ"), ("KTDXHX", "KTDXHZ"), ("KTDHXZ", "KTDXHZ"), ("ΚΤDXHZ", "KTDXHZ"),
    ("КТDXHZ", "KTDXHZ"), ("QXDXH2", "QXDXHZ"), ("CXDXH", "CXDXHZ"), ("OOOO", "0000"),
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
