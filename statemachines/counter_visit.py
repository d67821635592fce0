"""State table of a visit at a counter: one customer, served by one clerk."""

from enum import StrEnum

from statemachines.engine import Move, Row, Stay, Table, refuse


class VisitState(StrEnum):
    """State of a visit."""

    FOUND = "found"
    ID_CHECKED = "id_checked"
    FIRST_VALUE = "first_value"
    IDENTIFIED = "identified"
    LOCKED = "locked"
    ENDED = "ended"


class VisitEvent(StrEnum):
    """Events of a visit, from the clerk or the owner's keypad."""

    CHECK_ID = "check_id"
    PASSWORD_RIGHT = "password_right"  # noqa: S105 - names of events
    FIRST_VALUE_RIGHT = "first_value_right"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105
    TRIES_USED = "tries_used"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    ACT = "act"
    END = "end"


_S, _E = VisitState, VisitEvent

_TRIES = (_E.PASSWORD_RIGHT, _E.FIRST_VALUE_RIGHT, _E.PASSWORD_WRONG, _E.TRIES_USED)

_ROWS: dict[VisitState, dict[VisitEvent, Row[VisitState]]] = {
    # The clerk has entered a number; no page shows data of its customer.
    _S.FOUND: {
        _E.CHECK_ID: Move(_S.ID_CHECKED),
        **refuse("id_first", *_TRIES, _E.RESET_PASSWORD),
        **refuse("not_identified", _E.ACT),
        _E.END: Move(_S.ENDED),
    },
    # Corrected numbers of identity cards may be entered until the password is right.
    _S.ID_CHECKED: {
        _E.CHECK_ID: Stay(),
        _E.PASSWORD_RIGHT: Move(_S.IDENTIFIED),
        _E.FIRST_VALUE_RIGHT: Move(_S.FIRST_VALUE),
        _E.PASSWORD_WRONG: Stay(),
        _E.TRIES_USED: Move(_S.LOCKED),
        # A new password needs the owner's identity card, and none of the tries.
        _E.RESET_PASSWORD: Stay(),
        **refuse("not_identified", _E.ACT),
        _E.END: Move(_S.ENDED),
    },
    # The first value proves the owner to choose a password, also without a card on record.
    _S.FIRST_VALUE: {
        _E.CHECK_ID: Move(_S.ID_CHECKED),
        _E.PASSWORD_RIGHT: Move(_S.IDENTIFIED),
        _E.FIRST_VALUE_RIGHT: Stay(),
        _E.PASSWORD_WRONG: Move(_S.ID_CHECKED),
        _E.TRIES_USED: Move(_S.LOCKED),
        # The new password is keyed next.
        _E.RESET_PASSWORD: Move(_S.ID_CHECKED),
        **refuse("not_identified", _E.ACT),
        _E.END: Move(_S.ENDED),
    },
    _S.IDENTIFIED: {
        **refuse("identified", _E.CHECK_ID, *_TRIES),
        _E.RESET_PASSWORD: Stay(),
        _E.ACT: Stay(),
        _E.END: Move(_S.ENDED),
    },
    _S.LOCKED: {
        **refuse("tries_used", _E.CHECK_ID, *_TRIES),
        # A new password may be tried at once.
        _E.RESET_PASSWORD: Move(_S.ID_CHECKED),
        **refuse("not_identified", _E.ACT),
        _E.END: Move(_S.ENDED),
    },
    _S.ENDED: {
        **refuse("ended", _E.CHECK_ID, *_TRIES, _E.RESET_PASSWORD, _E.ACT),
        _E.END: Stay(),
    },
}

COUNTER_VISIT = Table("counter_visit", _S, _E, _ROWS, start=_S.FOUND)
