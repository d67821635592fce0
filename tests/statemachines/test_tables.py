"""Every table whole: each state against each event, and what must hold across them."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from statemachines.call_menu import CallEvent, CallState
from statemachines.drawing import TABLES, document, grid, mermaid
from statemachines.engine import Move, Refuse, Stay, Table
from statemachines.keyword_dialogue import DialogueEvent, DialogueState
from statemachines.receipt import ENDED, RECEIPT, UNDER_WAY, ReceiptEvent, ReceiptState
from statemachines.subscription import (
    HOLDING,
    RECEIVING,
    SUBSCRIPTION,
    SubscriptionEvent,
    SubscriptionState,
)

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

#: What a provider says of a receipt; all other events are our own doing.
TOLD = {event for event in ReceiptEvent if event.startswith("told_")}
WORD_OF_PROVIDER = TOLD | {ReceiptEvent.ACCEPTED, ReceiptEvent.FOUND}


def product() -> Iterator[Any]:
    for table in TABLES:
        for state in table.states:
            for event in table.events:
                yield pytest.param(table, state, event, id=f"{table.name}-{state}-{event}")


def names(tables: tuple[Table[Any, Any], ...]) -> list[str]:
    return [table.name for table in tables]


def next_states(table: Table[Any, Any], state: StrEnum) -> set[StrEnum]:
    return {table.fire(state, event).state for event in table.events}


@pytest.mark.parametrize(("table", "state", "event"), list(product()))
def test_every_event_in_every_state_moves_stays_or_is_refused_with_a_reason(
    table: Table[Any, Any], state: StrEnum, event: StrEnum
) -> None:
    row = table.rows[state][event]
    outcome = table.fire(state, event)
    if isinstance(row, Move):
        assert (outcome.state, outcome.acts, outcome.refused) == (row.to, row.acts, False)
    elif isinstance(row, Stay):
        assert (outcome.state, outcome.acts, outcome.refused) == (state, row.acts, False)
    else:
        assert isinstance(row, Refuse)
        assert (outcome.state, outcome.acts, outcome.refused) == (state, (), True)
        assert outcome.reason
        assert outcome.reason.replace("_", "").isalpha()
        assert outcome.reason.islower()


#: States no event of the table leads to: the clock, a question of ours, or an unknown province.
FOUND: dict[str, set[StrEnum]] = {
    "keyword_dialogue": {
        DialogueState.LAPSED,
        DialogueState.WHICH_PROVINCE,
        DialogueState.LISTED,
    },
    "call_menu": {CallState.WHICH_PROVINCE},
}


@pytest.mark.parametrize("table", TABLES, ids=names(TABLES))
def test_every_state_can_be_reached_from_the_start(table: Table[Any, Any]) -> None:
    reached: set[StrEnum] = {table.start}
    while True:
        further = reached.union(*(next_states(table, state) for state in reached))
        if further == reached:
            break
        reached = further
    assert reached | FOUND.get(table.name, set()) == set(table.states)


@pytest.mark.parametrize("table", TABLES, ids=names(TABLES))
def test_only_what_is_final_has_no_way_on(table: Table[Any, Any]) -> None:
    ends = {state for state in table.states if next_states(table, state) == {state}}
    final: dict[str, set[StrEnum]] = {
        "receipt": {ReceiptState.DELIVERED, ReceiptState.UNDELIVERED, ReceiptState.FAILED},
        "call_menu": {CallState.OVER},
    }
    assert ends == final.get(table.name, set())


@pytest.mark.parametrize("event", ReceiptEvent)
@pytest.mark.parametrize("state", sorted(ENDED))
def test_nothing_we_do_moves_a_receipt_that_ended(state: ReceiptState, event: ReceiptEvent) -> None:
    if state is ReceiptState.EXPIRED and event in WORD_OF_PROVIDER - {ReceiptEvent.FOUND}:
        # Silence is not final: what ran out here can still turn out to have arrived.
        assert RECEIPT.fire(state, event).state in {*ENDED, ReceiptState.SENT}
    else:
        assert RECEIPT.fire(state, event).state is state


def test_ended_are_the_states_in_which_nothing_waits_for_us_or_for_news() -> None:
    ours = set(ReceiptEvent) - WORD_OF_PROVIDER
    at_rest = {s for s in ReceiptState if all(RECEIPT.fire(s, event).refused for event in ours)}
    assert at_rest - {ReceiptState.SENT} == ENDED


def test_only_a_due_receipt_is_ever_sent() -> None:
    may = {s for s in ReceiptState if not RECEIPT.fire(s, ReceiptEvent.SEND).refused}
    assert may == {ReceiptState.DUE}


def test_a_receipt_that_may_have_gone_out_becomes_due_only_when_it_was_not_found() -> None:
    ways = {e for e in ReceiptEvent if RECEIPT.fire(ReceiptState.UNSURE, e).state == "due"}
    assert ways == {ReceiptEvent.NOT_FOUND}


def test_a_receipt_in_someones_hands_says_so() -> None:
    assert RECEIPT.fire(ReceiptState.SENDING, ReceiptEvent.SEND).reason == UNDER_WAY


def test_status_only_climbs() -> None:
    """No news of a provider ever leads back to before it was sent."""
    before = {ReceiptState.DUE, ReceiptState.SENDING, ReceiptState.UNSURE, ReceiptState.EXPIRED}
    for state in ReceiptState:
        for event in WORD_OF_PROVIDER:
            outcome = RECEIPT.fire(state, event)
            assert outcome.state is state or outcome.state not in before


def test_holding_are_the_states_with_something_to_cancel() -> None:
    may = {
        s
        for s in SubscriptionState
        if not SUBSCRIPTION.fire(s, SubscriptionEvent.CANCEL_NOW).refused
    }
    assert may == HOLDING


def test_receiving_are_the_states_with_a_mode_in_use() -> None:
    has_mode = {
        s for s in SubscriptionState if not SUBSCRIPTION.fire(s, SubscriptionEvent.SET_MODE).refused
    }
    halted = {
        s for s in SubscriptionState if not SUBSCRIPTION.fire(s, SubscriptionEvent.RESUME).refused
    }
    assert has_mode - halted == RECEIVING
    assert RECEIVING < HOLDING


def test_only_a_confirmation_or_the_end_of_a_suspension_starts_receipts() -> None:
    starts = {
        event
        for state in set(SubscriptionState) - RECEIVING
        for event in SubscriptionEvent
        if SUBSCRIPTION.fire(state, event).state in RECEIVING
    }
    assert starts == {SubscriptionEvent.CONFIRM, SubscriptionEvent.RESUME}


@pytest.mark.parametrize("state", SubscriptionState)
def test_leaving_the_network_ends_every_subscription_at_once(state: SubscriptionState) -> None:
    assert SUBSCRIPTION.fire(state, SubscriptionEvent.PORT_OUT).state == "none"


@pytest.mark.parametrize(
    "event", sorted(set(DialogueEvent) - {DialogueEvent.YES, DialogueEvent.OPEN})
)
def test_any_answer_but_yes_ends_a_waiting_order(event: DialogueEvent) -> None:
    table = next(table for table in TABLES if table.name == "keyword_dialogue")
    outcome = table.fire(DialogueState.OFFERED, event)
    assert outcome.state is DialogueState.IDLE
    # A cancel of what was only ordered ends the order too: the business knows.
    first = "cancel" if event is DialogueEvent.CANCEL else "decline"
    assert outcome.acts[0] == first


@pytest.mark.parametrize("state", [CallState.OFFER, CallState.CANCELLING])
def test_on_the_line_only_a_yes_does_what_was_asked(state: CallState) -> None:
    table = next(table for table in TABLES if table.name == "call_menu")
    did = {e for e in CallEvent if set(table.fire(state, e).acts) & {"open", "cancel"}}
    assert did == {CallEvent.YES}


def test_the_page_of_drawings_is_current() -> None:
    assert PAGE.read_text() == document(), "run `make states`"


@pytest.mark.parametrize("table", TABLES, ids=names(TABLES))
def test_a_drawing_shows_every_move_and_a_grid_every_row(table: Table[Any, Any]) -> None:
    drawn, rows = mermaid(table), grid(table).splitlines()
    assert f"[*] --> {table.start}" in drawn
    for state, row_of in table.rows.items():
        for event, row in row_of.items():
            if isinstance(row, Move) and row.to != state:
                arrows = [line for line in drawn.splitlines() if f" {state} --> {row.to}:" in line]
                assert len(arrows) == 1
                assert event in arrows[0].partition(": ")[2].split(", ")
            if isinstance(row, Refuse):
                line = next(line for line in rows if line.startswith(f"| {event} |"))
                assert f"✗ {row.reason}" in line
    assert len(rows) == len(table.events) + 2
    assert all(line.count("|") == len(table.states) + 2 for line in rows)
