"""Keys: one slot for a change, shards of receipts, retention."""

import pytest
import redis
from msgspec.structs import replace
from redis.crc import key_slot

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, OutboxEntry, Timer
from receipts.store.commit_script import CommitScript
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from receipts.store.sealed_text import TextSealer
from tests.receipts.store.conftest import ANNA, FRIEND, NOW, Due, everything

NUMBERS = [Msisdn(f"+86138028800{tail:02}") for tail in range(50)]


def test_records_expire_after_their_retention(
    store: RedisStore, due: Due, raw: "redis.Redis", keys: KeySchema
):
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
        keys.acts(ANNA): kept.log,
        keys.subscription(ANNA): -1,
        keys.outbox(shard): -1,
        keys.timers(shard): -1,
    }
    for key, seconds in ends.items():
        assert seconds - 5 <= raw.ttl(key) <= seconds, key


@pytest.mark.parametrize("shards", [1, 16, 4096])
def test_all_keys_of_a_change_share_a_slot(shards: int):
    keys = KeySchema(shards)
    for number in NUMBERS:
        receipt_id, mode = keys.receipt_id(number, "5"), DisplayMode.TEXT
        receipt = Receipt(receipt_id, number, "t", mode, Language.ZH, NOW, version=1)
        change = replace(
            everything(receipt),
            fired_timer=Timer("look", number, receipt_id),
            acked=(OutboxEntry(keys.shard(number), "1-1", receipt_id),),
        )
        names = CommitScript(keys, RetentionSeconds(), [change], TextSealer()).names
        assert len(names) == 21
        assert len({key_slot(name.encode()) for name in names}) == 1


def test_receipt_id_contains_its_shard(keys: KeySchema):
    for number in NUMBERS:
        assert keys.shard_of_receipt(keys.receipt_id(number, "abc")) == keys.shard(number)
        assert number.digits not in keys.receipt_id(number, "abc")


@pytest.mark.parametrize(("entry", "length"), [
    ("{}-94204cd821d67fa2a98a", 10), ("{}-digest", 8), ("{}-cafecafe", 11),
])  # fmt: skip
def test_id_in_a_list_is_found_again(entry: str, length: int):
    keys = KeySchema(16)
    receipt_id = entry.format(f"{keys.shard(ANNA):x}")
    assert len(keys.listed(receipt_id)) == length
    assert keys.listed_ids(ANNA, [keys.listed(receipt_id)]) == [receipt_id]


@pytest.mark.parametrize(("entry", "length"), [
    ("{}-94204cd821d67fa2a98a", 14), ("{}-ffffffffffffffffffff", 14), ("{}-digest", 8),
    ("{}-94204CD821D67FA2A98A", 22), ("ff-94204cd821d67fa2a98a", 23),
])  # fmt: skip
def test_receipt_is_found_by_the_name_of_its_key(entry: str, length: int):
    keys, shard = KeySchema(16), 10
    receipt_id = entry.format(f"{shard:x}")
    before, _, name = keys.receipt(shard, receipt_id).partition("receipt:")
    assert (before, len(name)) == ("{s10}:", length)
    assert keys.named_receipt(shard, name) == receipt_id
