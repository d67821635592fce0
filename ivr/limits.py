"""Bounds of a call: misses and repeats in a row, and steps in all."""

from ivr.call_context import CallContext
from statemachines.call_menu import CallState
from statemachines.engine import Transition

#: Counter of each action that brings the call no further, and the count that ends the call.
_COUNTERS = {
    "silence": ("no_input", 3),
    "wrong": ("no_match", 3),
    **dict.fromkeys(("again", "agent", "no_agent"), ("repeats", 6)),
}

#: Steps of one pass through the menus, after which the call ends.
_MAX_STEPS = 100


def counted(context: CallContext, action: str) -> dict[str, int]:
    """The counters after an action; one that brings the call further resets all."""
    none = {"no_input": 0, "no_match": 0, "repeats": 0}
    if action not in _COUNTERS:
        return none
    name, _ = _COUNTERS[action]
    counts = none if name == "repeats" else {each: getattr(context, each) for each in none}
    return counts | {name: getattr(context, name) + 1}


def is_too_many(context: CallContext, transition: Transition[CallState]) -> bool:
    """Whether this is one miss or repeat too many, or one step of the call."""
    name, limit = _COUNTERS.get(next(iter(transition.acts), ""), ("step", _MAX_STEPS))
    count: int = getattr(context, name)
    return count + 1 >= limit or context.step >= _MAX_STEPS
