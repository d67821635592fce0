"""News of our own receipts, whichever provider brings it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from receipts.delivery import status_updates
from receipts.delivery.status_updates import apply_status_update
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError
from tests.support.sending import ANNA, Desk


def take(desk: Desk, receipt: Receipt, word: str = "delivered") -> bool:
    return apply_status_update(
        desk.store, desk.delivery, receipt.id, ProviderStatus.DELIVERED, word, "SM1"
    )


def test_news_is_on_disk_when_it_was_taken_and_a_repeat_changes_nothing(desk: Desk):
    receipt = desk.post()
    assert take(desk, receipt)
    known = desk.now(receipt)
    assert (known.state, known.provider_id) == ("delivered", "SM1")
    assert take(desk, receipt)
    assert desk.now(receipt) == known


@pytest.mark.parametrize("ident", ["", "nobody", "5-ffff", "{s1}-1"])
def test_news_of_nothing_of_ours_is_known_as_such(desk: Desk, ident: str):
    assert (
        apply_status_update(desk.store, desk.delivery, ident, ProviderStatus.DELIVERED, "d", None)
        is False
    )


def test_news_from_all_sides_at_once_charges_once(desk: Desk):
    receipt = desk.post()
    with ThreadPoolExecutor(12) as pool:
        words = [f"delivered {turn % 3}" for turn in range(12)]
        assert all(pool.map(lambda word: take(desk, receipt, word), words))
    now = desk.now(receipt)
    assert sorted(n.raw_status for n in now.history) == [
        "delivered 0",
        "delivered 1",
        "delivered 2",
    ]
    assert (now.state, now.charge_fen, len(desk.charges())) == ("delivered", 10, 1)


def test_who_always_loses_is_told_so_in_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    receipt = desk.post()
    monkeypatch.setattr(status_updates, "_MAX_ATTEMPTS", 3)
    real = desk.delivery.apply_status

    def overtaken(was: Receipt, *about: object) -> ChangeSet:
        desk.settle(ChangeSet(ANNA, records=(replace(was, version=was.version + 1),)))
        return real(was, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.delivery, "apply_status", overtaken)
    with pytest.raises(ContentionError):
        take(desk, receipt)
