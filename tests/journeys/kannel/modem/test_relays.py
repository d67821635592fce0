"""A thousand texts between friends over one SIM, eight rounds of its references: no wrong pair."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.settings import Settings
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.ports.provider import OutboundMessage
from receipts.ports.store import ReportQuery
from receipts.providers.kannel import Kannel
from statemachines.receipt import ReceiptState
from tests.conftest import TestClock
from tests.journeys.kannel.product import Product
from tests.support.fixtures import stand
from tests.support.modem.device import Modem
from tests.support.modem.network import DELIVERED, EXPIRED, Network
from tests.support.product import PATIENCE_SECONDS, until

COUNT = 1000
#: Each of them may have 30 texts passed on in an hour.
PEOPLE = [Msisdn(f"+141555501{place:02}") for place in range(40)]

#: What the network must have reported of a text for its outcome, and of a receipt for its state.
_OUTCOMES = {ReceiptOutcome.DELIVERED: DELIVERED, ReceiptOutcome.FAILED: EXPIRED}
_STATES = {ReceiptState.DELIVERED: DELIVERED, ReceiptState.UNDELIVERED: EXPIRED}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, kannel_pace=1000, trial_people=dict.fromkeys(PEOPLE, "CN-GD"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    """Recipient and wording of each text that Kannel was asked to send, by its id."""
    seen, send = dict[str, tuple[str, str]](), Kannel.send

    def noted(kannel: Kannel, message: OutboundMessage) -> str:
        seen[message.id] = (message.to, message.text)
        return send(kannel, message)

    monkeypatch.setattr(Kannel, "send", noted)
    return seen


def texts_to_friends() -> Iterator[tuple[str, str]]:
    """Each person texts the next one and the next but one, in turns, often twice at once."""
    for place in range(COUNT):
        sender = place // 2 % len(PEOPLE)
        friend = PEOPLE[(sender + 1 + place // 80 % 2) % len(PEOPLE)]
        yield PEOPLE[sender], f"{friend} no. {place}"


def receipts_of_all(product: Product) -> list[Receipt]:
    find = product.built.store.receipts_of
    return [each for person in PEOPLE for each in find(person, COUNT, MessageKind.RECEIPT)]


@pytest.mark.usefixtures("worker")
def test_a_thousand_relays_and_no_wrong_pair(
    product: Product, modem: Modem, asked: dict[str, tuple[str, str]]
):
    network = Network(modem)
    for person in PEOPLE:
        stand(product.built, person, "active")
    for sender, words in texts_to_friends():
        modem.phone(sender, words)
    modem.texts(COUNT, 6 * PATIENCE_SECONDS)
    modem.unplug()
    modem.plug()
    modem.until(lambda: modem.delivered, 6 * PATIENCE_SECONDS)
    network.finish()
    until(lambda: settled(product, network), why="the last report")
    receipts = receipts_of_all(product)
    outcomes = [
        receipt
        for receipt in receipts
        if _OUTCOMES[receipt.outcome] not in network.fates[asked[receipt.message_id]]
    ]
    states = [
        receipt
        for receipt in receipts
        if receipt.state in _STATES
        and _STATES[receipt.state] not in network.fates[receipt.number, receipt.text]
    ]
    assert (outcomes, states) == ([], [])
    # A reference with a report lost or early stays in use: its next texts are not answered.
    assert len(receipts) > 0.6 * COUNT


@pytest.mark.usefixtures("worker")
def test_text_without_a_report_is_told_after_two_days(
    product: Product, modem: Modem, clock: TestClock
):
    ann, bob = PEOPLE[:2]
    stand(product.built, ann, "active")
    modem.phone(ann, f"{bob} hello")
    modem.texts()
    until(lambda: awaits_report(product, ann, bob), why="the wait for a report")
    clock.move(hours=47)
    assert receipts_of_all(product) == []
    clock.move(hours=4)
    (receipt,) = until(lambda: receipts_of_all(product), why="a receipt")
    assert receipt.outcome is ReceiptOutcome.NO_ANSWER
    assert modem.texts(2)[1].submit.said == receipt.text


def awaits_report(product: Product, sender: Msisdn, friend: Msisdn) -> bool:
    """Return whether the service has noted that the newest text went out."""
    relays = product.built.store.receipts_of(sender, 1, MessageKind.RELAY)
    queries = [ReportQuery(sender, friend, relay.id) for relay in relays]
    return any(found.known_trace for found in product.built.store.load_many(queries))


def settled(product: Product, network: Network) -> bool:
    """Let all reports arrive, also of receipts on reports; return whether none is left."""
    network.finish()
    return product.settled()
