"""Stretches of a customer's list of receipts, and the ledger of a month, on the real server."""

import datetime as dt
from collections.abc import Sequence
from random import Random

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
    assert store.ledgers(ANNA, ["2026-10", MONTH], 9, 9) == [
        MonthLedger("2026-10", 0, 0), MonthLedger(MONTH, 10, 135, (fee,))
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


def written(store: RedisStore, charges: Sequence[Charge]) -> None:
    parts = (charges[start : start + 50] for start in range(0, len(charges), 50))
    store.commit_all([ChangeSet(ANNA, charges=tuple(part)) for part in parts])


def shuffled(count: int) -> list[Charge]:
    """Charges in an order of writing that is not that of their times, some with the same time."""
    made = [replace(line(n // 2), id=f"receipt-{n:05}") for n in range(count)]
    Random(count).shuffle(made)
    return made


@pytest.mark.parametrize("count", [240, 300, 900])
def test_pages_of_a_month_show_each_charge_once_by_time(store: RedisStore, count: int):
    made = shuffled(count)
    written(store, made[:-20])
    # A reader comes between two charges, and some are repeated.
    store.ledgers(ANNA, [MONTH], 100, 100)
    written(store, [*made[-40:], *made[:1]])
    pages = [store.ledgers(ANNA, [MONTH], 100, skip)[0] for skip in range(0, count + 100, 100)]
    newest = sorted(made, key=lambda charge: (charge.at, charge.id), reverse=True)
    assert [charge for page in pages for charge in page.charges] == newest
    assert {(page.count, page.fen) for page in pages} == {(count, count * 5)}
    assert store.charges_of(ANNA, [MONTH]) == newest[::-1]


def test_month_that_began_without_an_order_is_read_whole(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    made = shuffled(600)
    written(store, made[:-1])
    raw.delete(keys.charge_order(ANNA, MONTH))
    written(store, made[-1:])
    assert not raw.exists(keys.charge_order(ANNA, MONTH))
    (page,) = store.ledgers(ANNA, [MONTH], 3, 500)
    newest = sorted(made, key=lambda charge: (charge.at, charge.id), reverse=True)
    assert (page.count, list(page.charges)) == (600, newest[500:503])


def test_charge_that_an_earlier_release_left_out_of_the_order_is_shown(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    made = shuffled(600)
    written(store, made)
    raw.zrem(keys.charge_order(ANNA, MONTH), made[3].id)
    (page,) = store.ledgers(ANNA, [MONTH], 600)
    assert made[3] in page.charges


def test_month_without_all_its_times_is_shown_by_a_store_that_takes_no_writes(
    store: RedisStore, raw: "redis.Redis"
):
    made = shuffled(300)
    written(store, made)
    newest = sorted(made, key=lambda each: (each.at, each.id), reverse=True)[:7]
    raw.config_set("min-replicas-to-write", 1)
    try:
        (ledger,) = store.ledgers(ANNA, [MONTH], 7)
    finally:
        raw.config_set("min-replicas-to-write", 0)
    assert list(ledger.charges) == newest


def test_page_of_many_charges_reads_no_more_than_it_shows(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    written(store, shuffled(2_000))
    store.ledgers(ANNA, [MONTH], 1)
    raw.config_resetstat()
    sent = raw.info("stats")["total_net_output_bytes"]
    (page,) = store.ledgers(ANNA, [MONTH], 100, 1_500)
    assert len(page.charges) == 100
    assert raw.info("stats")["total_net_output_bytes"] - sent < 100 * 150
    asked = {name: stats["calls"] for name, stats in raw.info("commandstats").items()}
    assert "cmdstat_hgetall" not in asked
    assert (asked["cmdstat_zrange"], asked["cmdstat_hmget"]) == (2, 2)
    assert raw.ttl(keys.charge_order(ANNA, MONTH)) == raw.ttl(keys.charges(ANNA, MONTH))


def test_month_of_few_charges_has_no_order(store: RedisStore, raw: "redis.Redis", keys: KeySchema):
    written(store, shuffled(240))
    store.ledgers(ANNA, [MONTH], 100)
    assert not raw.exists(keys.charge_order(ANNA, MONTH))
