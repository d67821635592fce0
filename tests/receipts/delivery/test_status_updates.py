"""Status updates committed with optimistic locking."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from receipts.delivery import status_updates
from receipts.delivery.status_updates import apply_status_update
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError
from tests.receipts.delivery.conftest import raw_statuses
from tests.support.sending import ANNA, Desk


def update(desk: Desk, receipt_id: str, raw: str = "delivered") -> bool:
    status = ProviderStatus.DELIVERED
    return apply_status_update(desk.store, desk.delivery, receipt_id, status, raw, "SM1")


def test_update_is_committed_and_a_repeat_changes_no_record(desk: Desk):
    receipt = desk.post()
    assert update(desk, receipt.id)
    known = desk.now(receipt)
    assert (known.state, known.provider_id) == ("delivered", "SM1")
    assert update(desk, receipt.id)
    assert desk.now(receipt) == known


@pytest.mark.parametrize("receipt_id", ["", "nobody", "5-ffff", "{s1}-1"])
def test_update_of_an_unknown_receipt_is_refused(desk: Desk, receipt_id: str):
    assert update(desk, receipt_id) is False


def test_concurrent_updates_charge_once(desk: Desk):
    receipt = desk.post()
    with ThreadPoolExecutor(12) as pool:
        raws = [f"delivered {turn % 3}" for turn in range(12)]
        assert all(pool.map(lambda raw: update(desk, receipt.id, raw), raws))
    now = desk.now(receipt)
    assert sorted(raw_statuses(now)) == ["delivered 0", "delivered 1", "delivered 2"]
    assert (now.state, now.charge_fen, len(desk.charges())) == ("delivered", 10, 1)


def test_update_that_loses_every_race_raises(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipt = desk.post()
    monkeypatch.setattr(status_updates, "_MAX_ATTEMPTS", 3)
    real = desk.delivery.apply_status

    def overtaken(was: Receipt, *args: object) -> ChangeSet:
        desk.settle(ChangeSet(ANNA, records=(replace(was, version=was.version + 1),)))
        return real(was, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.delivery, "apply_status", overtaken)
    with pytest.raises(ContentionError):
        update(desk, receipt.id)
