"""Kannel killed, frozen, unreachable: each receipt is requested once and ends in a stated state."""

from collections.abc import Iterator

import pytest

from receipts.worker.worker import Worker
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.journeys.kannel.product import Product
from tests.support.kannel import Boxes
from tests.support.product import until
from tests.support.smsc import Centre

pytestmark = pytest.mark.faults


@pytest.fixture
def reports() -> str:
    """Also that the SMSC has a text: then bearerbox waits for its report."""
    return "all"


@pytest.fixture(autouse=True)
def _mended(kannel: Boxes, line: Centre) -> Iterator[None]:
    """Restore Kannel and its SMSC after each test."""
    yield
    line.away = line.holding = False
    back(kannel, line)


@pytest.fixture(autouse=True)
def _customer(product: Product, centre: Centre, worker: Worker) -> None:
    """A subscriber with flash receipts, and a worker."""
    del centre, worker
    product.subscriber()


def back(kannel: Boxes, line: Centre) -> None:
    """Start Kannel if it is not running; return when its links are bound."""
    if not kannel.running:
        kannel.start()
    line.until(lambda: line.bound("carrier", "second"))


def test_receipt_in_flight_is_resent_by_kannel_alone(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
):
    asked = kannel.asked(GUANGDONG)
    centre.holding = True
    product.person_to_person()
    product.becomes(ReceiptState.SENT)
    in_flight = centre.texts()[0]
    kannel.kill()
    centre.holding = False
    back(kannel, centre)
    # Kannel keeps a text on disk until the centre has answered: the second offer is Kannel's.
    offered_again = centre.texts(2)[1]
    assert offered_again.text == in_flight.text
    clock.move(minutes=30)
    centre.report(offered_again, "DELIVRD")
    receipt = product.becomes(ReceiptState.DELIVERED)
    assert (receipt.attempts, kannel.asked(GUANGDONG)) == (1, asked + 1)
    assert len(centre.submitted) == 2


def test_report_arrives_after_a_kill_of_kannel(product: Product, centre: Centre, kannel: Boxes):
    product.person_to_person()
    until(lambda: product.receipt().history, why="the first status")
    kannel.kill()
    back(kannel, centre)
    assert len(centre.submitted) == 1
    centre.report(centre.submitted[0], "DELIVRD")
    product.becomes(ReceiptState.DELIVERED)
    assert len(centre.submitted) == 1


def test_receipt_without_an_answer_is_unsure_and_never_sent_again(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
):
    asked = kannel.asked(GUANGDONG)
    kannel.freeze("bearerbox")
    product.person_to_person()
    until(lambda: kannel.asked(GUANGDONG) == asked + 1, why="our request")
    assert product.receipt().state is ReceiptState.SENDING
    kannel.kill("bearerbox")
    receipt = product.becomes(ReceiptState.UNSURE)
    assert receipt.note == "unsure: kannel gave no answer: GOT_NOTHING"
    kannel.kill("smsbox")
    back(kannel, centre)
    clock.move(hours=3)
    product.person_to_person()
    product.becomes(ReceiptState.SENT)
    older = product.built.store.receipts([receipt.id])[0]
    assert older == receipt
    assert len(centre.texts()) == 1
    assert kannel.asked(GUANGDONG) == asked + 2


def test_receipt_due_during_an_outage_of_kannel_goes_out_afterwards(
    product: Product, centre: Centre, kannel: Boxes, clock: TestClock
):
    kannel.kill()
    product.person_to_person()
    until(lambda: product.receipt().note, why="the first attempt")
    waiting = product.receipt()
    assert (waiting.state, waiting.attempts) == (ReceiptState.DUE, 1)
    assert waiting.note == "kannel not reached: COULDNT_CONNECT"
    back(kannel, centre)
    clock.move(seconds=6)
    assert product.becomes(ReceiptState.SENT).attempts == 2
    assert len(centre.texts()) == 1


def test_receipt_waits_for_the_smsc_in_kannel(product: Product, centre: Centre, kannel: Boxes):
    asked = kannel.asked(GUANGDONG)
    centre.leave()
    centre.until(lambda: not centre.bound("carrier"))
    product.person_to_person()
    product.becomes(ReceiptState.SENT)
    assert centre.submitted == []
    centre.away = False
    sent = centre.texts()[0]
    centre.report(sent, "DELIVRD")
    product.becomes(ReceiptState.DELIVERED)
    assert (len(centre.submitted), kannel.asked(GUANGDONG)) == (1, asked + 1)
