"""The engine accepts complete tables only, fires its machine and returns refusals as data."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import pytest

from statemachines.engine import IncompleteTableError, Move, Refuse, Row, Stay, Table


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"


class Touch(StrEnum):
    PRESS = "press"
    SMASH = "smash"


class Foreign(StrEnum):
    KICK = "kick"


def rows() -> dict[Lamp, dict[Touch, Row[Lamp]]]:
    return {
        Lamp.OFF: {Touch.PRESS: Move(Lamp.ON, ("light",)), Touch.SMASH: Refuse("fragile")},
        Lamp.ON: {Touch.PRESS: Move(Lamp.OFF), Touch.SMASH: Stay(("flicker",))},
    }


def table(given: Mapping[Lamp, Mapping[Touch, Row[Lamp]]]) -> Table[Lamp, Touch]:
    return Table("lamp", Lamp, Touch, given, start=Lamp.OFF)


def test_rows_move_stay_and_refuse():
    lamp = table(rows())
    moved, stayed = lamp.fire(Lamp.OFF, Touch.PRESS), lamp.fire(Lamp.ON, Touch.SMASH)
    refused = lamp.fire(Lamp.OFF, Touch.SMASH)
    assert (moved.state, moved.acts, moved.reason) == (Lamp.ON, ("light",), None)
    assert (stayed.state, stayed.acts, stayed.reason) == (Lamp.ON, ("flicker",), None)
    assert (refused.state, refused.acts, refused.reason) == (Lamp.OFF, (), "fragile")
    assert [each.refused for each in (moved, stayed, refused)] == [False, False, True]


def test_new_state_is_a_member_of_the_enum():
    assert isinstance(table(rows()).fire(Lamp.OFF, Touch.PRESS).state, Lamp)


def test_error_names_a_missing_row():
    holed = rows()
    del holed[Lamp.ON][Touch.SMASH]
    with pytest.raises(IncompleteTableError, match=r"lamp: .* on x smash$"):
        table(holed)


def test_error_names_all_rows_of_a_missing_state():
    holed = rows()
    del holed[Lamp.ON]
    with pytest.raises(IncompleteTableError, match="on x press, on x smash"):
        table(holed)


@pytest.mark.parametrize("state", [Lamp.ON, Foreign.KICK], ids=str)
def test_error_names_a_row_of_an_unknown_state_or_event(state: Lamp):
    more: dict[Any, Any] = rows()
    more.setdefault(state, {})[Foreign.KICK] = Stay()
    with pytest.raises(IncompleteTableError, match=f"{state} x kick"):
        table(more)


def test_threads_share_a_table():
    lamp = table(rows())

    def press(turn: int) -> bool:
        state = Lamp.OFF if turn % 2 else Lamp.ON
        return lamp.fire(state, Touch.PRESS).state is not state

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(press, range(400)))
