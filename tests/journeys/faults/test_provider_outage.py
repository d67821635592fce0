"""A provider in trouble: receipts go out later, once, or end in a stated failure."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from receipts.model.receipt import Receipt
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import Carrier, Ledger, fresh
from tests.support.phones import Phones
from tests.support.product import Running, until

pytestmark = pytest.mark.faults

_S = ReceiptState


@dataclass
class Trial:
    """A running service, the network's side of it, and a look behind its doors."""

    service: Running
    phones: Phones
    carrier: Carrier
    ledger: Ledger

    def customer(self, api: str) -> str:
        """A customer whose receipts this provider carries: Kannel flashes, Twilio does not."""
        number = fresh()
        self.carrier.open(number)
        if api == "twilio":
            assert "普通短信" in self.carrier.text(number, "PT")
        return number

    def receipt(self, number: str, *states: ReceiptState, seconds: float = 15) -> Receipt:
        """The one receipt of a customer, once it is in one of these states."""
        found: list[Receipt] = []

        def there() -> bool:
            found[:] = self.ledger.receipts(number)
            return [r.state in states for r in found] == [True]

        until(there, seconds, f"a receipt to be {' or '.join(states)}")
        return found[0]

    def tried(self, number: str, attempts: int) -> None:
        """Returns once a receipt was tried so often, in vain."""
        until(
            lambda: (
                [(r.attempts, r.state) for r in self.ledger.receipts(number)]
                == [(attempts, _S.DUE)]
            ),
            15,
            f"{attempts} attempts in vain",
        )

    def a_minute_passes(self) -> None:
        """For the service, all at once."""
        self.service.later("+1m")

    def doors_answer(self) -> None:
        """A customer's text is answered as ever."""
        began = time.monotonic()
        assert "短信回执" in self.carrier.text(fresh(), "CXDXHZ", seconds=5)
        assert time.monotonic() - began < 2


@pytest.fixture(scope="module")
def trial(serve: Serve) -> Iterator[Trial]:
    service = serve()
    service.start("network", "doors", "worker")
    phones, carrier = Phones(service.network), Carrier(service)
    with Ledger(service) as ledger:
        yield Trial(service, phones, carrier, ledger)
    phones.session.close()
    carrier.close()


@pytest.fixture(autouse=True)
def _no_trouble_left(trial: Trial) -> Iterator[None]:
    yield
    for api in ("twilio", "kannel"):
        trial.phones.trouble(api, "none")


@pytest.mark.parametrize("api", ["twilio", "kannel"])
@pytest.mark.parametrize(
    "kind", ["http_429", "http_503", "http_500", "cut_before", "cut_after", "slow"]
)
def test_a_receipt_outlives_its_providers_trouble_and_is_sent_once(
    trial: Trial, api: str, kind: str
) -> None:
    number = trial.customer(api)
    trial.phones.trouble(api, kind, count=1, seconds=2 if kind == "slow" else 0)
    trial.carrier.report(number)
    trial.doors_answer()
    if (api, kind) in {("kannel", "http_500"), ("kannel", "cut_before")}:
        # It may have gone out, and this provider cannot be asked: staff are told, nothing is sent.
        receipt = trial.receipt(number, _S.UNSURE)
        assert receipt.note.startswith("unsure: kannel")
        assert trial.phones.sent_to(number) == []
        return
    receipt = trial.receipt(number, _S.DELIVERED)
    assert receipt.provider == api
    assert len(trial.phones.sent_to(number)) == 1


def test_a_flash_nobody_can_tell_the_fate_of_is_not_sent_again_by_another_worker_either(
    trial: Trial,
) -> None:
    number, later = trial.customer("kannel"), trial.customer("kannel")
    trial.phones.trouble("kannel", "cut_before", count=1)
    trial.carrier.report(number)
    trial.receipt(number, _S.UNSURE)
    trial.service.kill("worker")
    trial.service.start("worker")
    # By the time the new worker has sent this one, it has seen all that the old one left.
    trial.carrier.report(later)
    trial.receipt(later, _S.DELIVERED)
    trial.receipt(number, _S.UNSURE)
    assert trial.phones.sent_to(number) == []


@pytest.mark.parametrize("api", ["twilio", "kannel"])
def test_a_provider_that_stays_too_busy_ends_in_a_stated_failure(trial: Trial, api: str) -> None:
    number = trial.customer(api)
    trial.phones.trouble(api, "http_429")
    trial.carrier.report(number)
    trial.doors_answer()
    trial.tried(number, 2)
    trial.a_minute_passes()
    receipt = trial.receipt(number, _S.FAILED)
    assert receipt.note.startswith(f"given up: {api} 429")
    assert (receipt.attempts, receipt.charge_fen) == (3, 0)
    assert receipt.done_at is not None
    assert trial.phones.sent_to(number) == []


def test_receipts_wait_while_the_provider_is_down_and_go_out_once_it_is_back(
    trial: Trial,
) -> None:
    numbers = [trial.customer(api) for api in ("twilio", "kannel")]
    trial.service.kill("network")
    for number in numbers:
        trial.carrier.report(number)
        trial.doors_answer()
        trial.tried(number, 2)
        assert trial.receipt(number, _S.DUE).sent_at is None
    trial.service.start("network")
    trial.a_minute_passes()
    for number in numbers:
        trial.receipt(number, _S.DELIVERED)
        assert len(trial.phones.sent_to(number)) == 1


def test_a_report_that_overtakes_the_providers_own_answer_counts_and_nothing_is_sent_again(
    trial: Trial,
) -> None:
    number = trial.customer("twilio")
    trial.phones.trouble("twilio", "slow", count=1, seconds=20)
    trial.carrier.report(number)
    receipt = trial.receipt(number, _S.DELIVERED, seconds=5)
    assert receipt.attempts == 1
    # Others go out meanwhile, past the hand that still waits for its answer.
    other = trial.customer("twilio")
    trial.carrier.report(other)
    trial.receipt(other, _S.DELIVERED, seconds=5)
    assert len(trial.phones.sent_to(number)) == 1
