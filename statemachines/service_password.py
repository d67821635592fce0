"""State table of a service password: not set, a first value, the owner's own, or locked today."""

from enum import StrEnum

from statemachines.engine import Move, Row, Stay, Table, refuse


class PasswordState(StrEnum):
    """State of a number's service password."""

    NOT_SET = "not_set"
    #: A first value that a store issued: it proves the owner only to choose another one.
    INITIAL = "initial"
    CHOSEN = "chosen"
    #: Three wrong tries today, over all channels.
    INITIAL_LOCKED = "initial_locked"
    LOCKED = "locked"


class PasswordEvent(StrEnum):
    """Events of a service password."""

    #: With the owner's identity proved at a counter: a first value, or one that the owner keys.
    ISSUED = "issued"
    CHOSEN_WITH_ID = "chosen_with_id"
    #: A new value, with the present one.
    REPLACED = "replaced"
    RIGHT = "right"
    WRONG = "wrong"
    THIRD_WRONG = "third_wrong"
    NEXT_DAY = "next_day"


_S, _E = PasswordState, PasswordEvent
_PROVED: dict[PasswordEvent, Row[PasswordState]] = {
    _E.ISSUED: Move(_S.INITIAL),
    _E.CHOSEN_WITH_ID: Move(_S.CHOSEN),
}
_TRIED = (_E.REPLACED, _E.RIGHT, _E.WRONG, _E.THIRD_WRONG)

_ROWS: dict[PasswordState, dict[PasswordEvent, Row[PasswordState]]] = {
    _S.NOT_SET: {**_PROVED, **refuse("not_set", *_TRIED), _E.NEXT_DAY: Stay()},
    _S.INITIAL: {
        **_PROVED,
        _E.REPLACED: Move(_S.CHOSEN),
        _E.RIGHT: Stay(("must_change",)),
        _E.WRONG: Stay(),
        _E.THIRD_WRONG: Move(_S.INITIAL_LOCKED, ("tell_owner",)),
        _E.NEXT_DAY: Stay(),
    },
    _S.CHOSEN: {
        **_PROVED,
        _E.REPLACED: Move(_S.CHOSEN),
        _E.RIGHT: Stay(),
        _E.WRONG: Stay(),
        _E.THIRD_WRONG: Move(_S.LOCKED, ("tell_owner",)),
        _E.NEXT_DAY: Stay(),
    },
    _S.INITIAL_LOCKED: {
        **_PROVED,
        **refuse("locked", *_TRIED),
        _E.NEXT_DAY: Move(_S.INITIAL),
    },
    _S.LOCKED: {**_PROVED, **refuse("locked", *_TRIED), _E.NEXT_DAY: Move(_S.CHOSEN)},
}

SERVICE_PASSWORD = Table("service_password", _S, _E, _ROWS, start=_S.NOT_SET)
