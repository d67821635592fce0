"""The unit of work: load, decide, commit; a bounded number of retries after conflicts."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.customer import DailyReplyCount, Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports import unit_of_work
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.store import ContentionError, Snapshot, Store, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.store.redis_store import RedisStore
from tests.conftest import TestClock

ANNA = Msisdn("+8613802880000")
KEY = "sms:SM1"
FIRST = Reply(next="first")
Decide = Callable[[Snapshot], ChangeSet]


@pytest.fixture
def store(built: Container) -> RedisStore:
    return built.store


def next_version(snapshot: Snapshot) -> tuple[Subscription]:
    held = snapshot.subscription
    return (replace(held, version=held.version + 1),)


def losing(store: Store, times: int, key: str | None = None) -> tuple[Decide, list[int]]:
    """A decision that loses the race so many times, and the versions it was given."""
    seen: list[int] = []

    def decide(snapshot: Snapshot) -> ChangeSet:
        seen.append(snapshot.subscription.version)
        if len(seen) <= times:
            store.commit(ChangeSet(ANNA, records=next_version(snapshot)))
        return ChangeSet(ANNA, key, Reply(next="mine"), next_version(snapshot))

    return decide, seen


@pytest.mark.parametrize("key", [None, KEY])
def test_conflict_is_decided_again_on_fresh_snapshot(store: RedisStore, key: str | None):
    decide, seen = losing(store, times=3, key=key)
    assert run_in_transaction(store, ANNA, decide, key) == Reply(next="mine")
    assert seen == [0, 1, 2, 3]
    assert store.load(ANNA).subscription.version == 4


def test_event_committed_during_decision_gets_first_reply(store: RedisStore):
    def decide(snapshot: Snapshot) -> ChangeSet:
        store.commit(ChangeSet(ANNA, KEY, FIRST))
        return ChangeSet(ANNA, KEY, records=next_version(snapshot))

    assert run_in_transaction(store, ANNA, decide, KEY) == FIRST
    assert store.load(ANNA).subscription.version == 0


def test_repeated_event_gets_first_reply_without_decision(store: RedisStore):
    store.commit(ChangeSet(ANNA, KEY, FIRST))
    decide, seen = losing(store, times=0)
    assert run_in_transaction(store, ANNA, decide, KEY) == FIRST
    assert seen == []


def test_empty_change_is_not_committed(store: RedisStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "commit", None)
    assert run_in_transaction(store, ANNA, lambda _: ChangeSet(ANNA, reply=FIRST)) == FIRST


@pytest.mark.parametrize("field", sorted(set(ChangeSet.__struct_fields__) - {"number", "reply"}))
def test_change_with_any_field_but_reply_is_not_empty(field: str):
    value = Timer("kind", ANNA, "subject") if field == "fired_timer" else ("value",)
    change = ChangeSet(ANNA, reply=FIRST, **{field: value})
    assert not change.is_empty
    assert change.marks_only is (field == "idempotency_key")
    assert ChangeSet(ANNA, reply=FIRST).is_empty


def test_repeated_conflicts_end_in_contention_error(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unit_of_work, "MAX_ATTEMPTS", 5)
    decide, seen = losing(store, times=99)
    with pytest.raises(ContentionError) as error:
        run_in_transaction(store, ANNA, decide)
    assert isinstance(error.value, StoreUnavailableError)
    assert len(seen) == 5


def test_requested_records_are_in_snapshot(store: RedisStore, clock: TestClock):
    reply_count = DailyReplyCount(ANNA, clock.now().date(), version=1)
    store.commit(ChangeSet(ANNA, records=(reply_count,)))
    found: list[DailyReplyCount | None] = []

    def decide(snapshot: Snapshot) -> ChangeSet:
        found.append(snapshot.reply_count)
        return ChangeSet(ANNA)

    run_in_transaction(store, ANNA, decide)
    run_in_transaction(store, ANNA, decide, reply_count=True, call="CA1")
    assert found == [None, reply_count]
