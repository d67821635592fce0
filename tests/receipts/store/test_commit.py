"""A commit is atomic, on the real server."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from msgspec.structs import replace

from receipts.model.calendar import month_of
from receipts.model.charge import AuditEntry, Charge, ChargeKind
from receipts.model.customer import CallLog, DailyReplyCount, Subscription
from receipts.model.figure import day_of, report_figure
from receipts.model.message import MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry, Reply
from receipts.ports.store import ReportQuery
from receipts.store.codec import decode
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from tests.receipts.store.conftest import (
    ANNA,
    FRIEND,
    HELLO,
    NOW,
    Due,
    Dump,
    charge,
    everything,
    timer,
)


def test_every_part_of_a_change_is_stored(
    store: RedisStore, outbox: RedisOutbox, raw: "redis.Redis", keys: KeySchema, due: Due
):
    receipt = due(ANNA)
    assert store.commit(everything(receipt)).status is CommitStatus.COMMITTED
    held = store.load(ANNA, "sms:SM1", reply_count=True, call="CA1")
    assert held.subscription == Subscription(ANNA, version=1)
    assert held.previous_reply == HELLO
    (told,) = store.load_many([ReportQuery(ANNA, FRIEND, "SM9")])
    assert told.trace == MessageTrace("SM9", ANNA, FRIEND, version=1)
    assert held.reply_count == DailyReplyCount(ANNA, NOW.date(), version=1)
    assert held.call == CallLog("CA1", ANNA, Language.ZH, version=1)
    assert store.receipts([receipt.id]) == [receipt]
    assert store.receipts_of(ANNA, 5, None) == [receipt]
    assert store.charges_of(ANNA, ["2026-10", "2026-11"]) == [charge()]
    assert [p.receipt_id for p in outbox.fetch("w", 5, 0)] == [receipt.id]
    assert outbox.due_timers(NOW, 5) == [timer("end", NOW)]
    shard = keys.shard(ANNA)
    assert raw.hgetall(keys.counts(shard)) == {b"underway": b"1"}
    assert raw.smembers(keys.charged(shard, "2026-11")) == {ANNA.encode()}
    ((_, entry),) = raw.xrange(keys.audit(shard, "2026-11"))
    assert decode(AuditEntry, entry[b"entry"]).state_after == "active"


def test_change_writes_no_other_keys(store: RedisStore, due: Due, dump: Dump):
    before = set(dump())
    store.commit(everything(due(ANNA)))
    tag = f"{{s{store._keys.shard(ANNA):d}}}:".encode()  # noqa: SLF001 - the key's own spelling
    made = set(dump()) - before
    assert len(made) == 19  # with the figures of the day and the month
    assert all(key.startswith(tag) for key in made)


STORED = (
    Subscription(ANNA, version=1),
    MessageTrace("SM8", ANNA, FRIEND, version=1),
    DailyReplyCount(ANNA, NOW.date(), version=1),
    CallLog("CA8", ANNA, Language.ZH, version=1),
)
PRECONDITIONS = {
    "the event was claimed": ChangeSet(ANNA, idempotency_key="taken"),
    "the record is gone": ChangeSet(ANNA, records=(CallLog("CA7", ANNA, Language.ZH, version=5),)),
    "the timer was fired": ChangeSet(ANNA, fired_timer=timer("rung")),
    "a joined timer was fired": ChangeSet(ANNA, joined_timers=(timer("lapse"), timer("rung"))),
} | {f"the {type(each).__name__} changed": ChangeSet(ANNA, records=(each,)) for each in STORED}


@pytest.mark.parametrize("why", PRECONDITIONS)
def test_failed_precondition_changes_no_key(store: RedisStore, due: Due, dump: Dump, why: str):
    store.commit(
        ChangeSet(ANNA, idempotency_key="taken", records=STORED, timers=(timer("lapse", NOW),))
    )
    guard, rest = PRECONDITIONS[why], everything(due(ANNA, "2"))
    others = tuple(record for record in rest.records if isinstance(record, Receipt))
    change = replace(
        rest,
        idempotency_key=guard.idempotency_key or "fresh",
        records=others + guard.records,
        fired_timer=guard.fired_timer,
        joined_timers=guard.joined_timers,
        acked=(OutboxEntry(store._keys.shard(ANNA), "1-1", "x"),),  # noqa: SLF001 - its own shard
    )
    before = dump()
    assert store.commit(change).status is not CommitStatus.COMMITTED
    assert dump() == before


def test_stale_receipt_version_changes_no_key(store: RedisStore, due: Due, dump: Dump):
    receipt = due(ANNA)
    store.commit(ChangeSet(ANNA, records=(receipt,)))
    before = dump()
    again = ChangeSet(ANNA, records=(receipt,), outbox=(receipt.id,), charges=(charge(),))
    assert store.commit(again).status is CommitStatus.CONFLICT
    assert dump() == before


@pytest.mark.parametrize("charged", [1, 0])
def test_concurrent_claims_share_the_first_reply(store: RedisStore, charged: int):
    def claim(turn: int) -> tuple[CommitStatus, str]:
        mine = Reply(next=str(turn))
        charges = tuple(charge(f"c{turn}", turn) for _ in range(charged))
        end = store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=mine, charges=charges))
        return end.status, (end.previous_reply or mine).next

    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(claim, range(16)))
    statuses = Counter(status for status, _ in ends)
    assert statuses == {CommitStatus.COMMITTED: 1, CommitStatus.DUPLICATE: 15}
    assert len({reply for _, reply in ends}) == 1
    assert len(store.charges_of(ANNA, ["2026-11"])) == charged


def test_repeat_gets_the_first_reply(store: RedisStore):
    store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=HELLO))
    again = store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=Reply(next="other")))
    assert (again.status, again.previous_reply) == (CommitStatus.DUPLICATE, HELLO)
    assert store.load(ANNA, "sms:SM1").previous_reply == HELLO


def test_one_of_sixteen_writers_of_a_version_commits(store: RedisStore):
    def write(turn: int) -> CommitStatus:
        record = Subscription(ANNA, version=1, tariff=str(turn))
        return store.commit(ChangeSet(ANNA, records=(record,))).status

    with ThreadPoolExecutor(16) as pool:
        ends = Counter(pool.map(write, range(16)))
    assert ends == {CommitStatus.COMMITTED: 1, CommitStatus.CONFLICT: 15}


def test_only_the_next_version_commits(store: RedisStore):
    for version in range(1, 12):
        record = Subscription(ANNA, version=version)
        assert store.commit(ChangeSet(ANNA, records=(record,))).status is CommitStatus.COMMITTED
        for wrong in (version, version + 2, 1 if version > 1 else 5):
            odd = Subscription(ANNA, version=wrong, mode=DisplayMode.TEXT)
            assert store.commit(ChangeSet(ANNA, records=(odd,))).status is CommitStatus.CONFLICT
    assert store.load(ANNA).subscription == record


def test_charge_is_stored_once_by_id(store: RedisStore):
    store.commit(ChangeSet(ANNA, charges=(charge(fen=100),)))
    store.commit(ChangeSet(ANNA, charges=(charge(fen=300), charge("receipt-1", 5))))
    found = {c.id: c.fen for c in store.charges_of(ANNA, ["2026-11"])}
    assert found == {"monthly-2026-11": 100, "receipt-1": 5}


def test_charges_are_listed_by_month_oldest_first(store: RedisStore):
    early = Charge("b", ANNA, ChargeKind.RECEIPT, 1, "2026-10", "", NOW - dt.timedelta(30), "t")
    store.commit(ChangeSet(ANNA, charges=(charge("z"), charge("a"), early)))
    assert [c.id for c in store.charges_of(ANNA, ["2026-11", "2026-10"])] == ["b", "a", "z"]
    assert store.charges_of(ANNA, ["2026-12"]) == []
    assert store.charges_of(ANNA, []) == []
    assert store.charges_of(FRIEND, ["2026-11"]) == []


def test_audit_log_keeps_entries_in_order(store: RedisStore, raw: "redis.Redis", keys: KeySchema):
    for event in ("first", "second"):
        entry = AuditEntry(NOW, ANNA, "text", event, "none", "pending", reply_text="开通")
        store.commit(ChangeSet(ANNA, audit=(entry, entry)))
    log = raw.xrange(keys.audit(keys.shard(ANNA), "2026-11"))
    events = [decode(AuditEntry, fields[b"entry"]).event for _, fields in log]
    assert events == ["first", "first", "second", "second"]


def test_audit_entry_belongs_to_its_shanghai_month(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
):
    late = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)  # midnight in Shanghai
    store.commit(ChangeSet(ANNA, audit=(AuditEntry(late, ANNA, "text", "e", "none", "none"),)))
    assert raw.xlen(keys.audit(keys.shard(ANNA), "2026-12")) == 1


def test_counters_add_up(store: RedisStore, raw: "redis.Redis", keys: KeySchema):
    store.commit(ChangeSet(ANNA, counters=("underway", "repeated")))
    store.commit(ChangeSet(ANNA, counters=("underway",)))
    found = raw.hgetall(keys.counts(keys.shard(ANNA)))
    assert found == {b"underway": b"2", b"repeated": b"1"}


def test_counters_of_a_batch_count_the_changes_that_were_made(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema, due: Due
):
    first = due(ANNA, "1")
    store.commit(ChangeSet(ANNA, records=(first,)))
    figures = (report_figure(NOW, "underway"),)
    made = ChangeSet(ANNA, counters=("underway", "reports"), figures=figures)
    lost = ChangeSet(ANNA, records=(first,), counters=made.counters, figures=figures)
    store.commit_all([made, lost, made, ChangeSet(ANNA, counters=("reports",)), lost])
    shard = keys.shard(ANNA)
    assert raw.hgetall(keys.counts(shard)) == {b"underway": b"2", b"reports": b"3"}
    sums = (raw.hvals(keys.figures(shard, period)) for period in (month_of(NOW), day_of(NOW)))
    assert list(sums) == [[b"2"], [b"2"]]


def test_timer_is_set_postponed_and_cancelled(store: RedisStore, outbox: RedisOutbox):
    later = NOW + dt.timedelta(hours=1)
    store.commit(ChangeSet(ANNA, timers=(timer(at=NOW),)))
    store.commit(ChangeSet(ANNA, timers=(timer(at=later),)))
    assert outbox.due_timers(NOW, 5) == []
    assert outbox.due_timers(later, 5) == [timer(at=later)]
    store.commit(ChangeSet(ANNA, cancelled_timers=(timer(),)))
    assert outbox.due_timers(later, 5) == []


def test_timer_stays_due_until_it_fires_once(store: RedisStore, outbox: RedisOutbox):
    store.commit(ChangeSet(ANNA, timers=(timer(at=NOW),)))
    assert outbox.due_timers(NOW, 5) == outbox.due_timers(NOW, 5) == [timer(at=NOW)]
    ring = ChangeSet(ANNA, fired_timer=timer(at=NOW), counters=("rung",))
    with ThreadPoolExecutor(16) as pool:
        ends = Counter(end.status for end in pool.map(store.commit, [ring] * 16))
    assert ends == {CommitStatus.COMMITTED: 1, CommitStatus.CONFLICT: 15}
    assert outbox.due_timers(NOW, 5) == []


def test_timer_without_a_time_never_fires(store: RedisStore, outbox: RedisOutbox):
    store.commit(ChangeSet(ANNA, timers=(timer(),)))
    assert outbox.due_timers(dt.datetime(2999, 1, 1, tzinfo=dt.UTC), 5) == []


def test_changes_of_one_round_trip_are_independent(store: RedisStore, due: Due, dump: Dump):
    first, second = due(ANNA, "1"), due(FRIEND, "2")
    store.commit(ChangeSet(ANNA, records=(first,)))
    ends = store.commit_all(
        [
            ChangeSet(ANNA, records=(first,), outbox=(first.id,)),
            ChangeSet(FRIEND, records=(second,)),
            ChangeSet(FRIEND, idempotency_key="c", reply=HELLO),
            ChangeSet(FRIEND, idempotency_key="c"),
        ]
    )
    assert [end.status.name for end in ends] == ["CONFLICT", "COMMITTED", "COMMITTED", "DUPLICATE"]
    assert ends[3].previous_reply == HELLO
    before = dump()
    assert store.commit_all([]) == []
    assert dump() == before


def test_receipts_are_listed_newest_first_up_to_a_limit(store: RedisStore, due: Due):
    store.retention = RetentionSeconds(receipts_listed=4)
    for seed in "123456":
        receipt = due(ANNA, seed)
        kind = MessageKind.NOTICE if seed == "6" else MessageKind.RECEIPT
        store.commit(ChangeSet(ANNA, records=(replace(receipt, kind=kind),)))
    seeds = [r.id.partition("-")[2] for r in store.receipts_of(ANNA, 9, None)]
    assert seeds == ["6", "5", "4", "3"]
    only = [r.id.partition("-")[2] for r in store.receipts_of(ANNA, 2, MessageKind.RECEIPT)]
    assert only == ["5", "4"]


def test_receipts_beyond_one_round_trip_are_listed_in_order(store: RedisStore, due: Due):
    made = [due(ANNA, str(seed)) for seed in range(250)]
    store.commit_all([ChangeSet(ANNA, records=(each,)) for each in made])
    newest_first = [each.id for each in reversed(made)]
    assert [r.id for r in store.receipts_of(ANNA, None, None)] == newest_first
    assert [r.id for r in store.receipts_of(ANNA, 120, None, 90)] == newest_first[90:210]
    assert store.receipts_of(ANNA, 5, None, 250) == []


def test_receipts_keep_the_requested_order_and_odd_ids_are_none(store: RedisStore, due: Due):
    one, two = due(ANNA, "1"), due(FRIEND, "2")
    store.commit_all([ChangeSet(ANNA, records=(one,)), ChangeSet(FRIEND, records=(two,))])
    odd = ["", "-", "x", "10-1", "ffff-1", "-1-1", "+1-1", "0x1-1", "01-1", "1-", "1-a b", "1-{x}"]
    assert store.receipts([two.id, *odd, one.id]) == [two, *[None] * len(odd), one]


def test_expired_record_begins_at_version_1(store: RedisStore, raw: "redis.Redis", keys: KeySchema):
    talk = DailyReplyCount(ANNA, NOW.date(), version=1)
    store.commit(ChangeSet(ANNA, records=(talk,)))
    raw.delete(keys.talk(ANNA))
    stale = store.commit(ChangeSet(ANNA, records=(replace(talk, version=2),)))
    assert stale.status is CommitStatus.CONFLICT
    assert store.commit(ChangeSet(ANNA, records=(talk,))).status is CommitStatus.COMMITTED
