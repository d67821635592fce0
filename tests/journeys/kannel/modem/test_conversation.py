"""A conversation and receipts over one SIM: a modem, the real Kannel, the service."""

import pytest

from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.modem.device import Modem

#: TP-ST of a status report (3GPP TS 23.040, 9.2.3.15).
DELIVERED, TRYING, EXPIRED = 0x00, 0x30, 0x46


def state(product: Product) -> SubscriptionState:
    return product.built.store.load(Msisdn(GUANGDONG)).subscription.state


def test_keyword_then_yes_in_chinese_opens_the_service(product: Product, modem: Modem):
    modem.phone(GUANGDONG, "KTDXHZ")
    offer = modem.whole_texts()[0]
    assert offer.to == GUANGDONG
    assert offer.said.startswith("您将开通短信回执：每月1元")
    assert not offer.flash
    assert state(product) is SubscriptionState.PENDING
    modem.phone(GUANGDONG, "是")
    assert modem.whole_texts(2)[1].said.startswith("短信回执已开通")
    assert state(product) is SubscriptionState.ACTIVE


def test_reply_of_several_parts_arrives_whole_and_in_order(product: Product, modem: Modem):
    product.subscriber()
    modem.phone(GUANGDONG, "帮助")
    (whole,) = modem.whole_texts()
    parts = [sent.submit.part for sent in modem.sent]
    assert len(parts) > 1
    assert parts == [(parts[0][0], len(parts), place + 1) for place in range(len(parts))]
    assert "QXDXHZ" in whole.said


def test_text_in_three_parts_is_one_text(product: Product, modem: Modem):
    calls = product.doors.count("/kannel/sms")
    modem.phone(GUANGDONG, "请问" * 80)
    modem.whole_texts()
    assert product.doors.count("/kannel/sms") == calls + 1


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("mode", "language", "coding"),
    [
        (DisplayMode.FLASH, Language.ZH, 0x18),
        (DisplayMode.TEXT, Language.ZH, 0x08),
        (DisplayMode.FLASH, Language.EN, 0x10),
        (DisplayMode.TEXT, Language.EN, 0x00),
    ],
)
def test_receipt_has_the_data_coding_of_its_mode(
    product: Product, modem: Modem, mode: DisplayMode, language: Language, coding: int
):
    product.subscriber(mode, language)
    product.person_to_person()
    submit = modem.texts()[0].submit
    assert (submit.to, submit.data_coding, submit.wants_report) == (GUANGDONG, coding, True)
    assert submit.flash is (mode is DisplayMode.FLASH)
    assert submit.said == product.receipt().text


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("status", "becomes"),
    [(DELIVERED, ReceiptState.DELIVERED), (EXPIRED, ReceiptState.UNDELIVERED)],
)
def test_status_report_ends_the_receipt(
    product: Product, modem: Modem, status: int, becomes: ReceiptState
):
    product.subscriber()
    product.person_to_person()
    (sent,) = modem.texts()
    product.becomes(ReceiptState.SENT)
    modem.report(sent, TRYING)
    modem.until(lambda: modem.delivered)
    assert product.receipt().state is ReceiptState.SENT
    modem.report(sent, status)
    product.becomes(becomes)
