"""Receipts on the wire: sender, recipient, and the data coding that makes them flash."""

import pytest

from receipts.model.vocabulary import DisplayMode, Language
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.product import until
from tests.support.smpp import Address
from tests.support.smsc import Centre

pytestmark = pytest.mark.usefixtures("worker")

OCTETS = [
    (DisplayMode.FLASH, Language.ZH, 0x18, "utf-16-be", "您发给13957112345的短信已"),
    (DisplayMode.TEXT, Language.ZH, 0x08, "utf-16-be", "您发给13957112345的短信已"),
    # Kannel writes class 0 of the 7-bit alphabet from the group 0xF0, as SMPP lists it.
    # 0x10 means the same to a phone; no setting of Kannel gives it.
    (DisplayMode.FLASH, Language.EN, 0xF0, "ascii", "Your text to 13957112345"),
    (DisplayMode.TEXT, Language.EN, 0x00, "ascii", "Your text to 13957112345"),
]


@pytest.mark.parametrize(
    ("mode", "language", "octet", "alphabet", "words"),
    OCTETS,
    ids=["Chinese flash", "Chinese", "English flash", "English"],
)
def test_receipt_has_the_data_coding_of_its_mode_and_language(
    product: Product,
    centre: Centre,
    mode: DisplayMode,
    language: Language,
    octet: int,
    alphabet: str,
    words: str,
):
    product.subscriber(mode, language)
    product.person_to_person()
    text = centre.texts()[0].text
    receipt = product.becomes(ReceiptState.SENT)
    assert text.data_coding == octet
    assert text.message == receipt.text.encode(alphabet)
    assert receipt.text.startswith(words)
    assert text.source == Address("7500", ton=0, npi=0)
    assert text.destination == Address(GUANGDONG.removeprefix("+"), ton=1, npi=1)
    assert (receipt.provider, receipt.sent_as, receipt.attempts) == ("kannel", mode, 1)
    # It requests a delivery report, fits one text, and went out once.
    assert text.registered & 0x01
    assert len(centre.submitted) == 1


@pytest.mark.parametrize("smsc", ["second"])
def test_receipt_is_routed_to_the_smsc_of_the_settings(product: Product, centre: Centre):
    product.subscriber()
    product.person_to_person()
    assert centre.texts()[0].link == "second"


@pytest.mark.parametrize("smsc", ["nowhere"])
def test_unknown_smsc_does_not_stop_a_receipt(product: Product, centre: Centre):
    # Kannel treats an unknown name as a preference.
    product.subscriber()
    product.person_to_person()
    assert centre.texts()[0].link == "carrier"


@pytest.mark.parametrize("password", ["wrong"])
def test_receipt_is_retried_after_a_wrong_password(product: Product, centre: Centre):
    product.subscriber(DisplayMode.TEXT)
    product.person_to_person()
    until(lambda: product.receipt().note, why="the first attempt")
    waiting = product.receipt()
    assert waiting.note is not None
    assert waiting.note.startswith("kannel 403: Authorization failed for sendsms (Kannel refuses")
    # The operator can correct the password; then it goes out.
    assert (waiting.state, waiting.attempts) == (ReceiptState.DUE, 1)
    assert centre.submitted == []
