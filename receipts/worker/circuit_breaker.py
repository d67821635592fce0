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
from receipts.ports.provider import Never, SendingFailure
from receipts.ports.store import StoreUnavailable
from receipts.rulebook.schema import Sending
from statemachines.provider import OUT_OF_USE, PROVIDER, ProviderEvent, ProviderState

#: Seconds after which a probe that was never heard of counts as lost: longer than any provider
#: is waited for.
_LOST = 60


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one provider is doing; the same for all workers. ``turn`` counts probes in vain."""

    provider: str
    version: int = 0
    state: ProviderState = ProviderState.CLOSED
    since: dt.datetime | None = None
    #: Before this moment nothing more is tried with it.
    until: dt.datetime | None = None
    turn: int = 0
    why: str = ""

    @property
    def closed(self) -> bool:
        """Whether receipts go elsewhere, or wait."""
        return self.state in OUT_OF_USE

    def may_probe(self, now: dt.datetime) -> bool:
        """Whether the wait is over, and one receipt may try it."""
        refused = PROVIDER.fire(self.state, ProviderEvent.TRIAL).refused
        return not refused and (self.until is None or self.until <= now)


def after(
    health: Health, event: ProviderEvent, now: dt.datetime, waits: Sequence[int], why: str = ""
) -> Health | None:
    """The health after an event, None where it changes nothing.

    ``waits`` are the seconds before the first probe, the second, ...; the last repeats.
    """
    outcome = PROVIDER.fire(health.state, event)
    if outcome.refused:
        return None
    if outcome.state not in OUT_OF_USE:
        well = Health(health.provider, health.version + 1, since=now)
        return well if health.closed else None
    turn = health.turn + (event is ProviderEvent.TRIAL_FAILED)
    wait = _LOST if event is ProviderEvent.TRIAL else waits[min(turn, len(waits) - 1)]
    return Health(
        health.provider,
        health.version + 1,
        outcome.state,
        health.since if health.closed else now,
        now + dt.timedelta(seconds=wait),
        turn,
        why or health.why,
    )


class BreakerStore(Protocol):
    """State of the providers that all workers share. Every method raises StoreUnavailable."""

    def healths(self, providers: Iterable[str]) -> dict[str, Health]:
        """State by provider; a provider without a record is healthy."""

    def keep(self, health: Health) -> bool:
        """Write a new state; False when another worker changed it meanwhile."""


_log = structlog.get_logger()

#: How often a change is tried again where another worker was quicker.
_ROUNDS = 3

#: Receipts that wait for another try, of which we remember that much.
_REMEMBERED = 200


class Watch:
    """Counts failures in a row by itself; what follows from them is shared through the store.

    While nothing is wrong it writes nothing: a success only ends the count.
    """

    def __init__(
        self, store: BreakerStore, names: Iterable[str], rules: Sending, clock: Clock
    ) -> None:
        self._store, self._rules, self._clock = store, rules, clock
        self._known = {name: Health(name) for name in names}
        #: The providers that are demoted, as far as we know: each text asks.
        self.closed = frozenset[str]()
        self._row = dict.fromkeys(self._known, 0)
        self._waits: dict[str, list[Timer]] = {name: [] for name in self._known}
        self._lock = threading.Lock()

    def under(self, rules: Sending) -> None:
        """Go on under these rules."""
        self._rules = rules

    def look(self) -> None:
        """See what other workers found. Raises StoreUnavailable."""
        found = self._store.healths(self._known)
        with self._lock:
            for name, health in found.items():
                # A store that was emptied begins anew; else nothing older counts.
                if health.version >= self._known[name].version or not health.version:
                    self._known[name] = health
            self._counted()

    def _counted(self) -> None:
        self.closed = frozenset(name for name, health in self._known.items() if health.closed)

    def ready(self, name: str) -> bool:
        """Whether a demoted provider may be tried now."""
        return self._known[name].may_probe(self._clock.now())

    def try_it(self, name: str) -> bool:
        """Whether this worker tries a demoted provider, with one receipt: one of all workers."""
        return self.ready(name) and self._move(name, ProviderEvent.TRIAL, rounds=1)

    def answered(self, name: str, *, probe: bool = False) -> None:
        """It took a receipt, or said a clear no to one: it works."""
        if self._row[name]:
            with self._lock:
                self._row[name] = 0
                self._waits[name].clear()
        if probe:
            self._told(name, ProviderEvent.TRIAL_SUCCEEDED)

    def failed(self, name: str, failure: SendingFailure, *, probe: bool = False) -> None:
        """It did not do what we asked. A clear no is about the receipt, not about the provider."""
        if isinstance(failure, Never):
            self.answered(name, probe=probe)
            return
        with self._lock:
            self._row[name] += 1
            enough = self._row[name] >= self._rules.demote_after
        if probe:
            self._told(name, ProviderEvent.TRIAL_FAILED, failure.detail)
        elif enough and not self._known[name].closed:
            self._told(name, ProviderEvent.TRIP, failure.detail)

    def waits(self, name: str, timers: Iterable[Timer]) -> None:
        """Remember what is to be tried again: it need not wait once the provider is demoted."""
        with self._lock:
            self._waits[name] = [*self._waits[name], *timers][-_REMEMBERED:]

    def freed(self) -> list[Timer]:
        """What waited for providers that are demoted by now."""
        with self._lock:
            found = [timer for name in self.closed for timer in self._waits[name]]
            for name in self.closed:
                self._waits[name] = []
        return found

    def _told(self, name: str, event: ProviderEvent, why: str = "") -> None:
        # Out of reach of the store nothing can be sent anyway; the next answer says it again.
        with suppress(StoreUnavailable):
            self._move(name, event, why)

    def _move(self, name: str, event: ProviderEvent, why: str = "", rounds: int = _ROUNDS) -> bool:
        for _ in range(rounds):
            held = self._known[name]
            fresh = after(held, event, self._clock.now(), self._rules.probe_after_seconds, why)
            if fresh is None:
                return False
            if self._store.keep(fresh):
                with self._lock:
                    self._known[name] = fresh
                    self._row[name] = 0
                    self._counted()
                _SAY[event](name, fresh)
                return True
            self.look()
        return False


def _aloud(name: str, health: Health) -> None:
    next_try = health.until.isoformat() if health.until else None
    _log.warning("provider demoted", provider=name, why=health.why, next_try=next_try)


_SAY: dict[ProviderEvent, Callable[[str, Health], None]] = {
    ProviderEvent.TRIP: _aloud,
    ProviderEvent.TRIAL_FAILED: _aloud,
    ProviderEvent.TRIAL_SUCCEEDED: lambda name, _: _log.warning("provider back", provider=name),
    ProviderEvent.TRIAL: lambda name, _: _log.info("provider tried", provider=name),
}
