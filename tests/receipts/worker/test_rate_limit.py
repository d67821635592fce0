"""Breaker states, send slots and fair share: pure functions by tables and properties."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.worker.circuit_breaker import BreakerState, next_state
from receipts.worker.rate_limit import (
    SLOT_TOLERANCE_SECONDS,
    Allocation,
    FairShare,
    RateLimit,
    SendSlots,
    slots_needed,
)
from statemachines.provider import ProviderEvent, ProviderState

_E, _S = ProviderEvent, ProviderState
NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
WAITS = (5, 15, 60)
CLOSED = BreakerState("kannel")


def after(*events: ProviderEvent, state: BreakerState = CLOSED) -> BreakerState:
    """State after these events, none of which is refused."""
    for event in events:
        fresh = next_state(state, event, NOW, WAITS, reason=event.value)
        assert fresh is not None
        assert fresh.version == state.version + 1
        state = fresh
    return state


def seconds(state: BreakerState) -> float:
    assert state.until is not None
    return (state.until - NOW).total_seconds()


def test_tripped_breaker_is_open_with_reason_and_time():
    state = after(_E.TRIP)
    assert (state.state, state.is_open, state.reason) == (_S.OPEN, True, "failing")
    assert (state.since, seconds(state)) == (NOW, 5)
    assert not state.may_try(NOW)
    assert state.may_try(NOW + dt.timedelta(seconds=5))
    assert not CLOSED.may_try(NOW)


def test_open_interval_grows_with_each_failed_trial_and_is_reset_by_success():
    state, waits = after(_E.TRIP), []
    for _ in range(4):
        waits.append(seconds(state))
        state = after(_E.TRIAL, _E.TRIAL_FAILED, state=state)
    assert waits == [5, 15, 60, 60]
    back = after(_E.TRIAL, _E.TRIAL_SUCCEEDED, state=state)
    assert (back.state, back.is_open, back.failed_trials, back.reason) == (_S.CLOSED, False, 0, "")
    assert seconds(after(_E.TRIP, state=back)) == 5


def test_half_open_breaker_has_one_trial_until_its_time_out():
    state = after(_E.TRIP, _E.TRIAL)
    assert not state.may_try(NOW + dt.timedelta(seconds=59))
    assert state.may_try(NOW + dt.timedelta(seconds=60))
    assert after(_E.TRIAL, state=state).state is _S.HALF_OPEN


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (CLOSED, _E.TRIAL),
        (CLOSED, _E.TRIAL_SUCCEEDED),
        (CLOSED, _E.TRIAL_FAILED),
        (after(_E.TRIP), _E.TRIP),
        (after(_E.TRIP), _E.TRIAL_FAILED),
        (after(_E.TRIP, _E.TRIAL), _E.TRIP),
    ],
)
def test_refused_event_changes_no_state(state: BreakerState, event: ProviderEvent):
    assert next_state(state, event, NOW, WAITS) is None


def test_late_success_of_a_lost_trial_closes_the_breaker():
    late = after(_E.TRIP, _E.TRIAL, _E.TRIAL_FAILED, _E.TRIAL_SUCCEEDED)
    assert late.state is _S.CLOSED


@given(
    st.integers(1, 20),
    st.lists(
        st.tuples(st.integers(1, 4), st.floats(0, 2 * SLOT_TOLERANCE_SECONDS)),
        min_size=1,
        max_size=50,
    ),
)
def test_no_second_has_more_segments_than_the_limit(a_second: int, texts: list[tuple[int, float]]):
    """Each text arrives late by up to twice the slot tolerance."""
    sizes = [size for size, _ in texts]
    interval_seconds = RateLimit("line", a_second).interval_seconds
    slots = SendSlots(0.0, sum(map(slots_needed, sizes)), interval_seconds)
    times = slots.times_for(sizes)
    assert len(times) == len(texts)
    arrived = sorted((at + late, size) for at, (size, late) in zip(times, texts, strict=True))
    for first, _ in arrived:
        within = [size for at, size in arrived if first <= at < first + 1]
        # A text of more segments than the limit is sent alone.
        assert sum(within) <= a_second or len(within) == 1


def test_texts_get_send_times_while_slots_remain():
    slots = SendSlots(10.0, 4, 0.5)
    assert slots.times_for([1, 1, 2]) == [10.0, 10.5]
    assert slots.times_for([1, 2]) == [10.0, 11.0]
    assert SendSlots(10.0, 0, 0.5).times_for([1]) == []


# -- the share -------------------------------------------------------------------------------


def test_without_a_backlog_new_receipts_get_all_slots():
    assert FairShare(20).split(10, 7, 0) == Allocation(7, 0, 0)
    assert FairShare(20).split(3, 7, 0) == Allocation(3, 0, 0)


def test_new_receipts_keep_their_share_and_the_oldest_get_the_rest():
    assert FairShare(20).split(10, 7, 1000) == Allocation(2, 0, 8)


def test_share_unused_by_new_receipts_goes_to_the_newest_of_the_backlog():
    assert FairShare(20).split(10, 0, 1000) == Allocation(0, 2, 8)


def test_fraction_of_a_slot_is_credited_to_later_rounds():
    share = FairShare(20)
    assert [share.split(1, 5, 100).taken for _ in range(10)] == [0, 0, 0, 0, 1] * 2


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(1, 99))
def test_every_slot_is_allocated_once(room: int, taken: int, waiting: int, percent: int):
    shares = FairShare(percent).split(room, taken, waiting)
    used = shares.taken + shares.newest + shares.oldest
    assert used == min(room, taken + waiting)
    assert min(shares.taken, shares.newest, shares.oldest) >= 0
    assert shares.newest + shares.oldest <= waiting
