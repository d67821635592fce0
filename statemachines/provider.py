"""How far a provider can be relied on: used, or demoted and tried with one receipt at a time."""

from enum import StrEnum

from statemachines.engine import Move, Refuse, Stay, Table


class ProviderState(StrEnum):
    """Where a provider stands with us."""

    HEALTHY = "healthy"
    DEMOTED = "demoted"
    PROBING = "probing"


class ProviderEvent(StrEnum):
    """What its answers, and the wait since it was demoted, bring."""

    FAILING = "failing"
    PROBE = "probe"
    PROBE_ANSWERED = "probe_answered"
    PROBE_FAILED = "probe_failed"


_S, _E = ProviderState, ProviderEvent

#: Where no receipt goes to it but the one that tries it.
OUT_OF_USE = frozenset({_S.DEMOTED, _S.PROBING})

PROVIDER = Table(
    "provider",
    _S,
    _E,
    {
        _S.HEALTHY: {
            _E.FAILING: Move(_S.DEMOTED),
            _E.PROBE: Refuse("in_use"),
            # The answer to a probe that was given up, after another one brought it back.
            _E.PROBE_ANSWERED: Stay(),
            _E.PROBE_FAILED: Refuse("in_use"),
        },
        _S.DEMOTED: {
            # Receipts that were on their way when it was demoted say nothing new.
            _E.FAILING: Refuse("demoted"),
            _E.PROBE: Move(_S.PROBING),
            # A probe that was given up and answered after all: proof is proof.
            _E.PROBE_ANSWERED: Move(_S.HEALTHY),
            _E.PROBE_FAILED: Refuse("demoted"),
        },
        _S.PROBING: {
            _E.FAILING: Refuse("probing"),
            # The probe before was never heard of again: its worker ended.
            _E.PROBE: Move(_S.PROBING),
            _E.PROBE_ANSWERED: Move(_S.HEALTHY),
            _E.PROBE_FAILED: Move(_S.DEMOTED),
        },
    },
    start=_S.HEALTHY,
)
