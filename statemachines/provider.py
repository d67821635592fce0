"""Circuit breaker of a provider: in use, out of use after failures, tried, or held by staff."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Row, Stay, Table


class ProviderState(StrEnum):
    """State of a provider's circuit breaker; the values are kept in the store and in metrics."""

    CLOSED = "healthy"
    OPEN = "demoted"
    HALF_OPEN = "probing"
    #: Opened by hand: no trial closes it.
    HELD = "held"


class ProviderEvent(StrEnum):
    """Events of a circuit breaker; a trial is a single receipt sent after the waiting time.

    Staff hold a provider, and release one that is held or that failed.
    """

    TRIP = "failing"
    TRIAL = "probe"
    TRIAL_SUCCEEDED = "probe_answered"
    TRIAL_FAILED = "probe_failed"
    HOLD = "hold"
    RELEASE = "release"


_S, _E = ProviderState, ProviderEvent

#: States in which the provider gets no receipt except the trial.
OUT_OF_USE = frozenset({_S.OPEN, _S.HALF_OPEN, _S.HELD})

_ROWS: dict[ProviderState, dict[ProviderEvent, Row[ProviderState]]] = {
    _S.CLOSED: {
        _E.TRIP: Move(_S.OPEN),
        _E.TRIAL: Refuse("in_use"),
        # Answer to a trial counted as lost, after a later trial has closed the breaker.
        _E.TRIAL_SUCCEEDED: Stay(),
        _E.TRIAL_FAILED: Refuse("in_use"),
        _E.HOLD: Move(_S.HELD),
        _E.RELEASE: Refuse("in_use"),
    },
    _S.OPEN: {
        # Receipts that were being sent when the breaker opened add no information.
        _E.TRIP: Refuse("demoted"),
        _E.TRIAL: Move(_S.HALF_OPEN),
        # A trial counted as lost that succeeds late still proves that the provider works.
        _E.TRIAL_SUCCEEDED: Move(_S.CLOSED),
        _E.TRIAL_FAILED: Refuse("demoted"),
        _E.HOLD: Move(_S.HELD),
        _E.RELEASE: Move(_S.CLOSED),
    },
    _S.HALF_OPEN: {
        _E.TRIP: Refuse("probing"),
        # The previous trial is lost: its worker has ended.
        _E.TRIAL: Move(_S.HALF_OPEN),
        _E.TRIAL_SUCCEEDED: Move(_S.CLOSED),
        _E.TRIAL_FAILED: Move(_S.OPEN),
        _E.HOLD: Move(_S.HELD),
        _E.RELEASE: Move(_S.CLOSED),
    },
    # Only staff end it: answers to receipts that were under way when they held it change nothing.
    _S.HELD: {
        _E.TRIP: Refuse("held"),
        _E.TRIAL: Refuse("held"),
        _E.TRIAL_SUCCEEDED: Refuse("held"),
        _E.TRIAL_FAILED: Refuse("held"),
        _E.HOLD: Refuse("held"),
        _E.RELEASE: Move(_S.CLOSED),
    },
}

PROVIDER = Table("provider", _S, _E, _ROWS, start=_S.CLOSED)
