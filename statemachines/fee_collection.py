"""State table of a month's fee: charged, then reported by the operator as paid or failed."""

from enum import StrEnum

from statemachines.engine import Move, Row, Stay, Table, refuse


class FeeState(StrEnum):
    """State of the fee of one customer and month."""

    NO_FEE = "no_fee"
    DUE = "due"
    UNPAID = "unpaid"
    PAID = "paid"


class CollectionResult(StrEnum):
    """Result of collecting a fee; the values are those of the operator's list."""

    PAID = "paid"
    FAILED = "failed"


_S, _E = FeeState, CollectionResult

_ROWS: dict[FeeState, dict[CollectionResult, Row[FeeState]]] = {
    # A fee that the ledger does not hold can neither fail nor be paid.
    _S.NO_FEE: {**refuse("no_fee", _E.PAID, _E.FAILED)},
    _S.DUE: {_E.PAID: Move(_S.PAID), _E.FAILED: Move(_S.UNPAID)},
    _S.UNPAID: {_E.PAID: Move(_S.PAID), _E.FAILED: Stay()},
    _S.PAID: {_E.PAID: Stay(), **refuse("paid_before", _E.FAILED)},
}

FEE_COLLECTION = Table("fee_collection", _S, _E, _ROWS, start=_S.DUE)
