"""A call to the hotline: signed webhooks in, TwiML out, one text about the call at Twilio."""

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG, PUBLIC_URL, Network
from tests.support.caller import Call
from tests.support.fixtures import charges
from tests.webhooks.conftest import TwilioApi, Work, subscription


def test_caller_opens_the_service_and_gets_a_text_about_the_call(
    call: Call, built: Container, twilio: TwilioApi, work: Work
):
    twilio.accepts()

    assert "普通话请按 1" in call.dials().text  # a new caller chooses the language first
    assert "开通短信回执请按 1" in call.presses("1").text
    assert "每月1元，当月按整月收费" in call.presses("1").text  # the price before the yes
    assert subscription(built, GUANGDONG).state == "none"

    assert "短信回执已开通" in call.presses("1").text
    assert subscription(built, GUANGDONG).state == "active"
    assert charges(built, GUANGDONG) == [("monthly", 100)]

    work()
    assert twilio.texts == []  # the call is not over yet

    call.hangs_up()
    work()
    (text,) = twilio.texts
    assert (text["From"], text["To"]) == ("7500", GUANGDONG)
    assert text["Body"].startswith("您致电10086已办理：已开通短信回执，每月1元，取消发QXDXHZ")
    assert text["StatusCallback"].startswith(f"{PUBLIC_URL}/receipts/")


def test_caller_who_hears_the_price_and_declines_opens_nothing(
    call: Call, built: Container, twilio: TwilioApi, work: Work
):
    call.dials()
    call.presses("112")
    call.hangs_up()
    work()
    assert subscription(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []
    assert twilio.texts == []


@pytest.mark.fixed_day
def test_subscriber_cancels_in_english(
    network: Network, call: Call, built: Container, twilio: TwilioApi, work: Work
):
    twilio.accepts()
    network.open(GUANGDONG)
    call.dials()
    call.presses("9")  # the other language, at once
    assert "runs until 30 November" in call.presses("2").text  # what it means, before the yes
    assert "runs until 30 November" in call.presses("1").text
    call.hangs_up()
    work()
    assert subscription(built, GUANGDONG).state == "ending"
    assert twilio.texts[0]["Body"].startswith("Your call to 10086: ")
