"""Days in receipts: right on the day on which a receipt is sent, however long it has waited."""

import datetime as dt

import pytest

from app.bootstrap import Container
from receipts.model.calendar import SHANGHAI
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import TemporaryError
from tests.conftest import TestClock
from tests.receipts.delivery.digest_rig import SENDER, DigestRig
from tests.support.fixtures import stand
from tests.support.sending import FRIEND, ProviderDouble

EVENING = dt.datetime(2026, 11, 28, 23, 59, 58, tzinfo=SHANGHAI)


@pytest.fixture
def rig(built: Container, clock: TestClock, flasher: ProviderDouble) -> DigestRig:
    clock.at = EVENING
    stand(built, SENDER, "active")
    return DigestRig(built, clock, flasher)


def deliver(rig: DigestRig, *sent_hours_ago: float) -> None:
    """Report texts to one friend as delivered now."""
    now = rig.clock.now()
    rig.built.report_service.ingest_batch(
        [
            DeliveryReport(
                f"{hours}", SENDER, FRIEND, MessageStatus.DELIVERED, "DELIVRD", now,
                submitted=ReportedTime(now - dt.timedelta(hours=hours)), done=ReportedTime(now),
            )
            for hours in sent_hours_ago
        ]
    )  # fmt: skip


def test_three_texts_to_one_friend_are_told_apart_by_their_sending(rig: DigestRig):
    stand(rig.built, SENDER, "active", DisplayMode.TEXT)
    deliver(rig, 49, 30, 0)
    assert sorted(rig.send()) == [
        "您11月26日22:59发给13957112345的短信已于23:59送达。",
        "您11月27日17:59发给13957112345的短信已于23:59送达。",
        "您23:59发给13957112345的短信已送达。",
    ]


def test_receipt_that_waits_over_midnight_says_the_day(rig: DigestRig):
    deliver(rig, 1)
    assert rig.receipts()[0].text == "您22:59发给13957112345的短信已于23:59送达。"
    text = "您11月28日22:59发给13957112345的短信已于11月28日23:59送达。"
    assert rig.wait_and_send() == [text]
    (receipt,) = rig.receipts()
    assert (receipt.text, receipt.dated_text) == (text, None)


def test_receipt_sent_again_after_midnight_says_the_day(rig: DigestRig):
    stand(rig.built, SENDER, "active", DisplayMode.TEXT)
    courier = rig.delivery.router.by_name("courier")
    assert isinstance(courier, ProviderDouble)
    courier.ends.append(TemporaryError("busy"))
    deliver(rig, 1)
    assert rig.send() == ["您22:59发给13957112345的短信已于23:59送达。"]
    rig.clock.move(minutes=10)
    rig.fire()
    assert rig.send() == ["您11月28日22:59发给13957112345的短信已于11月28日23:59送达。"]


def test_digest_sent_again_after_midnight_says_the_day_also_in_its_receipts(rig: DigestRig):
    rig.clock.move(seconds=-10)
    deliver(rig, 1, 2)
    rig.flasher.ends.append(TemporaryError("busy"))
    assert rig.wait_and_send() == ["您发出的2条短信：13957112345（21:59、22:59）已送达。"]
    rig.clock.move(minutes=10)
    rig.fire()
    text = "您发出的2条短信：13957112345（11月28日21:59、11月28日22:59）已送达。"
    assert rig.send() == [text]
    assert {receipt.text for receipt in rig.receipts()} == {text}
