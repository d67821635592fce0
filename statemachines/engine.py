"""One way to run every table: whole, refusing aloud, fast enough for every event.

The tables run on the transitions package, the only place that meets it. Every row is run once,
when its table is made, and the outcome kept: an event is then one look-up. Effects never run
inside the machine: it would keep the new state when one of them failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from transitions import Machine

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move(Generic[S]):
    """The event leads to another state (or to the same one, said on purpose)."""

    to: S
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """The event is fine and changes no state."""

    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """The event is not for this state, and this is why."""

    reason: str


Row = Move[S] | Stay | Refuse


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """What came of one event: the state now, what to do, or the reason it was refused."""

    state: S
    acts: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def refused(self) -> bool:
        """True when the table said no."""
        return self.reason is not None


class NotWhole(ValueError):
    """A table lacks a row or has one too many; it names which."""


class _Token:
    """The light object that carries a state through the machine for one event."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Table(Generic[S, E]):
    """Every state against every event."""

    def __init__(
        self,
        name: str,
        states: type[S],
        events: type[E],
        rows: Mapping[S, Mapping[E, Row[S]]],
        start: S,
    ) -> None:
        """Raises NotWhole when a state lacks an event, or a row is for none of them."""
        named = {(state, event) for state, row_of in rows.items() for event in row_of}
        wanted = {(state, event) for state in states for event in events}
        if named != wanted:
            odd = sorted(f"{state} x {event}" for state, event in named ^ wanted)
            raise NotWhole(f"{name} has not one row each for {', '.join(odd)}")
        self.name, self.states, self.events, self.rows, self.start = (
            name,
            states,
            events,
            rows,
            start,
        )
        machine = Machine(
            model=None,
            states=[str(state) for state in states],
            initial=str(start),
            auto_transitions=False,
            queued=False,
        )
        for state in states:
            for event in events:
                row = rows[state][event]
                if isinstance(row, Move):
                    machine.add_transition(str(event), str(state), str(row.to))
                elif isinstance(row, Stay):
                    machine.add_transition(str(event), str(state), dest=None)
        # A table never changes and its machine has no effects: each row is run once, now.
        self._outcomes = {
            (state, event): self._run(machine, state, event) for state in states for event in events
        }

    def _run(self, machine: Machine, state: S, event: E) -> Outcome[S]:
        row = self.rows[state][event]
        if isinstance(row, Refuse):
            return Outcome(state, reason=row.reason)
        token = _Token(state.value)
        machine.events[event.value].trigger(token)
        return Outcome(self.states(token.state), row.acts)

    def fire(self, state: S, event: E) -> Outcome[S]:
        """What this event does in this state; a refusal is an Outcome too, never an exception."""
        return self._outcomes[state, event]
