"""State tables as Mermaid diagrams and Markdown grids."""

from enum import StrEnum
from typing import Any

from statemachines.approval import APPROVAL
from statemachines.call_menu import CALL_MENU
from statemachines.counter_visit import COUNTER_VISIT
from statemachines.engine import Move, Refuse, Table
from statemachines.fee_collection import FEE_COLLECTION
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE
from statemachines.provider import PROVIDER
from statemachines.receipt import RECEIPT
from statemachines.subscription import SUBSCRIPTION

TABLES: tuple[Table[Any, Any], ...] = (
    SUBSCRIPTION,
    FEE_COLLECTION,
    RECEIPT,
    PROVIDER,
    KEYWORD_DIALOGUE,
    CALL_MENU,
    APPROVAL,
    COUNTER_VISIT,
)


def mermaid(table: Table[Any, Any]) -> str:
    """Draw a table as a Mermaid state diagram with one arrow for each pair of states."""
    arrows: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for state, row_of in table.rows.items():
        for event in table.events:
            row = row_of[event]
            if isinstance(row, Move) and row.to != state:
                arrows.setdefault((state, row.to), []).append(str(event))
    lines = ["stateDiagram-v2", f"    [*] --> {table.start}"]
    lines += [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in arrows.items()]
    return "\n".join(lines)


def grid(table: Table[Any, Any]) -> str:
    """Render a table as a Markdown grid: events as rows, states as columns."""
    states: list[StrEnum] = list(table.rows)
    lines = ["| event | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for event in table.events:
        cells = [_cell(table, state, event) for state in states]
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(table: Table[Any, Any], state: StrEnum, event: StrEnum) -> str:
    row = table.rows[state][event]
    if isinstance(row, Refuse):
        return f"✗ {row.reason}"
    acts = f" ({', '.join(row.acts)})" if row.acts else ""
    if isinstance(row, Move) and row.to != state:
        return f"→ **{row.to}**{acts}"
    return f"stays{acts}"


def document() -> str:
    """Render ``docs/states.md``."""
    parts = [
        "# State tables",
        (
            "Drawn from `statemachines/` by `make states`; a test keeps this page current. "
            "The diagrams show the moves. The grids are complete, a row an event and a column "
            "a state: ✗ with the reason of a refusal, in brackets the actions that follow."
        ),
    ]
    for table in TABLES:
        title = table.name.replace("_", " ").capitalize()
        parts += [f"## {title}", f"```mermaid\n{mermaid(table)}\n```", grid(table)]
    return "\n\n".join(parts) + "\n"
