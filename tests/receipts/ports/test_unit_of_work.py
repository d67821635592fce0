"""Read once, decide, commit once: lost races are decided again, and not for ever."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.bootstrap import Services
from receipts.model.customer import Subscription, Talk
from receipts.model.vocabulary import Msisdn
from receipts.ports import unit_of_work
from receipts.ports.changes import Answer, Change
from receipts.ports.store import Contended, Held, Store, StoreUnavailable
from receipts.ports.unit_of_work import settle
from receipts.store.redis_store import RedisStore
from tests.conftest import TestClock

ANNA = Msisdn("+8613802880000")
Decide = Callable[[Held], Change]


@pytest.fixture
def store(built: Services) -> RedisStore:
    return built.store


def renewed(held: Held) -> Subscription:
    return replace(held.subscription, version=held.subscription.version + 1)


def beaten(store: Store, times: int, claim: str | None = None) -> tuple[Decide, list[int]]:
    """A decision that a rival overtakes so many times, and the versions it was made on."""
    seen: list[int] = []

    def decide(held: Held) -> Change:
        seen.append(held.subscription.version)
        if len(seen) <= times:
            store.commit(Change(ANNA, records=(renewed(held),)))
        return Change(ANNA, claim=claim, answer=Answer(next="mine"), records=(renewed(held),))

    return decide, seen


@pytest.mark.parametrize("claim", [None, "sms:SM1"])
def test_a_lost_race_is_decided_again_on_what_is_true_now(store: RedisStore, claim: str | None):
    decide, seen = beaten(store, times=3, claim=claim)
    assert settle(store, ANNA, decide, claim) == Answer(next="mine")
    assert seen == [0, 1, 2, 3]
    assert store.read(ANNA).subscription.version == 4


def test_an_event_answered_while_we_decided_gets_that_answer(store: RedisStore):
    first = Answer(next="first")

    def decide(held: Held) -> Change:
        store.commit(Change(ANNA, claim="sms:SM1", answer=first))
        return Change(ANNA, claim="sms:SM1", records=(renewed(held),))

    assert settle(store, ANNA, decide, "sms:SM1") == first
    assert store.read(ANNA).subscription.version == 0


def test_an_event_answered_before_is_not_decided_at_all(store: RedisStore):
    store.commit(Change(ANNA, claim="sms:SM1", answer=Answer(next="first")))

    def never(_: Held) -> Change:
        raise AssertionError

    assert settle(store, ANNA, never, "sms:SM1") == Answer(next="first")


def test_what_changes_nothing_is_not_committed(store: RedisStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "commit", None)
    assert settle(store, ANNA, lambda _: Change(ANNA, answer=Answer(next="n"))).next == "n"


def test_who_always_loses_is_told_so_in_the_end(store: RedisStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unit_of_work, "ROUNDS", 5)
    decide, seen = beaten(store, times=99)
    with pytest.raises(Contended) as lost:
        settle(store, ANNA, decide)
    assert isinstance(lost.value, StoreUnavailable)
    assert len(seen) == 5


def test_what_an_event_needs_is_read_with_it(store: RedisStore, clock: TestClock):
    talk = Talk(ANNA, clock.now().date(), version=1)
    store.commit(Change(ANNA, records=(talk,)))
    held: list[Held] = []

    def look(found: Held) -> Change:
        held.append(found)
        return Change(ANNA)

    settle(store, ANNA, look)
    settle(store, ANNA, look, talk=True, call="CA1")
    assert [found.talk for found in held] == [None, talk]
