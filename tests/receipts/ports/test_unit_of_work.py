"""Read once, decide, commit once: lost races are decided again, and not for ever."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.customer import DailyReplyCount, Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports import unit_of_work
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import ContentionError, Snapshot, Store, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.store.redis_store import RedisStore
from tests.conftest import TestClock

ANNA = Msisdn("+8613802880000")
Decide = Callable[[Snapshot], ChangeSet]


@pytest.fixture
def store(built: Container) -> RedisStore:
    return built.store


def renewed(held: Snapshot) -> Subscription:
    return replace(held.subscription, version=held.subscription.version + 1)


def beaten(store: Store, times: int, claim: str | None = None) -> tuple[Decide, list[int]]:
    """A decision that a rival overtakes so many times, and the versions it was made on."""
    seen: list[int] = []

    def decide(held: Snapshot) -> ChangeSet:
        seen.append(held.subscription.version)
        if len(seen) <= times:
            store.commit(ChangeSet(ANNA, records=(renewed(held),)))
        return ChangeSet(
            ANNA, idempotency_key=claim, reply=Reply(next="mine"), records=(renewed(held),)
        )

    return decide, seen


@pytest.mark.parametrize("claim", [None, "sms:SM1"])
def test_a_lost_race_is_decided_again_on_what_is_true_now(store: RedisStore, claim: str | None):
    decide, seen = beaten(store, times=3, claim=claim)
    assert run_in_transaction(store, ANNA, decide, claim) == Reply(next="mine")
    assert seen == [0, 1, 2, 3]
    assert store.load(ANNA).subscription.version == 4


def test_an_event_answered_while_we_decided_gets_that_answer(store: RedisStore):
    first = Reply(next="first")

    def decide(held: Snapshot) -> ChangeSet:
        store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=first))
        return ChangeSet(ANNA, idempotency_key="sms:SM1", records=(renewed(held),))

    assert run_in_transaction(store, ANNA, decide, "sms:SM1") == first
    assert store.load(ANNA).subscription.version == 0


def test_an_event_answered_before_is_not_decided_at_all(store: RedisStore):
    store.commit(ChangeSet(ANNA, idempotency_key="sms:SM1", reply=Reply(next="first")))

    def never(_: Snapshot) -> ChangeSet:
        raise AssertionError

    assert run_in_transaction(store, ANNA, never, "sms:SM1") == Reply(next="first")


def test_what_changes_nothing_is_not_committed(store: RedisStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "commit", None)
    assert (
        run_in_transaction(store, ANNA, lambda _: ChangeSet(ANNA, reply=Reply(next="n"))).next
        == "n"
    )


def test_who_always_loses_is_told_so_in_the_end(store: RedisStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unit_of_work, "MAX_ATTEMPTS", 5)
    decide, seen = beaten(store, times=99)
    with pytest.raises(ContentionError) as lost:
        run_in_transaction(store, ANNA, decide)
    assert isinstance(lost.value, StoreUnavailableError)
    assert len(seen) == 5


def test_what_an_event_needs_is_read_with_it(store: RedisStore, clock: TestClock):
    talk = DailyReplyCount(ANNA, clock.now().date(), version=1)
    store.commit(ChangeSet(ANNA, records=(talk,)))
    held: list[Snapshot] = []

    def look(found: Snapshot) -> ChangeSet:
        held.append(found)
        return ChangeSet(ANNA)

    run_in_transaction(store, ANNA, look)
    run_in_transaction(store, ANNA, look, reply_count=True, call="CA1")
    assert [found.reply_count for found in held] == [None, talk]
