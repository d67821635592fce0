"""Every row of every table, and properties that hold across each table."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from statemachines.approval import APPROVAL, ApprovalEvent, ApprovalState
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.counter_visit import VisitState
from statemachines.diagrams import TABLES, document, grid, mermaid
from statemachines.engine import Move, Refuse, Stay, Table
from statemachines.fee_collection import FeeState
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueEvent, DialogueState
from statemachines.receipt import ENDED, RECEIPT, STAFF, UNDER_WAY, ReceiptEvent, ReceiptState
from statemachines.subscription import (
    HOLDING,
    RECEIVING,
    SUBSCRIPTION,
    SubscriptionEvent,
    SubscriptionState,
)

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

#: Status updates of a provider; all other events are our own steps.
STATUS_UPDATES = {event for event in ReceiptEvent if event.startswith("told_")}
FROM_PROVIDER = STATUS_UPDATES | {ReceiptEvent.ACCEPTED, ReceiptEvent.FOUND}


def product() -> Iterator[Any]:
    for table in TABLES:
        for state in table.rows:
            for event in table.events:
                yield pytest.param(table, state, event, id=f"{table.name}-{state}-{event}")


EACH_TABLE = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def next_states(table: Table[Any, Any], state: StrEnum) -> set[StrEnum]:
    return {table.fire(state, event).state for event in table.events}


def accepting(table: Table[Any, Any], event: StrEnum) -> set[StrEnum]:
    return {state for state in table.rows if not table.fire(state, event).refused}


@pytest.mark.parametrize(("table", "state", "event"), list(product()))
def test_event_fires_as_its_row_says(table: Table[Any, Any], state: StrEnum, event: StrEnum):
    row = table.rows[state][event]
    outcome = table.fire(state, event)
    if isinstance(row, Move | Stay):
        to = row.to if isinstance(row, Move) else state
        assert (outcome.state, outcome.acts, outcome.refused) == (to, row.acts, False)
    else:
        assert isinstance(row, Refuse)
        assert (outcome.state, outcome.acts, outcome.refused) == (state, (), True)
        assert outcome.reason
        assert outcome.reason.replace("_", "").isalpha()
        assert outcome.reason.islower()


#: States entered without an event: by the clock, by a question of ours or an unknown province.
ENTERED_WITHOUT_EVENT: dict[str, set[StrEnum]] = {
    "fee_collection": {FeeState.NO_FEE},
    "keyword_dialogue": {DialogueState.LAPSED, DialogueState.WHICH_PROVINCE, DialogueState.LISTED},
    "call_menu": {CallState.WHICH_PROVINCE},
}


@EACH_TABLE
def test_every_state_is_reachable_from_the_start(table: Table[Any, Any]):
    reached: set[StrEnum] = {table.start}
    while True:
        further = reached.union(*(next_states(table, state) for state in reached))
        if further == reached:
            break
        reached = further
    assert reached | ENTERED_WITHOUT_EVENT.get(table.name, set()) == set(table.rows)


@EACH_TABLE
def test_only_final_states_have_no_way_out(table: Table[Any, Any]):
    ends = {state for state in table.rows if next_states(table, state) == {state}}
    final: dict[str, set[StrEnum]] = {
        "receipt": {ReceiptState.DELIVERED},
        "call_menu": {CallState.OVER},
        "counter_visit": {VisitState.ENDED},
        # A charge leads out of the first; a fee once paid stays paid.
        "fee_collection": {FeeState.NO_FEE, FeeState.PAID},
        "approval": set(ApprovalState) - {ApprovalState.WAITING},
    }
    assert ends == final.get(table.name, set())


@pytest.mark.parametrize("event", sorted(set(ReceiptEvent) - STAFF))
@pytest.mark.parametrize("state", sorted(ENDED))
def test_own_steps_never_move_an_ended_receipt(state: ReceiptState, event: ReceiptEvent):
    if state is ReceiptState.EXPIRED and event in FROM_PROVIDER - {ReceiptEvent.FOUND}:
        # Not final: a late status update can still show that the text arrived.
        assert RECEIPT.fire(state, event).state in {*ENDED, ReceiptState.SENT}
    else:
        assert RECEIPT.fire(state, event).state is state


def test_ended_states_refuse_all_own_steps():
    ours = set(ReceiptEvent) - FROM_PROVIDER - STAFF
    refusing = {s for s in ReceiptState if all(RECEIPT.fire(s, event).refused for event in ours)}
    assert refusing - {ReceiptState.SENT} == ENDED


def test_only_a_due_receipt_may_be_sent():
    assert accepting(RECEIPT, ReceiptEvent.SEND) == {ReceiptState.DUE}


def test_unsure_receipt_becomes_due_only_if_the_provider_did_not_find_it():
    ways = {e for e in ReceiptEvent if RECEIPT.fire(ReceiptState.UNSURE, e).state == "due"}
    assert ways - STAFF == {ReceiptEvent.NOT_FOUND}


def test_staff_never_have_a_receipt_sent_that_is_due_under_way_or_delivered():
    resent = accepting(RECEIPT, ReceiptEvent.STAFF_RESEND)
    assert resent == {ReceiptState.UNSURE, *ENDED} - {ReceiptState.DELIVERED}
    for event in (ReceiptEvent.STAFF_SENT, ReceiptEvent.STAFF_NOT_SENT):
        assert accepting(RECEIPT, event) == {ReceiptState.UNSURE}


def test_receipt_being_sent_refuses_a_second_send():
    assert RECEIPT.fire(ReceiptState.SENDING, ReceiptEvent.SEND).reason == UNDER_WAY


def test_status_update_never_leads_back_to_a_state_before_sending():
    before = {ReceiptState.DUE, ReceiptState.SENDING, ReceiptState.UNSURE, ReceiptState.EXPIRED}
    for state in ReceiptState:
        for event in FROM_PROVIDER:
            outcome = RECEIPT.fire(state, event)
            assert outcome.state is state or outcome.state not in before


def test_holding_states_are_those_that_accept_a_cancellation():
    assert accepting(SUBSCRIPTION, SubscriptionEvent.CANCEL_NOW) == HOLDING


def test_receiving_states_accept_a_mode_and_are_not_suspended():
    has_mode = accepting(SUBSCRIPTION, SubscriptionEvent.SET_MODE)
    halted = accepting(SUBSCRIPTION, SubscriptionEvent.RESUME)
    assert has_mode - halted == RECEIVING
    assert RECEIVING < HOLDING


def test_only_confirm_or_resume_starts_receipts():
    starts = {
        event
        for state in set(SubscriptionState) - RECEIVING
        for event in SubscriptionEvent
        if SUBSCRIPTION.fire(state, event).state in RECEIVING
    }
    assert starts == {SubscriptionEvent.CONFIRM, SubscriptionEvent.RESUME}


@pytest.mark.parametrize("state", SubscriptionState)
def test_porting_out_ends_every_subscription(state: SubscriptionState):
    assert SUBSCRIPTION.fire(state, SubscriptionEvent.PORT_OUT).state == "none"


@pytest.mark.parametrize(
    "event",
    sorted(
        set(DialogueEvent)
        - {DialogueEvent.YES, DialogueEvent.OPEN}
        - {DialogueEvent.AGREE, DialogueEvent.MAYBE_AGREE, DialogueEvent.KEEP}
    ),
)
def test_any_answer_except_yes_drops_a_pending_order(event: DialogueEvent):
    outcome = KEYWORD_DIALOGUE.fire(DialogueState.OFFERED, event)
    assert outcome.state is DialogueState.IDLE
    # The business turns the cancellation of a pending order into a decline.
    first = "cancel" if event is DialogueEvent.CANCEL else "decline"
    assert outcome.acts[0] == first


@pytest.mark.parametrize(
    "event", [DialogueEvent.AGREE, DialogueEvent.MAYBE_AGREE, DialogueEvent.KEEP]
)
def test_nearly_a_yes_keeps_a_pending_order_and_asks_again(event: DialogueEvent):
    outcome = KEYWORD_DIALOGUE.fire(DialogueState.OFFERED, event)
    assert (outcome.state, outcome.acts) == (DialogueState.OFFERED, ("confirm_again",))


def test_unsure_wish_to_leave_never_cancels():
    for state in set(DialogueState):
        for event in (DialogueEvent.LEAVE, DialogueEvent.MAYBE_AGREE, DialogueEvent.KEEP):
            assert "cancel" not in KEYWORD_DIALOGUE.fire(state, event).acts


@pytest.mark.parametrize("state", [CallState.OFFER, CallState.CANCELLING])
def test_only_yes_opens_or_cancels_in_a_call(state: CallState):
    did = {e for e in CallEvent if set(CALL_MENU.fire(state, e).acts) & {"open", "cancel"}}
    assert did == {CallEvent.YES}


def test_states_page_is_current():
    assert PAGE.read_text() == document(), "run `make states`"


@EACH_TABLE
def test_diagram_shows_every_move_and_grid_every_row(table: Table[Any, Any]):
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
    assert all(line.count("|") == len(table.rows) + 2 for line in rows)


def test_own_proposal_is_never_approved():
    assert accepting(APPROVAL, ApprovalEvent.APPROVE_OWN) == set()
    assert accepting(APPROVAL, ApprovalEvent.APPROVE) == {ApprovalState.WAITING}
