"""A text to the short code: a signed webhook in, the reply in the answer to the same request."""

import datetime as dt

import pytest
import redis

from app.bootstrap import Container
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.fixtures import charges, contents
from tests.support.texter import Texter
from tests.webhooks.conftest import TwilioApi, Work, subscription


def test_customer_opens_the_service_with_a_second_confirmation(phone: Texter, built: Container):
    offer = phone.says("开通短信回执")
    assert "每月1元，当月按整月收费" in offer
    assert "回复“是”确认" in offer
    assert subscription(built, GUANGDONG).state == "pending"
    assert charges(built, GUANGDONG) == []

    assert phone.says("是").startswith("短信回执已开通：每月1元")
    assert subscription(built, GUANGDONG).state == "active"
    assert charges(built, GUANGDONG) == [("monthly", 100)]


@pytest.mark.parametrize("prefix", ["rcs:", "RCS:", "whatsapp:"])
def test_text_on_another_channel_of_twilio_is_of_the_same_customer(
    network: Network, built: Container, prefix: str
):
    sender = Texter(network, prefix + GUANGDONG)  # the signature covers the raw form
    assert "每月1元" in sender.says("开通短信回执")
    assert subscription(built, GUANGDONG).state == "pending"
    assert Texter(network, "messenger:13802880000").says("开通短信回执") == ""


def test_any_other_answer_opens_nothing(phone: Texter, built: Container):
    phone.says("开通短信回执")
    assert "未开通，本次未收费" in phone.says("否")
    assert subscription(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


def test_pt_and_sx_change_how_receipts_are_displayed(
    network: Network, phone: Texter, built: Container
):
    network.open(GUANGDONG)
    assert phone.says("PT").startswith("已改为普通短信")
    assert subscription(built, GUANGDONG).mode == "text"
    assert phone.says("SX").startswith("已改为闪信")
    assert subscription(built, GUANGDONG).mode == "flash"


@pytest.mark.fixed_day
def test_cancelled_service_runs_to_the_end_of_the_month(
    network: Network, phone: Texter, built: Container, clock: TestClock, work: Work
):
    network.open(GUANGDONG)
    assert "可用至11月30日，截至本月的费用照收" in phone.says("QXDXHZ")
    assert subscription(built, GUANGDONG).state == "ending"

    clock.at = dt.datetime(2026, 11, 30, 15, 59, tzinfo=dt.UTC)  # 23:59 in Shanghai
    work()
    assert subscription(built, GUANGDONG).state == "ending"

    clock.move(minutes=1)
    work()
    assert subscription(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG, "2026-11", "2026-12") == [("monthly", 100)]


@pytest.mark.fixed_day
def test_english_keywords_get_english_replies(phone: Texter, built: Container):
    assert phone.says("SUBSCRIBE").startswith("SMS Receipt: 1 yuan a month")
    assert phone.says("Y").startswith("SMS Receipt is on: 1 yuan a month")
    assert phone.says("STATUS").startswith("SMS Receipt is on: 1 yuan a month")
    assert phone.says("CANCEL").startswith("SMS Receipt is cancelled and runs until 30 November")
    assert subscription(built, GUANGDONG).state == "ending"


def test_repeated_webhook_gets_the_same_reply_and_changes_nothing(
    network: Network, built: Container, raw: redis.Redis
):
    network.text(GUANGDONG, "开通短信回执", sid="SM1")
    first = network.text(GUANGDONG, "是", sid="SM2")
    before = contents(raw)
    assert network.text(GUANGDONG, "是", sid="SM2").data == first.data
    assert contents(raw) == before
    assert charges(built, GUANGDONG) == [("monthly", 100)]


@pytest.mark.parametrize("signature", [None, "", "forged"])
def test_wrong_signature_gets_403_and_changes_nothing(
    network: Network, raw: redis.Redis, signature: str | None
):
    before = contents(raw)
    fields = {"MessageSid": "SM1", "From": GUANGDONG, "To": "7500", "Body": "开通短信回执"}
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    assert network.client.post("/sms", data=fields, headers=headers).status_code == 403
    assert contents(raw) == before


def test_order_that_is_not_confirmed_lapses_and_a_text_says_so(
    phone: Texter, built: Container, clock: TestClock, twilio: TwilioApi, work: Work
):
    twilio.accepts()
    phone.says("开通短信回执")
    clock.move(hours=48)
    work()
    assert subscription(built, GUANGDONG).state == "none"
    (text,) = twilio.texts
    assert text["To"] == GUANGDONG
    assert text["Body"].startswith("您未在48小时内确认，短信回执开通申请已失效，本次申请未收费")
