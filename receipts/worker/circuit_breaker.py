"""Circuit breakers of the providers: failures counted per worker, state shared by all."""

import datetime as dt
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from msgspec import Struct

from receipts.model.staff import StaffAct
from receipts.ports.changes import Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import PermanentError, ProviderError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.schema import SendingRules
from statemachines.provider import OUT_OF_USE, PROVIDER, ProviderEvent, ProviderState

#: Time after which an unanswered trial counts as lost; longer than any provider time-out.
_TRIAL_TIMEOUT_SECONDS = 60

#: Optimistic-locking attempts per transition.
_MAX_ATTEMPTS = 3

#: Retry timers held per provider; older ones fire at their own time.
_MAX_HELD_TIMERS = 200

_log = structlog.get_logger()


class BreakerState(
    Struct, frozen=True, omit_defaults=True, rename={"reason": "why", "failed_trials": "turn"}
):
    """State of one provider's circuit breaker, shared by all workers."""

    provider: str
    version: int = 0
    state: ProviderState = ProviderState.CLOSED
    since: dt.datetime | None = None
    #: End of the open state, or of the wait for a trial's result.
    until: dt.datetime | None = None
    failed_trials: int = 0
    reason: str = ""
    #: The account that opened it by hand.
    held_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open or half-open: no receipt is sent except the trial."""
        return self.state in OUT_OF_USE

    def may_try(self, now: dt.datetime) -> bool:
        """Whether the open interval is over and a half-open trial may start."""
        refused = PROVIDER.fire(self.state, ProviderEvent.TRIAL).refused
        return not refused and (self.until is None or self.until <= now)


def next_state(
    current: BreakerState,
    event: ProviderEvent,
    now: dt.datetime,
    open_seconds: Sequence[int],
    reason: str = "",
    clerk: str = "",
) -> BreakerState | None:
    """State after an event, None if unchanged; ``open_seconds`` are the waits before trials.

    ``clerk`` is the account of staff for an event by hand.
    """
    transition = PROVIDER.fire(current.state, event)
    if transition.refused:
        return None
    if transition.state not in OUT_OF_USE:
        closed = BreakerState(current.provider, current.version + 1, since=now)
        return closed if current.is_open else None
    if transition.state is ProviderState.HELD:
        version = current.version + 1
        return BreakerState(
            current.provider, version, transition.state, now, reason=reason, held_by=clerk
        )
    failed = current.failed_trials + (event is ProviderEvent.TRIAL_FAILED)
    # The last interval repeats.
    seconds = open_seconds[min(failed, len(open_seconds) - 1)]
    if event is ProviderEvent.TRIAL:
        seconds = _TRIAL_TIMEOUT_SECONDS
    return BreakerState(
        current.provider,
        current.version + 1,
        transition.state,
        current.since if current.is_open else now,
        now + dt.timedelta(seconds=seconds),
        failed,
        reason or current.reason,
    )


class BreakerStore(Protocol):
    """Shared breaker states. Every method raises StoreUnavailableError."""

    def load(self, providers: Iterable[str]) -> dict[str, BreakerState]:
        """States by provider; a provider without a record is closed."""

    def save(self, health: BreakerState) -> bool:
        """Compare-and-set by version; False if another worker changed the state."""


class SwitchStore(BreakerStore, Protocol):
    """Breaker states that staff change too."""

    def switch(self, health: BreakerState, act: StaffAct, event_id: str) -> bool:
        """Save a state and the act of staff that made it as one write.

        True if it is saved, now or by the same event before; False if the state was changed.
        """

    def was_applied(self, event_id: str) -> bool:
        """Whether an act with this event id was saved."""


class CircuitBreakers:
    """One circuit breaker per provider: closed, open, or half-open with a single trial.

    Each worker counts consecutive failures locally. ``demote_after`` of them open the breaker for
    all workers. After the open interval, one worker claims the half-open trial with one receipt:
    success closes the breaker, failure opens it for the next interval. A success in the closed
    state makes no write.
    """

    def __init__(
        self, store: BreakerStore, names: Iterable[str], rules: SendingRules, clock: Clock
    ) -> None:
        self._store, self._clock = store, clock
        #: Thresholds and open intervals from the next event on.
        self.rules = rules
        self._known = {name: BreakerState(name) for name in names}
        #: Providers with an open or half-open breaker; a plain set, read for every receipt.
        self.open = frozenset[str]()
        self._failures = dict.fromkeys(self._known, 0)
        self._held_timers: dict[str, list[Timer]] = {name: [] for name in self._known}
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Load the states set by other workers. Raises StoreUnavailableError."""
        found = self._store.load(self._known)
        with self._lock:
            for name, state in found.items():
                # Version 0 is an emptied store; other older versions are stale reads.
                if state.version >= self._known[name].version or not state.version:
                    self._known[name] = state
            self._refresh_open()

    def _refresh_open(self) -> None:
        self.open = frozenset(name for name, state in self._known.items() if state.is_open)

    def may_try(self, name: str) -> bool:
        """Whether a half-open trial may start now."""
        return self._known[name].may_try(self._clock.now())

    def try_half_open(self, name: str) -> bool:
        """Claim the half-open trial; True for one of all workers."""
        return self.may_try(name) and self._transition(name, ProviderEvent.TRIAL, attempts=1)

    def record_success(self, name: str, *, trial: bool = False) -> None:
        """Reset the failure count; a successful trial closes the breaker."""
        if self._failures[name]:
            with self._lock:
                self._failures[name] = 0
                self._held_timers[name].clear()
        if trial:
            self._fire(name, ProviderEvent.TRIAL_SUCCEEDED)

    def record_failure(self, name: str, failure: ProviderError, *, trial: bool = False) -> None:
        """Count a failure; a permanent error is about the receipt and counts as success."""
        if isinstance(failure, PermanentError):
            self.record_success(name, trial=trial)
            return
        with self._lock:
            self._failures[name] += 1
            tripped = self._failures[name] >= self.rules.demote_after
        if trial:
            self._fire(name, ProviderEvent.TRIAL_FAILED, failure.detail)
        elif tripped and not self._known[name].is_open:
            self._fire(name, ProviderEvent.TRIP, failure.detail)

    def hold_timers(self, name: str, timers: Iterable[Timer]) -> None:
        """Keep retry timers of a provider, to release them early if its breaker opens."""
        with self._lock:
            self._held_timers[name] = [*self._held_timers[name], *timers][-_MAX_HELD_TIMERS:]

    def released_timers(self) -> list[Timer]:
        """Take the held timers of all providers with an open breaker."""
        with self._lock:
            found = [timer for name in self.open for timer in self._held_timers[name]]
            self._held_timers |= {name: [] for name in self.open}
        return found

    def _fire(self, name: str, event: ProviderEvent, reason: str = "") -> None:
        # Without the store no receipt is sent either; the next result fires the event again.
        with suppress(StoreUnavailableError):
            self._transition(name, event, reason)

    def _transition(
        self, name: str, event: ProviderEvent, reason: str = "", attempts: int = _MAX_ATTEMPTS
    ) -> bool:
        for _ in range(attempts):
            intervals, now = self.rules.probe_after_seconds, self._clock.now()
            fresh = next_state(self._known[name], event, now, intervals, reason)
            if fresh is None:
                return False
            if self._store.save(fresh):
                with self._lock:
                    self._known[name] = fresh
                    self._failures[name] = 0
                    self._refresh_open()
                _log_transition(event, fresh)
                return True
            self.refresh()
        return False


def _log_transition(event: ProviderEvent, state: BreakerState) -> None:
    name = state.provider
    if event is ProviderEvent.TRIAL:
        _log.info("provider tried", provider=name)
    elif event is ProviderEvent.TRIAL_SUCCEEDED:
        _log.warning("provider back", provider=name)
    else:
        next_try = state.until.isoformat() if state.until else None
        _log.warning("provider demoted", provider=name, why=state.reason, next_try=next_try)
