"""References of a SIM, 0 to 255: a report is believed only while one text can be meant."""

import pytest

from receipts.model.receipt import Receipt
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.modem.device import Modem, Sent, report_of

EXPIRED = 0x46

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture(autouse=True)
def _customer(product: Product, modem: Modem) -> None:
    """A subscriber with flash receipts; the references go on at 100."""
    product.subscriber()
    modem.reference = 100


def receipt_sent(product: Product, modem: Modem) -> tuple[Receipt, Sent]:
    """A receipt that the modem has taken."""
    before = len(modem.sent)
    product.person_to_person()
    sent = modem.texts(before + 1)[before]
    return product.becomes(ReceiptState.SENT), sent


def state(product: Product, receipt: Receipt) -> ReceiptState:
    (found,) = product.built.store.receipts([receipt.id])
    assert found
    return found.state


def settle(product: Product, modem: Modem) -> None:
    """Send one more receipt to its end: all that came before it has been dealt with."""
    modem.reference = (modem.reference + 20) % 256
    _, sent = receipt_sent(product, modem)
    modem.report(sent)
    product.becomes(ReceiptState.DELIVERED)


def test_each_of_two_texts_to_one_phone_gets_its_own_report(product: Product, modem: Modem):
    first, first_sent = receipt_sent(product, modem)
    second, second_sent = receipt_sent(product, modem)
    modem.report(second_sent, EXPIRED)
    product.becomes(ReceiptState.UNDELIVERED)
    assert state(product, first) is ReceiptState.SENT
    modem.report(first_sent)
    settle(product, modem)
    assert state(product, first) is ReceiptState.DELIVERED
    assert state(product, second) is ReceiptState.UNDELIVERED


def test_second_text_with_a_reference_in_use_leaves_both_unanswered(product: Product, modem: Modem):
    first, first_sent = receipt_sent(product, modem)
    modem.reference = first_sent.reference
    second, second_sent = receipt_sent(product, modem)
    assert second_sent.reference == first_sent.reference
    modem.report(second_sent, EXPIRED)
    modem.report(first_sent)
    settle(product, modem)
    assert state(product, first) is state(product, second) is ReceiptState.SENT


def test_reference_is_free_again_after_its_report(product: Product, modem: Modem):
    first, first_sent = receipt_sent(product, modem)
    modem.report(first_sent)
    product.becomes(ReceiptState.DELIVERED)
    modem.reference = first_sent.reference
    second, second_sent = receipt_sent(product, modem)
    modem.report(second_sent, EXPIRED)
    product.becomes(ReceiptState.UNDELIVERED)
    assert state(product, first) is ReceiptState.DELIVERED
    assert state(product, second) is ReceiptState.UNDELIVERED


def test_report_three_quarters_of_a_round_later_is_not_believed(product: Product, modem: Modem):
    first, first_sent = receipt_sent(product, modem)
    modem.reference = (first_sent.reference + 192) % 256
    receipt_sent(product, modem)
    modem.report(first_sent)
    settle(product, modem)
    assert state(product, first) is ReceiptState.SENT


def test_report_before_its_acknowledgement_is_of_no_other_text(product: Product, modem: Modem):
    older, older_sent = receipt_sent(product, modem)
    modem.early = lambda sent: [report_of(sent)]
    early, _ = receipt_sent(product, modem)
    modem.early = lambda _: ()
    modem.report(older_sent, EXPIRED)
    settle(product, modem)
    assert state(product, early) is ReceiptState.SENT
    assert state(product, older) is ReceiptState.UNDELIVERED


def test_report_that_comes_twice_counts_once(product: Product, modem: Modem):
    first, first_sent = receipt_sent(product, modem)
    second, _ = receipt_sent(product, modem)
    modem.report(first_sent)
    modem.report(first_sent)
    settle(product, modem)
    assert state(product, first) is ReceiptState.DELIVERED
    assert state(product, second) is ReceiptState.SENT


def test_text_to_the_sim_while_a_text_goes_out(product: Product, modem: Modem):
    modem.early = lambda _: modem.from_phone(GUANGDONG, "CXDXHZ")
    receipt, sent = receipt_sent(product, modem)
    modem.early = lambda _: ()
    assert "短信回执" in modem.whole_texts(2)[1].said
    modem.report(sent)
    settle(product, modem)
    assert state(product, receipt) is ReceiptState.DELIVERED
