"""What the centre says of a receipt comes back through Kannel to the receipt's record."""

import pytest
import requests
from msgspec.structs import replace

from receipts.model.vocabulary import DisplayMode, Language
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG
from tests.journeys.kannel.product import Product
from tests.support.kannel import Boxes, eventually
from tests.support.smpp import Status
from tests.support.smsc import Centre, Submitted

pytestmark = pytest.mark.usefixtures("worker")

DELIVERED, UNDELIVERED = ReceiptState.DELIVERED, ReceiptState.UNDELIVERED


@pytest.fixture
def sent(product: Product, centre: Centre) -> Submitted:
    """A receipt that went out and waits for its report."""
    product.subscriber(GUANGDONG, DisplayMode.FLASH, Language.ZH)
    return next_receipt(product, centre)


def next_receipt(product: Product, centre: Centre) -> Submitted:
    known = len(centre.submitted)
    product.person_to_person(GUANGDONG)
    text = centre.texts(known + 1)[known]
    heard(product, "type 8")
    return text


def heard(product: Product, word: str) -> None:
    """Wait until the receipt's record has this word of the centre's."""
    eventually(lambda: word in [n.raw_status for n in product.receipt(GUANGDONG).history], word)


def again(product: Product, call: str) -> None:
    """What Kannel, or anybody between us, may do at any time."""
    answer = requests.get(f"http://127.0.0.1:{product.doors.port}{call}", timeout=5)
    assert answer.status_code == 204


def test_each_final_word_of_the_centre_ends_a_receipt(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    for stat, err, state in [
        ("DELIVRD", "000", DELIVERED),
        ("UNDELIV", "001", UNDELIVERED),
        ("EXPIRED", "027", UNDELIVERED),
        ("REJECTD", "0B0", UNDELIVERED),
    ]:
        centre.report(sent, stat, err=err)
        receipt = product.becomes(GUANGDONG, state)
        kind = 1 if state is DELIVERED else 2
        assert [n.raw_status for n in receipt.history] == ["type 8", f"type {kind} {stat} {err}"]
        assert receipt.done_at is not None
        sent = next_receipt(product, centre)


def test_a_word_that_is_not_final_or_not_known_ends_nothing(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    for stat in ("ACCEPTD", "ENROUTE"):
        centre.report(sent, stat)
        heard(product, f"type 4 {stat} 000")
        assert product.receipt(GUANGDONG).state is ReceiptState.SENT
    centre.report(sent, "DELIVRD")
    product.becomes(GUANGDONG, DELIVERED)
    # Kannel says "not delivered" of whatever it does not know; we look at the word itself.
    for stat in ("DELETED", "UNKNOWN", "PUZZLED"):
        centre.report(next_receipt(product, centre), stat)
        heard(product, f"type 2 {stat} 000")
        assert product.receipt(GUANGDONG).state is ReceiptState.SENT


@pytest.mark.parametrize("smsc", ["second"])
def test_an_id_in_hex_is_known_for_the_one_given_in_decimal(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    for spelt in ("{:X}", "{:x}", "{:010X}"):
        assert sent.id.isdecimal()
        centre.report(sent, "DELIVRD", spelt=spelt.format(int(sent.id)))
        product.becomes(GUANGDONG, DELIVERED)
        sent = next_receipt(product, centre)


def test_repeated_and_contradicting_reports_change_nothing(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    under_way, first = product.receipt(GUANGDONG), product.doors.calls[-1]
    assert "&type=8&" in first
    again(product, first)
    assert product.receipt(GUANGDONG) == under_way
    centre.report(sent, "DELIVRD")
    ended = product.becomes(GUANGDONG, DELIVERED)
    centre.report(sent, "DELIVRD")
    call = next(call for call in reversed(product.doors.calls) if "&type=1&" in call)
    for repeated in (first, call, call):
        again(product, repeated)
    assert product.receipt(GUANGDONG) == ended
    again(product, call.replace("type=1", "type=2").replace("DELIVRD", "UNDELIV"))
    contradicted = product.receipt(GUANGDONG)
    assert replace(contradicted, history=ended.history, version=ended.version) == ended
    assert contradicted.history[-1].raw_status == "type 2 UNDELIV 000"


def test_kannel_brings_each_report_once_when_all_is_well(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    centre.report(sent, "DELIVRD")
    ended = product.becomes(GUANGDONG, DELIVERED)
    # Twice as long as it waits before it repeats what it takes for a failure.
    eventually(product.settled, "quiet", 4)
    calls = [call for call in product.doors.calls if f"id={ended.id}&" in call]
    assert len(calls) == 2, calls


def test_a_report_that_meets_our_restart_is_brought_again(
    product: Product, centre: Centre, sent: Submitted
) -> None:
    app, product.doors.app = product.doors.app, None
    calls = len(product.doors.calls)
    centre.report(sent, "DELIVRD")
    centre.until(lambda: len(product.doors.calls) > calls)
    product.doors.app = app
    product.becomes(GUANGDONG, DELIVERED)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.SUBMIT_FAILED, "type 16 NACK/0x00000045/Submit failed"),
        (Status.INVALID_DESTINATION, "type 16 NACK/0x0000000b/Invalid Destination Address"),
    ],
)
def test_a_receipt_that_the_centre_refuses_ends_undelivered_with_its_word(
    product: Product, centre: Centre, status: Status, word: str
) -> None:
    product.subscriber(GUANGDONG, DisplayMode.FLASH, Language.ZH)
    centre.refusals.append(status)
    product.person_to_person(GUANGDONG)
    receipt = product.becomes(GUANGDONG, UNDELIVERED)
    assert [news.raw_status for news in receipt.history] == [word]
    assert len(centre.submitted) == 1


def test_a_centre_with_no_room_is_asked_again_by_kannel_and_not_by_us(
    product: Product, centre: Centre, kannel: Boxes
) -> None:
    product.subscriber(GUANGDONG, DisplayMode.FLASH, Language.ZH)
    for status in (Status.THROTTLED, Status.QUEUE_FULL, Status.SYSTEM_ERROR):
        centre.begin()
        asked = kannel.asked(GUANGDONG)
        centre.refusals.append(status)
        product.person_to_person(GUANGDONG)
        refused, taken = centre.texts(2)
        assert (refused.status, taken.status) == (status, Status.OK)
        assert refused.text == taken.text
        centre.report(taken, "DELIVRD")
        assert product.becomes(GUANGDONG, DELIVERED).attempts == 1
        assert kannel.asked(GUANGDONG) == asked + 1
