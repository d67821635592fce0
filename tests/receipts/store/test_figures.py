"""Figures of days and months: what each commit adds, how long they are kept, unknown texts."""

import datetime as dt

import pytest
import redis

from receipts.model.customer import CallLog
from receipts.model.figure import (
    MOVES,
    STANDING,
    UNKNOWN_TEXTS,
    Figure,
    figure,
    report_figure,
    week_of,
)
from receipts.model.vocabulary import Language
from receipts.ports.changes import ChangeSet
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from tests.receipts.store.conftest import ANNA, FRIEND, NOW, charge

DAY, MONTH = "2026-11-22", "2026-11"
MIDNIGHT = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)  # in Shanghai
TEN = dt.timedelta(minutes=10)


@pytest.fixture
def reader(server: RedisConnection, keys: KeySchema, store: RedisStore) -> RedisBulkReader:
    del store
    return RedisBulkReader(server, keys)


def test_figures_of_several_shards_add_up(store: RedisStore, reader: RedisBulkReader):
    opened = figure(NOW, "act", "confirm", "text", "GD-1")
    changes = [ChangeSet(number, figures=(opened, opened)) for number in (ANNA, ANNA, FRIEND)]
    store.commit_all(changes)
    assert reader.figures([DAY, "2026-11-21", MONTH]) == [{opened.name: 6}, {}, {opened.name: 6}]


def test_hours_belong_to_the_day_alone(store: RedisStore, reader: RedisBulkReader):
    later = NOW + dt.timedelta(hours=3)
    counted = (report_figure(NOW, "delivered"), report_figure(later, "delivered", 2))
    store.commit(ChangeSet(ANNA, figures=counted))
    day, month = reader.figures([DAY, MONTH])
    assert day == {"report|delivered@12": 1, "report|delivered@15": 2}
    assert month == {"report|delivered": 3}


def test_figure_belongs_to_its_day_in_shanghai(store: RedisStore, reader: RedisBulkReader):
    both = tuple(figure(at, "web", "code") for at in (MIDNIGHT - TEN, MIDNIGHT))
    store.commit(ChangeSet(ANNA, figures=both))
    periods = ["2026-11-30", "2026-12-01", MONTH, "2026-12"]
    assert reader.figures(periods) == [{"web|code": 1}] * 4


def test_days_and_months_expire_and_running_sums_do_not(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    sums = (figure(NOW, "web", "code"), Figure("state|GD-1|active", NOW, is_running=True))
    store.commit(ChangeSet(ANNA, figures=sums))
    shard, day = keys.shard(ANNA), 86_400
    left = {each: raw.ttl(keys.figures(shard, each)) for each in (DAY, MONTH, STANDING)}
    assert left[STANDING] == -1
    assert 62 * day - 5 <= left[DAY] <= 62 * day
    assert 36 * 31 * day - 5 <= left[MONTH] <= 36 * 31 * day


def test_change_that_is_not_made_adds_nothing(store: RedisStore, reader: RedisBulkReader):
    counted = (figure(NOW, "web", "code"), Figure("state|GD-1|active", NOW, is_running=True))
    log = CallLog("CA1", ANNA, Language.ZH, version=5)
    store.commit(ChangeSet(ANNA, records=(log,), figures=counted, unknown_text=Figure("x", NOW)))
    week = UNKNOWN_TEXTS + week_of(NOW)
    assert reader.figures([DAY, MONTH, STANDING, week]) == [{}] * 4


def test_charge_written_twice_counts_once(store: RedisStore, reader: RedisBulkReader):
    for fen in (100, 100):
        store.commit(ChangeSet(ANNA, charges=(charge(fen=fen),)))
    store.commit(ChangeSet(FRIEND, charges=(charge("credit-1", fen=-30, number=FRIEND),)))
    assert reader.figures([MONTH]) == [{"fen|GD-1|monthly": 70}]


def test_running_sum_goes_up_and_down(store: RedisStore, reader: RedisBulkReader):
    for amount in (1, 1, -1):
        moved = Figure("state|GD-1|active", NOW, amount, is_running=True)
        store.commit(ChangeSet(ANNA, figures=(moved,)))
    month = f"{MOVES}{MONTH}"
    assert reader.figures([STANDING, month, DAY]) == [*[{"state|GD-1|active": 1}] * 2, {}]


def test_unknown_texts_of_a_week_are_few_and_end_after_seven_days(
    store: RedisStore, reader: RedisBulkReader, raw: "redis.Redis", keys: KeySchema
):
    for number in range(100):
        store.commit(ChangeSet(ANNA, unknown_text=Figure(f"text {number}", NOW)))
    store.commit(ChangeSet(ANNA, unknown_text=Figure("text 0", NOW)))
    week = UNKNOWN_TEXTS + week_of(NOW)
    (found,) = reader.figures([week])
    assert len(found) == 32  # of 500 in 16 shards
    assert found["text 0"] == 2
    assert 0 < raw.ttl(keys.figures(keys.shard(ANNA), week)) <= 7 * 86_400
