"""A thousand receipts over one SIM, four rounds of its references: no report counts for another."""

import json
from dataclasses import replace

import pytest
import requests

from app.settings import Settings
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.journeys.kannel.product import FEED, Product
from tests.support.fixtures import stand
from tests.support.modem.device import Modem
from tests.support.modem.network import DELIVERED, EXPIRED, Network
from tests.support.product import until
from tests.support.signing import feed_headers

COUNT = 1000
SENDERS = [f"+861380288{place:04}" for place in range(5)]

#: Status that must have been reported of a text for its state.
_NEEDED = {ReceiptState.DELIVERED: DELIVERED, ReceiptState.UNDELIVERED: EXPIRED}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, kannel_pace=1000)


def report_texts(product: Product) -> None:
    """Report texts of five senders, each to a friend of its own, as delivered."""
    lines = [
        {"id": f"{place:x}", "from": SENDERS[place % 5], "to": f"+861395711{place:04}",
         "status": "DELIVRD"}
        for place in range(COUNT)
    ]  # fmt: skip
    body = "\n".join(map(json.dumps, lines)).encode()
    url = f"http://127.0.0.1:{product.doors.port}/feed/reports"
    answer = requests.post(url, data=body, headers=feed_headers(FEED, body), timeout=60)
    assert answer.json()["accepted"] == COUNT, answer.text


def all_receipts(product: Product) -> list[Receipt]:
    find = product.built.store.receipts_of
    return [each for sender in SENDERS for each in find(Msisdn(sender), COUNT, MessageKind.RECEIPT)]


@pytest.mark.usefixtures("worker")
def test_a_thousand_receipts_and_no_wrong_pair(product: Product, modem: Modem):
    network = Network(modem)
    for sender in SENDERS:
        stand(product.built, sender, "active")
    report_texts(product)
    modem.texts(COUNT // 2, 120)
    modem.unplug()
    modem.plug()
    modem.texts(COUNT, 120)
    network.finish()
    until(product.settled, 30, "the last report")
    receipts = all_receipts(product)
    assert len({receipt.text for receipt in receipts}) == COUNT
    wrong = [
        receipt
        for receipt in receipts
        if receipt.state in _NEEDED
        and _NEEDED[receipt.state] not in network.fates[receipt.number, receipt.text]
    ]
    assert wrong == []
    # A reference with a report lost or early stays in use: its next texts are not answered.
    assert sum(receipt.state in _NEEDED for receipt in receipts) > 0.7 * COUNT
