"""The index of texts: found by sender and by id in any spelling, bounded, small, erasable."""

import datetime as dt

import pytest
import redis
from msgspec.structs import replace

from receipts.model.message import IndexedText
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from receipts.store.text_index import MARGIN_SECONDS, RedisTextIndex
from tests.receipts.store.conftest import ANNA, FRIEND, NOW

KEPT = RetentionSeconds().trails
TODAY = NOW.date()


def a_text(message_id: str = "4711", **but: object) -> IndexedText:
    return replace(IndexedText(ANNA, FRIEND, message_id, NOW, TODAY), **but)


@pytest.fixture
def index(server: RedisConnection, keys: KeySchema) -> RedisTextIndex:
    return RedisTextIndex(server, keys, lambda: KEPT)


def test_texts_of_a_sender_come_in_the_order_of_time(store: RedisStore, index: RedisTextIndex):
    texts = [a_text(f"SM{n:032x}", begun=NOW + dt.timedelta(minutes=n)) for n in range(3)]
    for text in texts:
        store.commit(ChangeSet(ANNA, indexed=(text,)))
    assert index.texts_of(ANNA) == texts
    assert index.texts_of(FRIEND) == []


def test_texts_of_a_pair_come_newest_or_nearest_first(store: RedisStore, index: RedisTextIndex):
    for n in range(6):
        friend = FRIEND if n % 2 else Msisdn("+8613844012345")
        begun = NOW + dt.timedelta(minutes=n)
        text = a_text(str(n), recipient=friend, begun=begun)
        store.commit(ChangeSet(ANNA, indexed=(text,)))
    newest = index.texts_between(ANNA, FRIEND, None, 2)
    assert [text.message_id for text in newest] == ["5", "3"]
    nearest = index.texts_between(ANNA, FRIEND, NOW + dt.timedelta(minutes=2.9), 2)
    assert [text.message_id for text in nearest] == ["3", "1"]


@pytest.mark.parametrize(
    ("reported", "asked"),
    [
        ("255", "0xFF"), ("0xff", "00255"), ("00FF", "0xff"), ("SMabc", " smABC "),
        ("短信-1", "短信-1"), ("18446744073709551615", "0xFFFFFFFFFFFFFFFF"),
    ],
)  # fmt: skip
def test_text_is_found_by_any_spelling_of_its_id(
    store: RedisStore, index: RedisTextIndex, reported: str, asked: str
):
    store.commit(ChangeSet(ANNA, indexed=(a_text(reported),)))
    assert index.numbers_of(asked, TODAY) == [(ANNA, FRIEND)]
    assert index.numbers_of(f"{asked}9", TODAY) == []


def test_all_texts_that_share_an_id_are_found(store: RedisStore, index: RedisTextIndex):
    friends = [Msisdn(f"+86139571123{n:02}") for n in range(5)]
    senders = [ANNA, Msisdn("+8613844012345")]
    for sender in senders:
        for friend in friends:
            text = a_text(sender=sender, recipient=friend)
            store.commit(ChangeSet(sender, indexed=(text,)))
            store.commit(ChangeSet(sender, indexed=(text,)))
    found = index.numbers_of("4711", TODAY)
    assert sorted(found) == sorted((s, f) for s in senders for f in friends)


def test_text_is_found_as_long_as_its_trace_is_kept(store: RedisStore, index: RedisTextIndex):
    store.commit(ChangeSet(ANNA, indexed=(a_text(),)))
    last = TODAY + dt.timedelta(seconds=KEPT + MARGIN_SECONDS)
    assert index.numbers_of("4711", last) == [(ANNA, FRIEND)]
    assert index.numbers_of("4711", last + dt.timedelta(days=30)) == []


def test_older_texts_leave_the_list_when_a_later_one_comes(
    store: RedisStore, index: RedisTextIndex, raw: "redis.Redis", keys: KeySchema
):
    for n in range(5):
        store.commit(ChangeSet(ANNA, indexed=(a_text(str(n)),)))
    later = a_text("99", begun=NOW + dt.timedelta(seconds=KEPT + MARGIN_SECONDS + 1))
    store.commit(ChangeSet(ANNA, indexed=(later,)))
    assert index.texts_of(ANNA) == [later]
    assert 0 < raw.ttl(keys.texts(ANNA)) <= KEPT + MARGIN_SECONDS + 86_400


def test_both_entries_are_erased_and_those_of_others_stay(
    store: RedisStore, index: RedisTextIndex, raw: "redis.Redis"
):
    other = Msisdn("+8613802880001")
    while KeySchema(16).shard(other) != KeySchema(16).shard(ANNA):
        other = Msisdn(f"+{int(other[1:]) + 1}")
    for text in (a_text(), a_text(sender=other)):
        store.commit(ChangeSet(text.sender, indexed=(text,)))
    store.commit(ChangeSet(ANNA, unindexed=tuple(index.texts_of(ANNA))))
    assert index.texts_of(ANNA) == []
    assert index.numbers_of("4711", TODAY) == [(other, FRIEND)]
    store.commit(ChangeSet(other, unindexed=tuple(index.texts_of(other))))
    assert not raw.keys("*:mids:*")
    assert not raw.keys("*:texts:*")


def test_hundred_thousand_texts_take_at_most_sixty_bytes_each(
    store: RedisStore, raw: "redis.Redis"
):
    """A thousand customers with a hundred texts each."""
    texts = [
        a_text(
            str(10**9 + 7919 * n),
            sender=Msisdn(f"+86138{n % 1000:08}"),
            begun=NOW + dt.timedelta(seconds=n),
        )
        for n in range(100_000)
    ]
    for start in range(0, len(texts), 2000):
        store.commit_all(
            [ChangeSet(each.sender, indexed=(each,)) for each in texts[start : start + 2000]]
        )
    total = 0
    names = [*raw.scan_iter("*:texts:*", 5000), *raw.scan_iter("*:mids:*", 5000)]
    for start in range(0, len(names), 2000):
        with raw.pipeline(transaction=False) as pipe:
            for name in names[start : start + 2000]:
                pipe.memory_usage(name, samples=0)
            total += sum(pipe.execute())
    assert total / len(texts) <= 60
