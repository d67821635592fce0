"""Kannel killed, frozen, away: a receipt ends as sent, later or unsure, and is asked for once."""

from collections.abc import Iterator

import pytest

from receipts.model.vocabulary import DisplayMode, Language
from receipts.worker.worker import Worker
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.journeys.kannel.product import Product
from tests.support.kannel import Boxes, eventually
from tests.support.smsc import Centre

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _mended(kannel: Boxes, line: Centre) -> Iterator[None]:
    """Whatever a test did to Kannel, the next one finds it well."""
    yield
    line.away = line.holding = False
    back(kannel, line)


@pytest.fixture
def customer(product: Product, centre: Centre, worker: Worker) -> None:
    """Somebody whose receipts flash; the test says when one is due."""
    del centre, worker
    product.subscriber(GUANGDONG, DisplayMode.FLASH, Language.ZH)


def back(kannel: Boxes, line: Centre) -> None:
    """Start what is not running, as a supervisor does."""
    if not kannel.running:
        kannel.start()
    line.until(lambda: line.bound("carrier", "second"))


@pytest.mark.usefixtures("customer")
def test_killed_with_a_receipt_in_flight_kannel_offers_it_again_and_we_do_not(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
) -> None:
    asked = kannel.asked(GUANGDONG)
    centre.holding = True
    product.person_to_person(GUANGDONG)
    product.becomes(GUANGDONG, ReceiptState.SENT)
    in_flight = centre.texts()[0]
    kannel.kill()
    centre.holding = False
    back(kannel, centre)
    # The centre never answered, so nobody knows whether it has the text: what Kannel took it
    # keeps on disk until the centre has it for certain. That is Kannel's own promise, not ours.
    offered_again = centre.texts(2)[1]
    assert offered_again.text == in_flight.text
    clock.move(minutes=30)
    centre.report(offered_again, "DELIVRD")
    receipt = product.becomes(GUANGDONG, ReceiptState.DELIVERED)
    assert (receipt.attempts, kannel.asked(GUANGDONG)) == (1, asked + 1)
    assert len(centre.submitted) == 2


@pytest.mark.usefixtures("customer")
def test_killed_with_a_receipt_at_the_centre_kannel_still_knows_its_report(
    product: Product, centre: Centre, kannel: Boxes
) -> None:
    product.person_to_person(GUANGDONG)
    eventually(lambda: product.receipt(GUANGDONG).history, "the centre's first word")
    kannel.kill()
    back(kannel, centre)
    assert len(centre.submitted) == 1
    centre.report(centre.submitted[0], "DELIVRD")
    product.becomes(GUANGDONG, ReceiptState.DELIVERED)
    assert len(centre.submitted) == 1


@pytest.mark.usefixtures("customer")
def test_killed_before_it_answered_the_receipt_is_unsure_and_never_sent_again(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
) -> None:
    asked = kannel.asked(GUANGDONG)
    kannel.freeze("bearerbox")
    product.person_to_person(GUANGDONG)
    eventually(lambda: kannel.asked(GUANGDONG) == asked + 1, "our request")
    assert product.receipt(GUANGDONG).state is ReceiptState.SENDING
    kannel.kill("bearerbox")
    receipt = product.becomes(GUANGDONG, ReceiptState.UNSURE)
    assert receipt.note == "unsure: kannel gave no answer: GOT_NOTHING"
    kannel.kill("smsbox")
    back(kannel, centre)
    clock.move(hours=3)
    product.person_to_person(GUANGDONG)
    product.becomes(GUANGDONG, ReceiptState.SENT)
    older = product.built.store.receipts([receipt.id])[0]
    assert older == receipt
    assert len(centre.submitted) == 1
    assert kannel.asked(GUANGDONG) == asked + 2


@pytest.mark.usefixtures("customer")
def test_a_receipt_due_while_kannel_is_down_goes_out_once_it_is_back(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
) -> None:
    kannel.kill()
    product.person_to_person(GUANGDONG)
    eventually(lambda: product.receipt(GUANGDONG).note, "the first try")
    waiting = product.receipt(GUANGDONG)
    assert (waiting.state, waiting.attempts) == (ReceiptState.DUE, 1)
    assert waiting.note == "kannel not reached: COULDNT_CONNECT"
    back(kannel, centre)
    clock.move(seconds=6)
    assert product.becomes(GUANGDONG, ReceiptState.SENT).attempts == 2
    assert len(centre.texts()) == 1


@pytest.mark.usefixtures("customer")
def test_a_receipt_taken_while_the_line_is_down_goes_out_once_it_is_up(
    product: Product, centre: Centre, kannel: Boxes
) -> None:
    asked = kannel.asked(GUANGDONG)
    centre.leave()
    centre.until(lambda: not centre.bound("carrier"))
    product.person_to_person(GUANGDONG)
    product.becomes(GUANGDONG, ReceiptState.SENT)
    assert centre.submitted == []
    centre.away = False
    sent = centre.texts()[0]
    centre.report(sent, "DELIVRD")
    product.becomes(GUANGDONG, ReceiptState.DELIVERED)
    assert (len(centre.submitted), kannel.asked(GUANGDONG)) == (1, asked + 1)
