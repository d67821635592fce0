"""A commit happens whole or not at all, on the real server."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from msgspec.structs import replace

from receipts.model.charge import AuditEntry, Charge, ChargeKind
from receipts.model.customer import CallLog, DailyReplyCount, Subscription
from receipts.model.message import MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry, Reply, Timer
from receipts.ports.store import ReportQuery
from receipts.store.codec import decode, decode_answer
from receipts.store.commit_script import CommitScript, RetentionSeconds
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore

NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
ANNA = Msisdn("+8613802880000")
FRIEND = Msisdn("+8613957112345")
HELLO = Reply((("hello", {"name": "您"}),), "zh", "/next")

Whole = Callable[[], dict[bytes, object]]
Due = Callable[..., Receipt]


def charge(ident: str = "monthly-2026-11", fen: int = 100) -> Charge:
    return Charge(ident, ANNA, ChargeKind.MONTHLY, fen, "2026-11", "opened", NOW, "GD-1")


def timer(kind: str = "lapse", at: dt.datetime | None = None) -> Timer:
    return Timer(kind, ANNA, "", at)


def everything(receipt: Receipt) -> ChangeSet:
    """A change with one of each thing that a change can do."""
    return ChangeSet(
        ANNA,
        idempotency_key="sms:SM1",
        reply=HELLO,
        records=(
            Subscription(ANNA, version=1),
            receipt,
            MessageTrace("SM9", ANNA, FRIEND, version=1),
            DailyReplyCount(ANNA, NOW.date(), version=1),
            CallLog("CA1", ANNA, Language.ZH, version=1),
        ),
        charges=(charge(),),
        audit=(AuditEntry(NOW, ANNA, "text", "sms:SM1", "none", "active"),),
        outbox=(receipt.id,),
        timers=(timer("end", NOW),),
        cancelled_timers=(timer("lapse"),),
        counters=("underway",),
    )


def test_all_of_a_change_is_there_afterwards(
    store: RedisStore, outbox: RedisOutbox, raw: "redis.Redis", keys: KeySchema, due: Due
) -> None:
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


def test_nothing_else_is_there_afterwards(store: RedisStore, due: Due, whole: Whole) -> None:
    before = set(whole())
    store.commit(everything(due(ANNA)))
    tag = f"{{s{store._keys.shard(ANNA):d}}}:".encode()  # noqa: SLF001 - the key's own spelling
    made = set(whole()) - before
    assert len(made) == 13
    assert all(key.startswith(tag) for key in made)


GUARDS: dict[str, ChangeSet] = {
    "the event was claimed": ChangeSet(ANNA, idempotency_key="taken"),
    "the subscription moved on": ChangeSet(ANNA, records=(Subscription(ANNA, version=1),)),
    "the trail moved on": ChangeSet(ANNA, records=(MessageTrace("SM8", ANNA, FRIEND, version=1),)),
    "the talk moved on": ChangeSet(ANNA, records=(DailyReplyCount(ANNA, NOW.date(), version=1),)),
    "the call moved on": ChangeSet(ANNA, records=(CallLog("CA8", ANNA, Language.ZH, version=1),)),
    "the record is gone": ChangeSet(ANNA, records=(CallLog("CA7", ANNA, Language.ZH, version=5),)),
    "the timer was rung": ChangeSet(ANNA, fired_timer=timer("rung")),
}


@pytest.mark.parametrize("why", GUARDS)
def test_one_guard_that_fails_leaves_every_key_untouched(
    store: RedisStore, due: Due, whole: Whole, why: str
) -> None:
    store.commit(
        ChangeSet(
            ANNA,
            idempotency_key="taken",
            records=(
                Subscription(ANNA, version=1),
                MessageTrace("SM8", ANNA, FRIEND, version=1),
                DailyReplyCount(ANNA, NOW.date(), version=1),
                CallLog("CA8", ANNA, Language.ZH, version=1),
            ),
            timers=(timer("lapse", NOW),),
        )
    )
    guard, rest = GUARDS[why], everything(due(ANNA, "2"))
    others = tuple(record for record in rest.records if isinstance(record, Receipt))
    change = replace(
        rest,
        idempotency_key=guard.idempotency_key or "fresh",
        records=others + guard.records,
        fired_timer=guard.fired_timer,
        acked=(OutboxEntry(store._keys.shard(ANNA), "1-1", "x"),),  # noqa: SLF001 - its own shard
    )
    before = whole()
    assert store.commit(change).status is not CommitStatus.COMMITTED
    assert whole() == before


def test_a_receipt_that_moved_on_is_left_untouched(
    store: RedisStore, due: Due, whole: Whole
) -> None:
    receipt = due(ANNA)
    store.commit(ChangeSet(ANNA, records=(receipt,)))
    before = whole()
    again = ChangeSet(ANNA, records=(receipt,), outbox=(receipt.id,), charges=(charge(),))
    assert store.commit(again).status is CommitStatus.CONFLICT
    assert whole() == before


@pytest.mark.parametrize("charged", [1, 0])
def test_of_sixteen_at_once_one_claims_and_all_hear_its_answer(
    store: RedisStore, charged: int
) -> None:
    def claim(turn: int) -> tuple[CommitStatus, str]:
        mine = Reply(next=str(turn))
        charges = tuple(charge(f"c{turn}", turn) for _ in range(charged))
        end = store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=mine, charges=charges))
        return end.status, (end.previous_reply or mine).next

    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(claim, range(16)))
    assert Counter(verdict for verdict, _ in ends) == {
        CommitStatus.COMMITTED: 1,
        CommitStatus.DUPLICATE: 15,
    }
    assert len({heard for _, heard in ends}) == 1
    assert len(store.charges_of(ANNA, ["2026-11"])) == charged


def test_a_repeat_hears_the_first_answer_whatever_it_would_say_itself(store: RedisStore) -> None:
    store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=HELLO))
    again = store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=Reply(next="other")))
    assert (again.status, again.previous_reply) == (CommitStatus.DUPLICATE, HELLO)
    assert store.load(ANNA, "sms:SM1").previous_reply == HELLO


def test_of_sixteen_who_read_the_same_version_one_writes(store: RedisStore) -> None:
    def write(turn: int) -> CommitStatus:
        record = Subscription(ANNA, version=1, tariff=str(turn))
        return store.commit(ChangeSet(ANNA, records=(record,))).status

    with ThreadPoolExecutor(16) as pool:
        ends = Counter(pool.map(write, range(16)))
    assert ends == {CommitStatus.COMMITTED: 1, CommitStatus.CONFLICT: 15}


def test_each_version_follows_the_one_before(store: RedisStore) -> None:
    for version in range(1, 12):
        record = Subscription(ANNA, version=version)
        assert store.commit(ChangeSet(ANNA, records=(record,))).status is CommitStatus.COMMITTED
        for wrong in (version, version + 2, 1 if version > 1 else 5):
            odd = Subscription(ANNA, version=wrong, mode=DisplayMode.TEXT)
            assert store.commit(ChangeSet(ANNA, records=(odd,))).status is CommitStatus.CONFLICT
    assert store.load(ANNA).subscription == record


def test_a_charge_is_written_once_by_its_id(store: RedisStore) -> None:
    store.commit(ChangeSet(ANNA, charges=(charge(fen=100),)))
    store.commit(ChangeSet(ANNA, charges=(charge(fen=300), charge("receipt-1", 5))))
    assert {c.id: c.fen for c in store.charges_of(ANNA, ["2026-11"])} == {
        "monthly-2026-11": 100,
        "receipt-1": 5,
    }


def test_charges_come_oldest_first_and_by_month(store: RedisStore) -> None:
    early = Charge("b", ANNA, ChargeKind.RECEIPT, 1, "2026-10", "", NOW - dt.timedelta(30), "t")
    store.commit(ChangeSet(ANNA, charges=(charge("z"), charge("a"), early)))
    assert [c.id for c in store.charges_of(ANNA, ["2026-11", "2026-10"])] == ["b", "a", "z"]
    assert store.charges_of(ANNA, ["2026-12"]) == []
    assert store.charges_of(ANNA, []) == []
    assert store.charges_of(FRIEND, ["2026-11"]) == []


def test_the_audit_log_keeps_every_entry_in_order(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
) -> None:
    for event in ("first", "second"):
        entry = AuditEntry(NOW, ANNA, "text", event, "none", "pending", reply_text="开通")
        store.commit(ChangeSet(ANNA, audit=(entry, entry)))
    log = raw.xrange(keys.audit(keys.shard(ANNA), "2026-11"))
    assert [decode(AuditEntry, fields[b"entry"]).event for _, fields in log] == [
        "first", "first", "second", "second",
    ]  # fmt: skip


def test_an_audit_entry_lies_in_its_shanghai_month(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
) -> None:
    late = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)  # midnight in Shanghai
    store.commit(ChangeSet(ANNA, audit=(AuditEntry(late, ANNA, "text", "e", "none", "none"),)))
    assert raw.xlen(keys.audit(keys.shard(ANNA), "2026-12")) == 1


def test_counts_add_up(store: RedisStore, raw: "redis.Redis", keys: KeySchema) -> None:
    store.commit(ChangeSet(ANNA, counters=("underway", "repeated")))
    store.commit(ChangeSet(ANNA, counters=("underway",)))
    found = raw.hgetall(keys.counts(keys.shard(ANNA)))
    assert found == {b"underway": b"2", b"repeated": b"1"}


def test_a_timer_is_set_put_off_and_unset(store: RedisStore, outbox: RedisOutbox) -> None:
    later = NOW + dt.timedelta(hours=1)
    store.commit(ChangeSet(ANNA, timers=(timer(at=NOW),)))
    store.commit(ChangeSet(ANNA, timers=(timer(at=later),)))
    assert outbox.due_timers(NOW, 5) == []
    assert outbox.due_timers(later, 5) == [timer(at=later)]
    store.commit(ChangeSet(ANNA, cancelled_timers=(timer(),)))
    assert outbox.due_timers(later, 5) == []


def test_a_timer_rings_once_for_sixteen_ringers(store: RedisStore, outbox: RedisOutbox) -> None:
    store.commit(ChangeSet(ANNA, timers=(timer(at=NOW),)))
    ring = ChangeSet(ANNA, fired_timer=timer(at=NOW), counters=("rung",))
    with ThreadPoolExecutor(16) as pool:
        ends = Counter(end.status for end in pool.map(store.commit, [ring] * 16))
    assert ends == {CommitStatus.COMMITTED: 1, CommitStatus.CONFLICT: 15}
    assert outbox.due_timers(NOW, 5) == []


def test_a_timer_without_a_moment_never_rings(store: RedisStore, outbox: RedisOutbox) -> None:
    store.commit(ChangeSet(ANNA, timers=(timer(),)))
    assert outbox.due_timers(dt.datetime(2999, 1, 1, tzinfo=dt.UTC), 5) == []


def test_many_changes_in_one_round_trip_stand_and_fall_alone(
    store: RedisStore, due: Due, whole: Whole
) -> None:
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
    assert [end.status for end in ends] == [
        CommitStatus.CONFLICT,
        CommitStatus.COMMITTED,
        CommitStatus.COMMITTED,
        CommitStatus.DUPLICATE,
    ]
    assert ends[3].previous_reply == HELLO
    before = whole()
    assert store.commit_all([]) == []
    assert whole() == before


def test_a_customers_newest_receipts_come_first_and_are_so_many_at_most(
    server: object, keys: KeySchema, outbox: RedisOutbox, due: Due
) -> None:
    del outbox
    store = RedisStore(server, keys, RetentionSeconds(receipts_listed=4))  # type: ignore[arg-type]
    for seed in "123456":
        receipt = due(ANNA, seed)
        kind = MessageKind.NOTICE if seed == "6" else MessageKind.RECEIPT
        store.commit(ChangeSet(ANNA, records=(replace(receipt, kind=kind),)))
    seeds = [r.id.partition("-")[2] for r in store.receipts_of(ANNA, 9, None)]
    assert seeds == ["6", "5", "4", "3"]
    only = [r.id.partition("-")[2] for r in store.receipts_of(ANNA, 2, MessageKind.RECEIPT)]
    assert only == ["5", "4"]


def test_receipts_are_found_in_the_order_asked_and_odd_ids_are_none(
    store: RedisStore, due: Due
) -> None:
    one, two = due(ANNA, "1"), due(FRIEND, "2")
    store.commit_all([ChangeSet(ANNA, records=(one,)), ChangeSet(FRIEND, records=(two,))])
    odd = ["", "-", "x", "10-1", "ffff-1", "-1-1", "+1-1", "0x1-1", "01-1", "1-", "1-a b", "1-{x}"]
    assert store.receipts([two.id, *odd, one.id]) == [two, *[None] * len(odd), one]


def test_things_are_kept_as_long_as_they_should(
    store: RedisStore, due: Due, raw: "redis.Redis", keys: KeySchema
) -> None:
    receipt, kept = due(ANNA), RetentionSeconds()
    store.commit(everything(receipt))
    store.commit(ChangeSet(ANNA, idempotency_key="alone"))
    shard = keys.shard(ANNA)
    ends = {
        keys.claim(ANNA, "sms:SM1"): kept.claims,
        keys.claim(ANNA, "alone"): kept.claims,
        keys.trail(ANNA, FRIEND, "SM9"): kept.trails,
        keys.talk(ANNA): kept.talks,
        keys.call(ANNA, "CA1"): kept.calls,
        keys.receipt(shard, receipt.id): kept.receipts,
        keys.receipts(ANNA): kept.receipts,
        keys.charges(ANNA, "2026-11"): kept.log,
        keys.audit(shard, "2026-11"): kept.log,
        keys.subscription(ANNA): -1,
        keys.outbox(shard): -1,
        keys.timers(shard): -1,
    }
    for key, seconds in ends.items():
        assert seconds - 5 <= raw.ttl(key) <= seconds, key


def test_a_record_that_ran_out_is_begun_anew(
    store: RedisStore, raw: "redis.Redis", keys: KeySchema
) -> None:
    talk = DailyReplyCount(ANNA, NOW.date(), version=1)
    store.commit(ChangeSet(ANNA, records=(talk,)))
    raw.delete(keys.talk(ANNA))
    stale = store.commit(ChangeSet(ANNA, records=(replace(talk, version=2),)))
    assert stale.status is CommitStatus.CONFLICT
    assert store.commit(ChangeSet(ANNA, records=(talk,))).status is CommitStatus.COMMITTED


def slot(key: str) -> int:
    """A key's place in a Redis Cluster, reckoned here bit by bit as its specification says."""
    start = key.find("{")
    end = key.find("}", start)
    hashed = key[start + 1 : end] if start >= 0 and end > start + 1 else key
    crc = 0
    for byte in hashed.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc % 16384


def test_our_reckoning_of_slots_is_the_clusters_own() -> None:
    assert (slot("123456789"), slot("foo{hash_tag}bar")) == (12739, slot("hash_tag"))


@pytest.mark.parametrize("shards", [1, 16, 4096])
def test_all_keys_of_a_change_lie_in_one_slot(shards: int) -> None:
    keys = KeySchema(shards)
    for tail in range(40):
        number = Msisdn(f"+86138028800{tail:02}")
        receipt = Receipt(
            keys.receipt_id(number, "5"), number, "t", DisplayMode.TEXT, Language.ZH, NOW, version=1
        )
        change = everything(receipt)
        moved = replace(
            change,
            number=number,
            records=(
                Subscription(number, version=1),
                receipt,
                MessageTrace("SM9", number, FRIEND, version=1),
                DailyReplyCount(number, NOW.date(), version=1),
                CallLog("CA1", number, Language.ZH, version=1),
            ),
            charges=(replace_number(charge(), number),),
            audit=(AuditEntry(NOW, number, "text", "sms:SM1", "none", "active"),),
            fired_timer=Timer("look", number, receipt.id),
            acked=(OutboxEntry(keys.shard(number), "1-1", receipt.id),),
        )
        names = CommitScript(keys, RetentionSeconds(), [moved]).names
        assert len(names) == len(set(names)) == 14
        assert len({slot(name) for name in names}) == 1


def replace_number(one: Charge, number: Msisdn) -> Charge:
    return Charge(one.id, number, one.kind, one.fen, one.month, one.reason, one.at, one.tariff)


def test_a_receipts_id_tells_its_shard(keys: KeySchema) -> None:
    for tail in range(50):
        number = Msisdn(f"+86138028800{tail:02}")
        assert keys.shard_of_receipt(keys.receipt_id(number, "abc")) == keys.shard(number)
        assert number.digits not in keys.receipt_id(number, "abc")


def test_the_answer_of_a_claim_is_read_as_it_was_written() -> None:
    assert decode_answer(None) is None
