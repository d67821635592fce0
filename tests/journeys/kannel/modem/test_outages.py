"""The line to the modem cut, texts refused, Kannel away: each text has a stated end."""

from collections.abc import Iterator

import pytest

from receipts.model.vocabulary import Msisdn
from receipts.worker.worker import Worker
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.kannel import Boxes
from tests.support.modem.device import Modem
from tests.support.product import until

#: CMS error: no network (3GPP TS 27.005, 3.2.5).
NO_NETWORK = 331

pytestmark = pytest.mark.faults


@pytest.fixture
def reports() -> str:
    """Also that the modem took a text: then bearerbox waits for its report."""
    return "all"


@pytest.fixture(autouse=True)
def _mended(modem: Modem, kannel: Boxes) -> Iterator[None]:
    """Plug the modem in, and start Kannel, after each test."""
    yield
    if not modem.plugged_in:
        modem.plug()
    if not kannel.running:
        kannel.start()
    modem.until(lambda: modem.ready)


@pytest.fixture(autouse=True)
def _customer(product: Product, worker: Worker) -> None:
    """A subscriber with flash receipts, and a worker."""
    del worker
    product.subscriber()


def test_text_is_offered_again_after_a_cut_before_its_acknowledgement(
    product: Product, modem: Modem, kannel: Boxes
):
    asked = kannel.asked(GUANGDONG)
    modem.cut_before_ack = True
    product.person_to_person()
    modem.until(lambda: not modem.plugged_in)
    modem.plug()
    first, second = modem.texts(2)
    assert first.submit == second.submit
    modem.report(first, 0x46)
    modem.report(second)
    receipt = product.becomes(ReceiptState.DELIVERED)
    assert (receipt.attempts, kannel.asked(GUANGDONG)) == (1, asked + 1)


def test_text_that_meets_no_network_is_tried_again(product: Product, modem: Modem):
    modem.refusals.append(NO_NETWORK)
    product.person_to_person()
    (sent,) = modem.texts()
    modem.report(sent)
    assert product.becomes(ReceiptState.DELIVERED).attempts == 1


def test_text_that_is_always_refused_is_given_up(product: Product, modem: Modem):
    modem.refusals.extend([NO_NETWORK] * 10)
    product.person_to_person()
    receipt = product.becomes(ReceiptState.UNDELIVERED)
    assert [event.raw_status.split()[1] for event in receipt.history] == ["16"]
    assert modem.sent == []


def test_text_to_the_sim_waits_there_while_kannel_is_away(
    product: Product, modem: Modem, kannel: Boxes
):
    kannel.kill()
    modem.phone(GUANGDONG, "QXDXHZ")
    modem.until(lambda: modem.sim)
    kannel.start()
    (reply,) = modem.whole_texts()
    assert reply.to == GUANGDONG
    subscription = product.built.store.load(Msisdn(GUANGDONG)).subscription
    assert subscription.state is SubscriptionState.ENDING
    modem.until(lambda: not modem.sim)


def test_report_while_kannel_is_away_is_lost_and_counts_for_no_other_text(
    product: Product, modem: Modem, kannel: Boxes
):
    product.person_to_person()
    (lost,) = modem.texts()
    until(lambda: product.receipt().history, why="the first status")
    first = product.receipt()
    kannel.kill()
    modem.report(lost)
    modem.until(lambda: modem.delivered)
    kannel.start()
    product.person_to_person()
    _, second = modem.texts(2)
    modem.report(second)
    product.becomes(ReceiptState.DELIVERED)
    assert product.built.store.receipts([first.id])[0] == first
