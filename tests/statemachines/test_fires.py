"""The product fires the machine of the library once for each event."""

import pytest
from transitions import Event

from app.bootstrap import Container
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.provider import TemporaryError
from receipts.worker.circuit_breaker import CircuitBreakers
from statemachines.diagrams import TABLES
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.caller import Call
from tests.support.fixtures import a_receipt, standing
from tests.support.sending import Desk, dispatching

Fired = list[tuple[str, str]]


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> Fired:
    """Events that the library has triggered: name of the table, name of the event."""
    seen: Fired = []
    names = {id(table.machine): table.name for table in TABLES}
    trigger = Event.trigger

    def counted(event: Event, model: object) -> bool:
        seen.append((names[id(event.machine)], event.name))
        return bool(trigger(event, model))

    monkeypatch.setattr(Event, "trigger", counted)
    return seen


def test_text_fires_the_conversation_and_the_subscription_once_each(
    network: Network, built: Container, fired: Fired
):
    network.text(GUANGDONG, "开通短信回执")
    assert fired == [("keyword_dialogue", "open"), ("subscription", "order")]
    fired.clear()
    network.text(GUANGDONG, "是")
    assert fired == [("keyword_dialogue", "yes"), ("subscription", "confirm")]
    assert standing(built, GUANGDONG).state == "active"


def test_same_event_of_a_second_customer_fires_again(network: Network, fired: Fired):
    for sender in ("+8613802880001", "+8613802880002"):
        network.text(sender, "开通短信回执")
    assert fired == 2 * [("keyword_dialogue", "open"), ("subscription", "order")]


def test_repeated_webhook_fires_nothing(network: Network, fired: Fired):
    network.text(GUANGDONG, "开通短信回执", "SM1")
    fired.clear()
    network.text(GUANGDONG, "开通短信回执", "SM1")
    assert fired == []


@pytest.mark.parametrize(("key", "event"), [("1", "chinese"), ("2", "english"), ("7", "wrong")])
def test_key_fires_the_call_menu_once(network: Network, fired: Fired, key: str, event: str):
    call = Call(network)
    call.dials()
    assert fired == []
    call.presses(key)
    assert fired == [("call_menu", event)]


@pytest.mark.parametrize(
    ("state", "status"),
    [("sent", "delivered"), ("delivered", "undelivered")],
    ids=["accepted", "refused when final"],
)
def test_status_callback_fires_the_receipt_once(
    network: Network, built: Container, fired: Fired, state: str, status: str
):
    receipt = a_receipt(built, GUANGDONG, provider="twilio", state=state)
    path = f"/receipts/{receipt.id}/status"
    network.post(path, MessageSid="SM9", MessageStatus=status, To=GUANGDONG)
    assert fired == [("receipt", f"told_{status}")]
    (found,) = built.store.receipts_of(Msisdn(GUANGDONG), 9, MessageKind.RECEIPT)
    assert found.state == "delivered"


def test_sent_receipt_fires_once_for_its_sending_and_once_for_its_acceptance(
    built: Container, clock: TestClock, fired: Fired
):
    desk = Desk(built.store, built.clients.outbox, built.lifecycle, clock)
    desk.post()
    (task,) = dispatching("one", built.clients, built.lifecycle, clock).next_tasks([desk.take()], 1)
    assert fired == [("receipt", "send")]
    fired.clear()
    built.lifecycle.accepted(task.receipt, "SM1", task.entry)
    assert fired == [("receipt", "accepted")]


def test_failures_in_a_row_fire_the_circuit_breaker_once(
    built: Container, clock: TestClock, fired: Fired
):
    rules = built.book.sending
    breakers = CircuitBreakers(built.clients.rate_limiter, ["twilio"], rules, clock)
    for _ in range(rules.demote_after):
        breakers.record_failure("twilio", TemporaryError("out of order"))
    assert fired == [("provider", "failing")]
    assert breakers.open == {"twilio"}
