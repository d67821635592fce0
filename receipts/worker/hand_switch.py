"""Circuit breakers switched by staff, each act on their log."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from receipts.model.staff import StaffAct
from receipts.ports.clock import Clock
from receipts.ports.store import ContentionError
from receipts.worker.circuit_breaker import BreakerState, SwitchStore, next_state
from statemachines.provider import PROVIDER, ProviderEvent

#: Optimistic-locking attempts of one act.
_MAX_ATTEMPTS = 20


class SwitchAct(Struct, frozen=True):
    """An act of staff on one breaker, HOLD or RELEASE; ``event_id`` is unique to the form."""

    provider: str
    event: ProviderEvent
    clerk: str
    reason: str
    event_id: str


class BreakerSwitch:
    """Holds and releases providers; all workers follow within a second."""

    def __init__(
        self, store: SwitchStore, names: Callable[[], Sequence[str]], clock: Clock
    ) -> None:
        self._store, self._names, self._clock = store, names, clock

    def states(self) -> list[BreakerState]:
        """The breaker of each provider in use. Raises StoreUnavailableError."""
        return list(self._store.load(self._names()).values())

    def apply(self, act: SwitchAct) -> str:
        """Commit an act; ``done``, or the reason of a refusal: the table's, or ``unknown``.

        Raises StoreUnavailableError.
        """
        if act.provider not in self._names():
            return "unknown"
        if self._store.was_applied(act.event_id):
            return "done"
        for _ in range(_MAX_ATTEMPTS):
            now, current = self._clock.now(), self._store.load([act.provider])[act.provider]
            changed = next_state(current, act.event, now, (0,), act.reason, act.clerk)
            if changed is None:
                return PROVIDER.fire(current.state, act.event).reason or ""
            logged = StaffAct(now, act.clerk, f"provider_{act.event}", act.provider, act.reason)
            if self._store.switch(changed, logged, act.event_id):
                return "done"
        raise ContentionError("the same breaker was changed by others again and again")
