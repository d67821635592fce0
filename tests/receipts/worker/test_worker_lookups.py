"""Look-ups of a worker: repeated after errors, apart for equal texts, ended without a provider."""

import pytest
from msgspec.structs import replace

from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.provider import ProviderStatus, TemporaryError
from tests.receipts.delivery.conftest import UNKNOWN, fail
from tests.receipts.worker.conftest import Rig
from tests.support.sending import ANNA, Desk

pytestmark = pytest.mark.usefixtures("short_intervals")


def in_doubt(desk: Desk, **changes: object) -> Receipt:
    """A receipt in doubt; its look-up is due a second later."""
    now = fail(desk, desk.post(), UNKNOWN)
    if changes:
        changed = replace(now, version=now.version + 1, **changes)
        desk.settle(ChangeSet(ANNA, records=(changed,)))
    return now


def test_failed_look_up_is_repeated(rig: Rig):
    receipt = in_doubt(rig.desk)
    rig.courier.finds.extend([TemporaryError("busy"), ZeroDivisionError(), "found-1"])
    rig.desk.clock.move(seconds=1)
    with rig.at_work(rig.hire()):
        rig.until(lambda: len(rig.courier.sought) == 1)
        # The timer is set anew after the answer.
        rig.until(lambda: rig.desk.outbox.due_timers(rig.desk.clock.now(), 50) == [])
        rig.desk.clock.move(seconds=15)
        rig.until(lambda: rig.state(receipt) == "sent")
    assert len(rig.courier.sought) == 3


@pytest.mark.parametrize(
    ("status", "state", "fen"),
    [
        (ProviderStatus.DELIVERED, "delivered", [10]),
        (ProviderStatus.UNDELIVERED, "undelivered", []),
        (ProviderStatus.FAILED, "undelivered", []),
        (ProviderStatus.UNKNOWN, "sent", [10]),
    ],
)
def test_final_status_of_a_found_message_counts_as_its_report(
    rig: Rig, status: ProviderStatus, state: str, fen: list[int]
):
    """Response and report are both lost: what did not arrive is not charged."""
    receipt = in_doubt(rig.desk)
    rig.courier.finds.append("SM-1")
    rig.courier.found_as = status, f"{status} 30003"
    rig.desk.clock.move(seconds=1)
    rig.run_until_state(state, receipt)
    assert [charge.fen for charge in rig.desk.charges()] == fen
    assert rig.desk.now(receipt).provider_id == "SM-1"
    assert rig.desk.timers() == []


def test_two_receipts_of_equal_text_find_a_message_each(rig: Rig):
    rig.desk.begin(rig.desk.post(provider_id="SM-other", state="sent"))
    first, second = in_doubt(rig.desk), in_doubt(rig.desk)
    rig.courier.finds.extend(["SM-1", "SM-2"])
    rig.desk.clock.move(seconds=1)
    rig.run_until_state("sent", first, second)
    assert {rig.desk.now(each).provider_id for each in (first, second)} == {"SM-1", "SM-2"}
    assert rig.courier.sought == [{"SM-other"}, {"SM-other", "SM-1"}]


@pytest.mark.parametrize("given", [{"provider": "gone-since"}, {"requested_at": None}], ids=str)
def test_receipt_that_cannot_be_looked_up_is_left_to_staff(rig: Rig, given: dict[str, object]):
    receipt = in_doubt(rig.desk, **given)
    rig.desk.clock.move(seconds=1)
    rig.run_until(lambda: rig.desk.timers() == [])
    assert (rig.state(receipt), rig.courier.sought) == ("unsure", [])


def test_look_up_timer_without_a_record_ends(rig: Rig):
    gone = rig.desk.store.receipt_id(ANNA, "ff")
    timer = Timer("look", ANNA, f"{gone}/0", rig.desk.clock.now())
    rig.desk.settle(ChangeSet(ANNA, timers=(timer,)))
    rig.run_until(lambda: rig.desk.timers() == [])
    assert rig.courier.sought == []


def test_look_up_whose_commit_fails_is_repeated(rig: Rig):
    receipt = in_doubt(rig.desk)
    rig.courier.finds.extend(["found-1", "found-1"])
    rig.outage("commit", after=lambda: rig.courier.sought)
    rig.desk.clock.move(seconds=1)
    rig.run_until_state("sent", receipt)
    assert len(rig.courier.sought) == 2
