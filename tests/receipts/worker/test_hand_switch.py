"""Circuit breakers switched by staff: at once for all workers, once a form, on the log."""

import pytest

from app.bootstrap import Container
from receipts.ports.provider import TemporaryError
from receipts.rulebook.schema import SendingRules
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.hand_switch import BreakerSwitch, SwitchAct
from statemachines.provider import ProviderEvent
from tests.conftest import TestClock

HOLD, RELEASE = ProviderEvent.HOLD, ProviderEvent.RELEASE
NAMES = ["kannel", "twilio"]
RULES = SendingRules(demote_after=3, probe_after_seconds=(5, 15))


@pytest.fixture
def switch(built: Container, clock: TestClock) -> BreakerSwitch:
    return BreakerSwitch(built.clients.rate_limiter, lambda: NAMES, clock)


@pytest.fixture
def breakers(built: Container, clock: TestClock) -> CircuitBreakers:
    """Circuit breakers of a worker."""
    return CircuitBreakers(built.clients.rate_limiter, NAMES, RULES, clock)


def act(event: ProviderEvent, event_id: str, provider: str = "kannel") -> SwitchAct:
    return SwitchAct(provider, event, "olga", "the contract ended", event_id)


def logged(built: Container, clock: TestClock) -> list[tuple[str, str, str, str]]:
    batches = built.clients.staff.acts(f"{clock.now():%Y-%m}")
    found = [each for batch in batches for each in batch]
    return [(each.clerk, each.act, each.subject, each.reason) for each in reversed(found)]


def test_held_provider_gets_no_receipt_until_it_is_released(
    switch: BreakerSwitch, breakers: CircuitBreakers, clock: TestClock
):
    assert switch.apply(act(HOLD, "1")) == "done"
    breakers.refresh()
    assert breakers.open == {"kannel"}
    clock.move(days=3)
    assert not breakers.try_half_open("kannel")
    # A trial that began before counts no more.
    breakers.record_success("kannel", trial=True)
    breakers.refresh()
    assert breakers.open == {"kannel"}
    assert switch.apply(act(RELEASE, "2")) == "done"
    breakers.refresh()
    assert breakers.open == set()


def test_state_names_clerk_reason_and_time(switch: BreakerSwitch, clock: TestClock):
    switch.apply(act(HOLD, "1"))
    held = switch.states()[0]
    assert (held.held_by, held.reason, held.since) == ("olga", "the contract ended", clock.now())


def test_provider_that_failed_is_held_or_released_by_hand(
    switch: BreakerSwitch, breakers: CircuitBreakers
):
    for _ in range(3):
        breakers.record_failure("kannel", TemporaryError("kannel 503"))
    assert switch.apply(act(RELEASE, "1")) == "done"
    breakers.refresh()
    assert breakers.open == set()
    for _ in range(3):
        breakers.record_failure("kannel", TemporaryError("kannel 503"))
    assert switch.apply(act(HOLD, "2")) == "done"
    assert switch.states()[0].state == "held"


def test_form_sent_again_acts_once(switch: BreakerSwitch, built: Container, clock: TestClock):
    for event_id in ("1", "1"):
        assert switch.apply(act(HOLD, event_id)) == "done"
    assert switch.apply(act(RELEASE, "2")) == "done"
    assert switch.apply(act(HOLD, "1")) == "done"
    assert switch.states()[0].state == "healthy"
    assert logged(built, clock) == [
        ("olga", "provider_hold", "kannel", "the contract ended"),
        ("olga", "provider_release", "kannel", "the contract ended"),
    ]


def test_refused_act_changes_no_state_and_is_not_logged(
    switch: BreakerSwitch, built: Container, clock: TestClock
):
    assert switch.apply(act(RELEASE, "1")) == "in_use"
    assert switch.apply(act(HOLD, "2", "other")) == "unknown"
    switch.apply(act(HOLD, "3"))
    assert switch.apply(act(HOLD, "4")) == "held"
    assert len(logged(built, clock)) == 1
    assert [each.version for each in switch.states()] == [1, 0]
