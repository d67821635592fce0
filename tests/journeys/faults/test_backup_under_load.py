"""Backup under load, total loss, restore: its moment is whole, and no receipt is doubled."""

import datetime as dt
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from receipts.charging.charges import monthly_id
from receipts.model.calendar import month_of
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.consent import first_broken_link
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import (
    FRIEND,
    Customers,
    StoreReader,
    WebhookClient,
    store_reader,
)
from tests.support.phones import Phones
from tests.support.product import Service, until
from tests.support.signing import feed_headers

pytestmark = pytest.mark.faults

#: Price of a month, and of a receipt, by the first digits of a number.
PRICES = {"+86138": (100, 0), "+86139": (0, 10)}
_tails = itertools.count(2000)

Line = dict[str, str]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass
class Operator(Customers):
    """Customers who open the service, and the message centre; each with its acknowledgements."""

    opened: dict[str, dt.datetime] = field(default_factory=dict)
    #: A report by number, with the time of its acknowledgement.
    reported: dict[str, tuple[Line, dt.datetime]] = field(default_factory=dict)

    def act(self, client: WebhookClient) -> None:
        self.report(self.open(client))

    def open(self, client: WebhookClient) -> str:
        """Open the service for a new number, of Guangdong and Shanxi in turn."""
        tail = next(_tails)
        number = f"+861390351{tail}" if tail % 2 else f"+861380288{tail}"
        client.text(number, "开通短信回执")
        assert "已开通" in client.text(number, "是")
        self.opened[number] = _now()
        return number

    def report(self, number: str) -> None:
        """Report a text of a customer as delivered."""
        done = _now()
        sent = done - dt.timedelta(seconds=3)
        line = {
            "id": f"report{number[-6:]}", "from": number, "to": FRIEND, "status": "DELIVRD",
            "submitted": sent.isoformat(), "done": done.isoformat(),
        }  # fmt: skip
        assert self.feed([line])["accepted"] == 1
        self.reported[number] = (line, _now())

    def feed(self, lines: list[Line]) -> dict[str, Any]:
        """Post reports to the feed, and return its answer."""
        body = "\n".join(map(json.dumps, lines)).encode()
        headers = feed_headers(self.service.settings["FEED_SECRET"], body)
        url = f"{self.service.doors}/feed/reports"
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def grown_by(self, count: int) -> None:
        """Return when so many more customers were reported."""
        enough = len(self.reported) + count
        until(lambda: len(self.reported) >= enough, why=f"{enough} customers")


@pytest.fixture
def phones(serve: Serve) -> Iterator[tuple[Service, Phones]]:
    service = serve(FLASH_PROVIDER="twilio")
    service.start("network", "doors", "worker")
    with Phones(service.network) as opened:
        yield service, opened


def taken(phones: Phones) -> Counter[str]:
    """The number of texts to each customer that the provider took."""
    return Counter(message["to"] for message in phones.get("messages")["messages"])


def test_what_the_backup_had_is_whole_and_no_receipt_is_doubled(phones: tuple[Service, Phones]):
    service, network = phones
    operator, file = Operator(service), service.folder.with_suffix(".backup")
    begun = _backed_up_under_load(operator, file)
    everyone = dict.fromkeys(operator.opened, 1)
    until(lambda: taken(network) == everyone, why="one receipt for each")
    service.kill_everything(spared="network")
    shutil.rmtree(service.folder / "store")

    restored = service.command("restore", str(file))
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["begun"] == begun.isoformat()
    assert "Lost: all that was acknowledged after" in restored.stderr

    service.start("doors", "worker")
    with store_reader(service) as store:
        _all_is_whole(store, operator, begun)
        answer = operator.feed([line for line, _ in operator.reported.values()])
        known = sum(at < begun for _, at in operator.reported.values())
        assert answer["repeated"] >= known > 0
        until(lambda: _settled(store, operator), why="all receipts to be settled")
        _all_is_charged_once(store, operator)
    assert taken(network) == everyone
    checked = service.command("store", "check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def _backed_up_under_load(operator: Operator, file: Path) -> dt.datetime:
    """Back up while receipts wait for a worker, which then sends them; the backup's moment.

    Some customers of the backup are reported only after it.
    """
    service = operator.service
    with WebhookClient(service) as client:
        early = [operator.open(client) for _ in range(6)]
    with operator.running(3):
        operator.grown_by(8)
        service.kill("worker")
        operator.grown_by(8)
        made = service.lines("backup", str(file))[0]
        service.start("worker")
        for number in early:
            operator.report(number)
        operator.grown_by(8)
    assert operator.opened.keys() == operator.reported.keys(), "a customer's thread failed"
    return dt.datetime.fromisoformat(made["begun"])


def _all_is_whole(store: StoreReader, operator: Operator, begun: dt.datetime) -> None:
    """Assert that each change acknowledged before the backup is there, and none is half there."""
    acknowledged = [number for number, at in operator.opened.items() if at < begun]
    assert store.states(acknowledged) == {"active"}
    with_receipt = [number for number, (_, at) in operator.reported.items() if at < begun]
    assert all(len(store.receipts(number)) == 1 for number in with_receipt)
    assert len(acknowledged) > len(with_receipt) > 8
    for number in map(Msisdn, operator.opened):
        services = store.services
        customer = services.store.load(number).subscription
        entries = services.clients.bulk_reader.consent(number)
        charges = services.account.charges(number)
        is_open = customer.state == "active"
        assert [e.action for e in entries] == ["order", "confirm"][: len(entries)]
        assert is_open == (len(entries) == 2)
        month = month_of(services.clock.now())
        assert [c.fen for c in charges if c.id == monthly_id(month)] == [
            fen for fen in PRICES[number[:6]][:1] if is_open and fen
        ]
        if entries:
            assert first_broken_link(entries, customer.chain) is None


def _settled(store: StoreReader, operator: Operator) -> bool:
    ended = {ReceiptState.SENT, ReceiptState.DELIVERED}
    return all(r.state in ended for n in operator.opened for r in store.receipts(n))


def _all_is_charged_once(store: StoreReader, operator: Operator) -> None:
    for number in operator.opened:
        receipts = store.receipts(number)
        assert len(receipts) <= 1
        assert [r.charge_fen for r in receipts] == [PRICES[number[:6]][1]] * len(receipts)
