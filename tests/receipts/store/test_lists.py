"""Stretches of a customer's list of receipts, and the ledger of a month, on the real server."""

import datetime as dt

import pytest
import redis
from msgspec.structs import replace

from receipts.model.charge import Charge, ChargeKind
from receipts.ports.changes import ChangeSet
from receipts.ports.store import MonthLedger, MonthSums
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from tests.receipts.store.conftest import ANNA, NOW, Due

MONTH = "2026-11"


def kept(store: RedisStore, due: Due, count: int) -> list[str]:
    """Ids of so many receipts in the store, oldest first: the first has position 1."""
    made = [due(ANNA, f"{seed:03}") for seed in range(1, count + 1)]
    store.commit_all([ChangeSet(ANNA, records=(each,)) for each in made])
    return [each.id for each in made]


@pytest.mark.parametrize(
    ("start", "limit", "positions"),
    [
        (None, 3, [9, 8, 7]), (None, 20, [9, 8, 7, 6, 5, 4, 3, 2, 1]), (6, 3, [6, 5, 4]),
        (3, 3, [3, 2, 1]), (3, 4, [3, 2, 1]), (2, 9, [2, 1]), (1, 1, [1]), (20, 15, [9, 8, 7, 6]),
    ],
)  # fmt: skip
def test_window_has_the_entries_from_a_position_to_older_ones(
    store: RedisStore, due: Due, start: int | None, limit: int, positions: list[int]
):
    ids = kept(store, due, 9)
    found = store.receipt_window(ANNA, limit, start)
    assert (found.newest, found.length) == (positions[0], 9)
    assert [each.id for each in found.entries if each] == [ids[p - 1] for p in positions]
    assert [each.id for each in store.receipts_at(ANNA, positions) if each] == [
        ids[p - 1] for p in positions
    ]


def test_newer_entry_moves_no_position(store: RedisStore, due: Due):
    kept(store, due, 4)
    before = store.receipt_window(ANNA, 2, 3)
    store.commit(ChangeSet(ANNA, records=(due(ANNA, "new"),)))
    after = store.receipt_window(ANNA, 2, 3)
    assert (after.newest, after.entries) == (before.newest, before.entries)


def test_expired_records_are_none_and_an_empty_list_has_no_entries(
    store: RedisStore, due: Due, raw: "redis.Redis", keys: KeySchema
):
    assert store.receipt_window(ANNA, 5).entries == ()
    assert store.receipts_at(ANNA, [1]) == [None]
    made = due(ANNA, "1")
    store.commit(ChangeSet(ANNA, records=(made,)))
    store.commit(ChangeSet(ANNA, records=(due(ANNA, "2"),)))
    raw.delete(keys.receipt(keys.shard(ANNA), made.id))
    newer, expired = store.receipt_window(ANNA, 5).entries
    assert (newer is not None, expired) == (True, None)


def line(index: int, fen: int = 5) -> Charge:
    at = NOW + dt.timedelta(minutes=index)
    return Charge(f"receipt-{index:02}", ANNA, ChargeKind.RECEIPT, fen, MONTH, "", at, "v1")


def test_ledger_sums_all_charges_and_shows_some_newest_first(store: RedisStore):
    fee = replace(line(0, 100), id="monthly-2026-11", kind=ChargeKind.MONTHLY)
    credit = replace(line(9, -5), id="credit-03", kind=ChargeKind.CREDIT, charge_id="receipt-03")
    made = (fee, *map(line, range(1, 9)), credit)
    # The order of writing does not count.
    store.commit(ChangeSet(ANNA, charges=made[::-1]))
    (page,) = store.ledgers(ANNA, [MONTH], limit=3)
    assert page == MonthLedger(MONTH, 10, 135, (credit, line(8), line(7)))
    (rest,) = store.ledgers(ANNA, [MONTH], limit=9, skip=3)
    assert rest.charges == (*map(line, range(6, 0, -1)), fee)
    assert store.ledgers(ANNA, ["2026-10", MONTH]) == [
        MonthLedger("2026-10", 0, 0), MonthLedger(MONTH, 10, 135)
    ]  # fmt: skip
    assert store.monthly_fees(ANNA, ["2026-10", MONTH]) == [fee]


def test_sums_of_a_month_are_those_of_its_charges_by_kind(store: RedisStore):
    fee = replace(line(0, 100), id="monthly-2026-11", kind=ChargeKind.MONTHLY)
    credit = replace(line(9, -5), id="credit-03", kind=ChargeKind.CREDIT, charge_id="receipt-03")
    free = line(10, 0)
    store.commit(ChangeSet(ANNA, charges=(fee, line(1), line(2), free)))
    for _ in range(2):  # a repeated charge counts once
        store.commit(ChangeSet(ANNA, charges=(line(2), credit)))
    expected = MonthSums(
        5,
        {ChargeKind.MONTHLY: 100, ChargeKind.RECEIPT: 10, ChargeKind.CREDIT: -5},
        {ChargeKind.MONTHLY: 1, ChargeKind.RECEIPT: 2, ChargeKind.CREDIT: 1},
    )
    assert store.month_sums(ANNA, ["2026-10", MONTH]) == [MonthSums(), expected]
    assert store.load(ANNA, sums_of=MONTH).month_sums == expected
    assert expected.fen == 105
    assert len(store.charges_of(ANNA, [MONTH])) == 5


def test_month_that_began_without_sums_is_summed_from_its_charges(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    store.commit(ChangeSet(ANNA, charges=(line(1), line(2))))
    raw.hdel(keys.charges(ANNA, MONTH), "=", "=receipt")
    store.commit(ChangeSet(ANNA, charges=(line(3),)))
    (sums,) = store.month_sums(ANNA, [MONTH])
    assert (sums.count, sums.fen, sums.paid_by_kind) == (3, 15, {ChargeKind.RECEIPT: 3})
