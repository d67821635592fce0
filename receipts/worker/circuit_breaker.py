"""Watches the providers for one worker, and tells the others when one is demoted or back."""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec
import structlog

from receipts.ports.changes import Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import PermanentError, ProviderError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.schema import SendingRules
from statemachines.provider import OUT_OF_USE, PROVIDER, ProviderEvent, ProviderState

#: Seconds after which a probe that was never heard of counts as lost: longer than any provider
#: is waited for.
_TRIAL_TIMEOUT_SECONDS = 60


class BreakerState(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"reason": "why", "failed_trials": "turn"},
):
    """How one provider is doing; the same for all workers. ``turn`` counts probes in vain."""

    provider: str
    version: int = 0
    state: ProviderState = ProviderState.CLOSED
    since: dt.datetime | None = None
    #: Before this moment nothing more is tried with it.
    until: dt.datetime | None = None
    failed_trials: int = 0
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether receipts go elsewhere, or wait."""
        return self.state in OUT_OF_USE

    def may_try(self, now: dt.datetime) -> bool:
        """Whether the wait is over, and one receipt may try it."""
        refused = PROVIDER.fire(self.state, ProviderEvent.TRIAL).refused
        return not refused and (self.until is None or self.until <= now)


def next_state(
    health: BreakerState,
    event: ProviderEvent,
    now: dt.datetime,
    waits: Sequence[int],
    why: str = "",
) -> BreakerState | None:
    """The health after an event, None where it changes nothing.

    ``waits`` are the seconds before the first probe, the second, ...; the last repeats.
    """
    outcome = PROVIDER.fire(health.state, event)
    if outcome.refused:
        return None
    if outcome.state not in OUT_OF_USE:
        well = BreakerState(health.provider, health.version + 1, since=now)
        return well if health.is_open else None
    turn = health.failed_trials + (event is ProviderEvent.TRIAL_FAILED)
    wait = (
        _TRIAL_TIMEOUT_SECONDS if event is ProviderEvent.TRIAL else waits[min(turn, len(waits) - 1)]
    )
    return BreakerState(
        health.provider,
        health.version + 1,
        outcome.state,
        health.since if health.is_open else now,
        now + dt.timedelta(seconds=wait),
        turn,
        why or health.reason,
    )


class BreakerStore(Protocol):
    """State of the providers that all workers share. Every method raises StoreUnavailableError."""

    def load(self, providers: Iterable[str]) -> dict[str, BreakerState]:
        """State by provider; a provider without a record is healthy."""

    def save(self, health: BreakerState) -> bool:
        """Write a new state; False when another worker changed it meanwhile."""


_log = structlog.get_logger()

#: How often a change is tried again where another worker was quicker.
_MAX_ATTEMPTS = 3

#: Receipts that wait for another try, of which we remember that much.
_MAX_HELD_TIMERS = 200


class CircuitBreakers:
    """Counts failures in a row by itself; what follows from them is shared through the store.

    While nothing is wrong it writes nothing: a success only ends the count.
    """

    def __init__(
        self, store: BreakerStore, names: Iterable[str], rules: SendingRules, clock: Clock
    ) -> None:
        self._store, self._rules, self._clock = store, rules, clock
        self._known = {name: BreakerState(name) for name in names}
        #: The providers that are demoted, as far as we know: each text asks.
        self.open = frozenset[str]()
        self._failures = dict.fromkeys(self._known, 0)
        self._held_timers: dict[str, list[Timer]] = {name: [] for name in self._known}
        self._lock = threading.Lock()

    def set_rules(self, rules: SendingRules) -> None:
        """Go on under these rules."""
        self._rules = rules

    def refresh(self) -> None:
        """See what other workers found. Raises StoreUnavailableError."""
        found = self._store.load(self._known)
        with self._lock:
            for name, health in found.items():
                # A store that was emptied begins anew; else nothing older counts.
                if health.version >= self._known[name].version or not health.version:
                    self._known[name] = health
            self._refresh_open()

    def _refresh_open(self) -> None:
        self.open = frozenset(name for name, health in self._known.items() if health.is_open)

    def may_try(self, name: str) -> bool:
        """Whether a demoted provider may be tried now."""
        return self._known[name].may_try(self._clock.now())

    def try_half_open(self, name: str) -> bool:
        """Whether this worker tries a demoted provider, with one receipt: one of all workers."""
        return self.may_try(name) and self._transition(name, ProviderEvent.TRIAL, rounds=1)

    def record_success(self, name: str, *, probe: bool = False) -> None:
        """It took a receipt, or said a clear no to one: it works."""
        if self._failures[name]:
            with self._lock:
                self._failures[name] = 0
                self._held_timers[name].clear()
        if probe:
            self._fire(name, ProviderEvent.TRIAL_SUCCEEDED)

    def record_failure(self, name: str, failure: ProviderError, *, probe: bool = False) -> None:
        """It did not do what we asked. A clear no is about the receipt, not about the provider."""
        if isinstance(failure, PermanentError):
            self.record_success(name, probe=probe)
            return
        with self._lock:
            self._failures[name] += 1
            enough = self._failures[name] >= self._rules.demote_after
        if probe:
            self._fire(name, ProviderEvent.TRIAL_FAILED, failure.detail)
        elif enough and not self._known[name].is_open:
            self._fire(name, ProviderEvent.TRIP, failure.detail)

    def hold_timers(self, name: str, timers: Iterable[Timer]) -> None:
        """Remember what is to be tried again: it need not wait once the provider is demoted."""
        with self._lock:
            self._held_timers[name] = [*self._held_timers[name], *timers][-_MAX_HELD_TIMERS:]

    def released_timers(self) -> list[Timer]:
        """What waited for providers that are demoted by now."""
        with self._lock:
            found = [timer for name in self.open for timer in self._held_timers[name]]
            for name in self.open:
                self._held_timers[name] = []
        return found

    def _fire(self, name: str, event: ProviderEvent, why: str = "") -> None:
        # Out of reach of the store nothing can be sent anyway; the next answer says it again.
        with suppress(StoreUnavailableError):
            self._transition(name, event, why)

    def _transition(
        self, name: str, event: ProviderEvent, why: str = "", rounds: int = _MAX_ATTEMPTS
    ) -> bool:
        for _ in range(rounds):
            current = self._known[name]
            fresh = next_state(
                current, event, self._clock.now(), self._rules.probe_after_seconds, why
            )
            if fresh is None:
                return False
            if self._store.save(fresh):
                with self._lock:
                    self._known[name] = fresh
                    self._failures[name] = 0
                    self._refresh_open()
                _LOG[event](name, fresh)
                return True
            self.refresh()
        return False


def _log_open(name: str, health: BreakerState) -> None:
    next_try = health.until.isoformat() if health.until else None
    _log.warning("provider demoted", provider=name, why=health.reason, next_try=next_try)


_LOG: dict[ProviderEvent, Callable[[str, BreakerState], None]] = {
    ProviderEvent.TRIP: _log_open,
    ProviderEvent.TRIAL_FAILED: _log_open,
    ProviderEvent.TRIAL_SUCCEEDED: lambda name, _: _log.warning("provider back", provider=name),
    ProviderEvent.TRIAL: lambda name, _: _log.info("provider tried", provider=name),
}
