"""How a provider is doing, and the places of texts on its line: pure, by tables and sums."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.worker.circuit_breaker import BreakerState, next_state
from receipts.worker.rate_limit import (
    SLOT_TOLERANCE_SECONDS,
    FairShare,
    RateLimit,
    SendSlots,
    slots_needed,
)
from statemachines.provider import ProviderEvent, ProviderState

_E, _S = ProviderEvent, ProviderState
NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
WAITS = (5, 15, 60)
WELL = BreakerState("kannel")


def through(*events: ProviderEvent, health: BreakerState = WELL) -> BreakerState:
    """What these events make of a health, each where the table allows it."""
    for event in events:
        fresh = next_state(health, event, NOW, WAITS, reason=event.value)
        assert fresh is not None
        assert fresh.version == health.version + 1
        health = fresh
    return health


def seconds(health: BreakerState) -> float:
    assert health.until is not None
    return (health.until - NOW).total_seconds()


def test_a_failing_provider_is_demoted_with_the_reason_and_since_when():
    health = through(_E.TRIP)
    assert (health.state, health.is_open, health.reason) == (_S.OPEN, True, "failing")
    assert (health.since, seconds(health)) == (NOW, 5)
    assert not health.may_try(NOW)
    assert health.may_try(NOW + dt.timedelta(seconds=5))
    assert not WELL.may_try(NOW)


def test_the_wait_grows_with_each_try_in_vain_and_begins_anew_once_it_is_back():
    health, waits = through(_E.TRIP), []
    for _ in range(4):
        waits.append(seconds(health))
        health = through(_E.TRIAL, _E.TRIAL_FAILED, health=health)
    assert waits == [5, 15, 60, 60]
    back = through(_E.TRIAL, _E.TRIAL_SUCCEEDED, health=health)
    assert (back.state, back.is_open, back.failed_trials, back.reason) == (_S.CLOSED, False, 0, "")
    assert seconds(through(_E.TRIP, health=back)) == 5


def test_while_one_receipt_tries_it_no_other_does_unless_that_one_is_never_heard_of():
    health = through(_E.TRIP, _E.TRIAL)
    assert not health.may_try(NOW + dt.timedelta(seconds=59))
    assert health.may_try(NOW + dt.timedelta(seconds=60))
    assert through(_E.TRIAL, health=health).state is _S.HALF_OPEN


@pytest.mark.parametrize(
    ("health", "event"),
    [
        (WELL, _E.TRIAL),
        (WELL, _E.TRIAL_SUCCEEDED),
        (WELL, _E.TRIAL_FAILED),
        (through(_E.TRIP), _E.TRIP),
        (through(_E.TRIP), _E.TRIAL_FAILED),
        (through(_E.TRIP, _E.TRIAL), _E.TRIP),
    ],
)
def test_what_says_nothing_new_writes_nothing(health: BreakerState, event: ProviderEvent):
    assert next_state(health, event, NOW, WAITS) is None


def test_a_probe_that_was_given_up_and_answers_after_all_is_proof():
    late = through(_E.TRIP, _E.TRIAL, _E.TRIAL_FAILED, _E.TRIAL_SUCCEEDED)
    assert late.state is _S.CLOSED


# -- pace --------------------------------------------------------------------------------------


@given(
    st.integers(1, 20),
    st.lists(
        st.tuples(st.integers(1, 4), st.floats(0, 2 * SLOT_TOLERANCE_SECONDS)),
        min_size=1,
        max_size=50,
    ),
)
def test_no_second_holds_more_segments_than_the_line_takes(
    a_second: int, texts: list[tuple[int, float]]
):
    """Each text leaves and arrives a little late, by up to twice what is allowed for leaving."""
    sizes = [size for size, _ in texts]
    given_out = SendSlots(
        0.0, sum(map(slots_needed, sizes)), RateLimit("line", a_second).interval_seconds
    )
    moments = given_out.times_for(sizes)
    assert len(moments) == len(texts)
    arrived = sorted((at + late, size) for at, (size, late) in zip(moments, texts, strict=True))
    for first, _ in arrived:
        within = [size for at, size in arrived if first <= at < first + 1]
        # A text of more segments than the line takes goes alone, there is no other way.
        assert sum(within) <= a_second or len(within) == 1


def test_there_are_no_more_moments_than_places():
    given_out = SendSlots(10.0, 4, 0.5)
    assert given_out.times_for([1, 1, 2]) == [10.0, 10.5]
    assert given_out.times_for([1, 2]) == [10.0, 11.0]
    assert SendSlots(10.0, 0, 0.5).times_for([1]) == []


# -- the reserve -------------------------------------------------------------------------------


def test_without_a_backlog_all_room_is_for_what_was_taken():
    shares = FairShare(20).split(10, 7, 0)
    assert (shares.taken, shares.newest, shares.oldest) == (7, 0, 0)
    assert FairShare(20).split(3, 7, 0).taken == 3


def test_in_a_backlog_fresh_ones_keep_their_share_and_the_oldest_get_the_rest():
    shares = FairShare(20).split(10, 7, 1000)
    assert (shares.taken, shares.newest, shares.oldest) == (2, 0, 8)


def test_a_share_that_no_fresh_one_at_hand_uses_goes_to_the_youngest_that_wait():
    shares = FairShare(20).split(10, 0, 1000)
    assert (shares.taken, shares.newest, shares.oldest) == (0, 2, 8)


def test_a_slow_line_owes_the_share_until_it_is_one():
    reserve = FairShare(20)
    assert [reserve.split(1, 5, 100).taken for _ in range(10)] == [0, 0, 0, 0, 1] * 2


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(1, 99))
def test_no_place_stays_empty_and_none_is_given_twice(
    room: int, taken: int, waiting: int, percent: int
):
    shares = FairShare(percent).split(room, taken, waiting)
    used = shares.taken + shares.newest + shares.oldest
    assert used == min(room, taken + waiting)
    assert min(shares.taken, shares.newest, shares.oldest) >= 0
    assert shares.newest + shares.oldest <= waiting
