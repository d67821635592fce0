"""A conversation that opens the service, over SMPP and a real Kannel."""

import pytest

from receipts.model.vocabulary import DisplayMode, Msisdn
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.smpp import Address, Text
from tests.support.smsc import Centre

ORDINARY_CHINESE = 0x08


def state(product: Product) -> SubscriptionState:
    return product.built.store.load(Msisdn(GUANGDONG)).subscription.state


def test_keyword_then_yes_in_chinese_opens_the_service(product: Product, centre: Centre):
    centre.phone(GUANGDONG, "KTDXHZ", "carrier")
    offer = centre.texts()[0].text
    assert offer.said.startswith("您将开通短信回执：每月1元")
    assert (offer.data_coding, offer.source.digits) == (ORDINARY_CHINESE, "7500")
    assert offer.destination == Address(GUANGDONG.removeprefix("+"), ton=1)
    assert state(product) is SubscriptionState.PENDING
    said = len(centre.submitted)
    centre.phone(GUANGDONG, "是", "carrier")
    opened = centre.texts(said + 1)[said].text
    assert opened.said.startswith("短信回执已开通")
    assert opened.data_coding == ORDINARY_CHINESE
    assert state(product) is SubscriptionState.ACTIVE


@pytest.mark.parametrize(
    ("octets", "coding"),
    [
        ("ＫＴＤＸＨＺ".encode("utf-16-be"), 0x08),
        ("\u200b 开通短信回执 。".encode("utf-16-be"), 0x18),
        (b"ktdxhz", 0xF0),
        (b"Kt-Dxhz!", 0x00),
    ],
    ids=["full width", "flash", "7-bit flash", "7-bit"],
)
def test_keyword_in_each_data_coding(product: Product, centre: Centre, octets: bytes, coding: int):
    sender, short_code = Address(GUANGDONG.removeprefix("+")), Address("7500", ton=0)
    centre.deliver(Text(sender, short_code, octets, coding), "carrier")
    assert "您将开通短信回执" in centre.texts()[0].text.said
    assert state(product) is SubscriptionState.PENDING


def test_character_with_octets_of_space_and_newline_is_kept(product: Product, centre: Centre):
    # U+4E0A and U+4F20: Kannel's other escape for a text, %a, makes 4E20 and 4F20 of them.
    centre.phone(GUANGDONG, "上 传", "carrier")
    centre.texts()
    calls = product.doors.calls
    assert any("text=N%0A%00+O+&" in f"{call}&" for call in calls), calls


def test_english_text_is_answered_in_the_7_bit_alphabet(product: Product, centre: Centre):
    centre.phone(GUANGDONG, "SUBSCRIBE", "carrier")
    (offer,) = centre.texts()
    assert offer.text.data_coding == 0x00
    assert offer.text.said.startswith("SMS Receipt: ")
    assert state(product) is SubscriptionState.PENDING


def test_short_code_and_binary_text_get_no_answer(product: Product, centre: Centre):
    short_code = Address("7500", ton=0)
    centre.deliver(Text(Address("10690001", ton=0), short_code, b"KTDXHZ"), "carrier")
    phone = Address(GUANGDONG.removeprefix("+"))
    centre.deliver(Text(phone, short_code, b"\x06\x05\x04\x15\x8a\xff", 0x04), "carrier")
    centre.phone(GUANGDONG, "KTDXHZ", "carrier")
    # Kannel forwards all three in order; only the last is a text of a person.
    assert "您将开通短信回执" in centre.texts()[0].text.said
    assert {sent.text.destination.digits for sent in centre.submitted} == {phone.digits}
    assert product.built.store.load(Msisdn(GUANGDONG)).subscription.mode is DisplayMode.FLASH


def test_text_during_a_restart_is_retried_and_answered_once(product: Product, centre: Centre):
    app, product.doors.app = product.doors.app, None
    calls = product.doors.count("/kannel/sms")
    centre.phone(GUANGDONG, "KTDXHZ", "carrier")
    centre.until(lambda: product.doors.count("/kannel/sms") > calls)
    product.doors.app = app
    assert "您将开通短信回执" in centre.texts()[0].text.said
    assert state(product) is SubscriptionState.PENDING
