"""State table of a proposal that a second person approves, such as a rule book."""

from enum import StrEnum

from statemachines.engine import Move, Row, Table, refuse


class ApprovalState(StrEnum):
    """State of a proposal; all but WAITING are final."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ApprovalEvent(StrEnum):
    """Decisions on a proposal; ``approve_own`` is an approval by its proposer."""

    APPROVE = "approve"
    APPROVE_OWN = "approve_own"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


_S, _E = ApprovalState, ApprovalEvent


def _decided() -> dict[ApprovalEvent, Row[ApprovalState]]:
    return dict(refuse("decided", *_E))


_ROWS: dict[ApprovalState, dict[ApprovalEvent, Row[ApprovalState]]] = {
    _S.WAITING: {
        _E.APPROVE: Move(_S.APPROVED),
        **refuse("same_person", _E.APPROVE_OWN),
        _E.REJECT: Move(_S.REJECTED),
        _E.WITHDRAW: Move(_S.WITHDRAWN),
        _E.EXPIRE: Move(_S.EXPIRED),
    },
    _S.APPROVED: _decided(),
    _S.REJECTED: _decided(),
    _S.WITHDRAWN: _decided(),
    _S.EXPIRED: _decided(),
}

APPROVAL = Table("approval", ApprovalState, ApprovalEvent, _ROWS, ApprovalState.WAITING)
