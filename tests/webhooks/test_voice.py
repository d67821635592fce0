"""A call to the hotline: signed webhooks in, TwiML out, one text about the call at Twilio."""

import redis
from twilio.request_validator import RequestValidator

from app.bootstrap import Container
from tests.conftest import GUANGDONG, PUBLIC_URL, TOKEN, Network
from tests.support.caller import Call
from tests.support.fixtures import audit, charges, contents
from tests.webhooks.conftest import TwilioApi, Work, subscription


def test_caller_opens_the_service_and_gets_a_text_about_the_call(
    call: Call, built: Container, twilio: TwilioApi, work: Work
):
    twilio.accepts()

    assert "普通话请按 1" in call.dials().text  # a new caller chooses the language first
    assert "开通短信回执，请按 1" in call.presses("1").text
    assert "每月1元，11月22日起计费" in call.presses("1").text  # the price before the yes
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
    assert text["Body"].startswith("您刚才致电10086办理了：开通短信回执（每月1元，取消发QXDXHZ）")
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


def test_subscriber_cancels_in_english(
    network: Network, call: Call, built: Container, twilio: TwilioApi, work: Work
):
    twilio.accepts()
    network.open(GUANGDONG)
    call.dials()
    call.presses("92")  # the page of languages, then English
    assert "runs until 30 November" in call.presses("11").text
    call.hangs_up()
    work()
    assert subscription(built, GUANGDONG).state == "ending"
    assert twilio.texts[0]["Body"].startswith("In your call to 10086 you did this: ")


def test_repeated_webhook_gets_the_same_answer_and_opens_once(
    network: Network, call: Call, built: Container, raw: redis.Redis, twilio: TwilioApi, work: Work
):
    twilio.accepts()
    call.dials()
    offer = call.presses("11")
    key = {"CallSid": call.sid, "From": GUANGDONG, "To": "10086", "Digits": "1"}
    first, again = (network.post(offer.link, **key) for _ in range(2))
    assert first.data == again.data
    for _ in range(2):
        call.hangs_up()
    work()
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert [entry["act"] for entry in audit(raw, GUANGDONG)] == ["order", "confirm"]
    assert len(twilio.texts) == 1


def test_wrong_signature_gets_403_and_changes_nothing(
    network: Network, call: Call, raw: redis.Redis
):
    call.dials()
    offer = call.presses("11")
    before = contents(raw)
    forged = network.client.post(
        offer.link,
        data={"CallSid": call.sid, "From": GUANGDONG, "To": "10086", "Digits": "1"},
        headers={"X-Twilio-Signature": "forged"},
    )
    assert forged.status_code == 403
    assert contents(raw) == before


def test_signature_of_another_link_gets_403(network: Network, call: Call, raw: redis.Redis):
    call.dials()
    offer = call.presses("11")
    fields = {"CallSid": call.sid, "From": GUANGDONG, "To": "10086", "Digits": "1"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + "/voice/key", fields)
    before = contents(raw)
    answer = network.client.post(offer.link, data=fields, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403
    assert contents(raw) == before
