"""State tables that run on the transitions library; each event fires its machine.

Only this module imports the library. A machine has no callbacks with effects: after a failed
effect it would already be in the new state. Callers save the new state first, then act.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Generic, TypeVar

from transitions import Machine

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move(Generic[S]):
    """Row of an event that leads to another state, or explicitly back to the same one."""

    to: S
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """Row of an event that is accepted and leaves the state unchanged."""

    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Row of an event that is not allowed in this state, with the reason."""

    reason: str


Row = Move[S] | Stay | Refuse


def refuse(reason: str, *events: E) -> dict[E, Refuse]:
    """Rows of events that a state refuses for the same reason."""
    return dict.fromkeys(events, Refuse(reason))


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """Result of one event: the new state with its actions, or the reason of a refusal."""

    state: S
    acts: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def refused(self) -> bool:
        """True if the table refuses the event."""
        return self.reason is not None


class IncompleteTableError(ValueError):
    """A table lacks rows or has extra ones; the message lists them."""


class Table(Generic[S, E]):
    """Complete state table with one row for each pair of state and event.

    Threads share its machine. The machine keeps no state of its own: each event brings a model.
    """

    def __init__(
        self,
        name: str,
        states: type[S],
        events: type[E],
        rows: Mapping[S, Mapping[E, Row[S]]],
        start: S,
    ) -> None:
        """Raises IncompleteTableError if a row is missing, or its state or event is unknown."""
        given = {(state, event) for state, row_of in rows.items() for event in row_of}
        needed = {(state, event) for state in states for event in events}
        if given != needed:
            wrong = sorted(f"{state} x {event}" for state, event in given ^ needed)
            raise IncompleteTableError(f"{name}: missing or unknown rows: {', '.join(wrong)}")
        self.name, self.events = name, events
        self.rows, self.start = rows, start
        self.machine = Machine(
            model=None, states=states, initial=start, auto_transitions=False, name=name
        )
        for state, event in sorted(needed):
            row = rows[state][event]
            self.machine.add_transition(
                event.value,
                state,
                # Without a destination the transition is an internal one.
                row.to if isinstance(row, Move) else None,
                # The guard of a refusal never holds.
                conditions=(lambda: False) if isinstance(row, Refuse) else None,
            )

    def fire(self, state: S, event: E) -> Transition[S]:
        """Trigger the event on the machine. A refusal is returned, not raised."""
        model = SimpleNamespace(state=state)
        self.machine.events[event.value].trigger(model)
        row = self.rows[state][event]
        if isinstance(row, Refuse):
            return Transition(model.state, reason=row.reason)
        return Transition(model.state, row.acts)
