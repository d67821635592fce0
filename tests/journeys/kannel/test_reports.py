"""Delivery reports of the message centre reach the receipt through Kannel."""

import pytest
import requests
from msgspec.structs import replace

from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.kannel import Boxes
from tests.support.product import until
from tests.support.smpp import Status
from tests.support.smsc import Centre, Submitted

pytestmark = pytest.mark.usefixtures("worker")

DELIVERED, UNDELIVERED = ReceiptState.DELIVERED, ReceiptState.UNDELIVERED


@pytest.fixture
def sent(product: Product, centre: Centre) -> Submitted:
    """A sent receipt that waits for its report."""
    product.subscriber()
    return next_receipt(product, centre)


def next_receipt(product: Product, centre: Centre) -> Submitted:
    known = len(centre.submitted)
    product.person_to_person()
    text = centre.texts(known + 1)[known]
    product.becomes(ReceiptState.SENT)
    return text


def heard(product: Product, word: str) -> None:
    until(lambda: word in [n.raw_status for n in product.receipt().history], why=word)


def again(product: Product, call: str) -> None:
    answer = requests.get(f"http://127.0.0.1:{product.doors.port}{call}", timeout=20)
    assert answer.status_code == 204


def test_each_final_status_ends_a_receipt(product: Product, centre: Centre, sent: Submitted):
    for stat, err, state in [
        ("DELIVRD", "000", DELIVERED),
        ("UNDELIV", "001", UNDELIVERED),
        ("EXPIRED", "027", UNDELIVERED),
        ("REJECTD", "0B0", UNDELIVERED),
    ]:
        centre.report(sent, stat, err=err)
        receipt = product.becomes(state)
        kind = 1 if state is DELIVERED else 2
        assert [n.raw_status for n in receipt.history] == [f"type {kind} {stat} {err}"]
        assert receipt.done_at is not None
        sent = next_receipt(product, centre)


@pytest.mark.parametrize("reports", ["all"])
def test_temporary_status_ends_no_receipt(product: Product, centre: Centre, sent: Submitted):
    heard(product, "type 8")
    for stat in ("ACCEPTD", "ENROUTE"):
        centre.report(sent, stat)
        heard(product, f"type 4 {stat} 000")
        assert product.receipt().state is ReceiptState.SENT
    centre.report(sent, "DELIVRD")
    product.becomes(DELIVERED)
    # Kannel sends "not delivered" for a status it does not know; the status itself counts.
    for stat in ("DELETED", "UNKNOWN", "PUZZLED"):
        centre.report(next_receipt(product, centre), stat)
        heard(product, f"type 2 {stat} 000")
        assert product.receipt().state is ReceiptState.SENT


@pytest.mark.parametrize("smsc", ["second"])
def test_report_with_the_id_in_hex_is_matched(product: Product, centre: Centre, sent: Submitted):
    for form in ("{:X}", "{:x}", "{:010X}"):
        assert sent.id.isdecimal()
        centre.report(sent, "DELIVRD", sent_id=form.format(int(sent.id)))
        product.becomes(DELIVERED)
        sent = next_receipt(product, centre)


@pytest.mark.parametrize("reports", ["all"])
def test_repeated_report_changes_no_state(product: Product, centre: Centre, sent: Submitted):
    heard(product, "type 8")
    under_way, first = product.receipt(), product.doors.calls[-1]
    assert "&type=8&" in first
    again(product, first)
    assert product.receipt() == under_way
    centre.report(sent, "DELIVRD")
    ended = product.becomes(DELIVERED)
    centre.report(sent, "DELIVRD")
    call = next(call for call in reversed(product.doors.calls) if "&type=1&" in call)
    for repeated in (first, call, call):
        again(product, repeated)
    assert product.receipt() == ended
    again(product, call.replace("type=1", "type=2").replace("DELIVRD", "UNDELIV"))
    contradicted = product.receipt()
    assert replace(contradicted, history=ended.history, version=ended.version) == ended
    assert contradicted.history[-1].raw_status == "type 2 UNDELIV 000"


@pytest.mark.parametrize(("reports", "count"), [("final", 1), ("all", 2)])
def test_kannel_sends_each_report_once(
    product: Product, centre: Centre, sent: Submitted, count: int
):
    centre.report(sent, "DELIVRD")
    ended = product.becomes(DELIVERED)
    # Twice its retry interval.
    until(product.settled, why="no further call")
    assert product.doors.count(f"id={ended.id}&") == count, product.doors.calls


def test_report_during_a_restart_is_retried(product: Product, centre: Centre, sent: Submitted):
    app, product.doors.app = product.doors.app, None
    about = f"id={product.receipt().id}&"
    calls = product.doors.count(about)
    centre.report(sent, "DELIVRD")
    centre.until(lambda: product.doors.count(about) > calls)
    product.doors.app = app
    product.becomes(DELIVERED)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.SUBMIT_FAILED, "type 16 NACK/0x00000045/Submit failed"),
        (Status.INVALID_DESTINATION, "type 16 NACK/0x0000000b/Invalid Destination Address"),
    ],
)
def test_refused_receipt_is_undelivered(
    product: Product, centre: Centre, status: Status, word: str
):
    product.subscriber()
    centre.refusals.append(status)
    product.person_to_person()
    receipt = product.becomes(UNDELIVERED)
    assert [news.raw_status for news in receipt.history] == [word]
    assert len(centre.submitted) == 1


def test_busy_centre_is_retried_by_kannel_alone(product: Product, centre: Centre, kannel: Boxes):
    product.subscriber()
    for status in (Status.THROTTLED, Status.QUEUE_FULL, Status.SYSTEM_ERROR):
        centre.begin()
        asked = kannel.asked(GUANGDONG)
        centre.refusals.append(status)
        product.person_to_person()
        refused, taken = centre.texts(2)
        assert (refused.status, taken.status) == (status, Status.OK)
        assert refused.text == taken.text
        centre.report(taken, "DELIVRD")
        assert product.becomes(DELIVERED).attempts == 1
        assert kannel.asked(GUANGDONG) == asked + 1
