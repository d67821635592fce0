"""A failing provider: receipts go out later, once, or end in a stated failure."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from receipts.model.receipt import Receipt
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import StoreReader, WebhookClient, fresh, store_reader
from tests.support.phones import Phones
from tests.support.product import PATIENCE_SECONDS, Service, until
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.faults

_S = ReceiptState

#: An answer of the provider that comes after all that a test awaits.
_SLOW_SECONDS = 20


@dataclass
class Trial:
    """A running service with clients of its webhooks, its network and its store."""

    service: Service
    phones: Phones
    webhooks: WebhookClient
    store: StoreReader

    def customer(self, api: str) -> str:
        """Return a customer whose receipts go by this provider: flash by Kannel, text by Twilio."""
        number = fresh()
        self.webhooks.open(number)
        if api == "twilio":
            assert "普通短信" in self.webhooks.text(number, "PT")
        return number

    def receipt(
        self, number: str, *states: ReceiptState, seconds: float = PATIENCE_SECONDS
    ) -> Receipt:
        """Return the one receipt of a customer once it is in one of these states."""

        def reached() -> list[Receipt]:
            found = self.store.receipts(number)
            return found if [r.state in states for r in found] == [True] else []

        return until(reached, seconds, f"a receipt to be {' or '.join(states)}")[0]

    def tried(self, number: str, attempts: int) -> None:
        """Return after so many failed attempts."""
        until(
            lambda: (
                [(r.attempts, r.state) for r in self.store.receipts(number)] == [(attempts, _S.DUE)]
            ),
            why=f"{attempts} attempts in vain",
        )

    def doors_answer(self) -> None:
        """Assert that a text is answered within two seconds."""
        watch = Stopwatch()
        assert "短信回执" in self.webhooks.text(fresh(), "CXDXHZ")
        assert watch.seconds() < 2


@pytest.fixture(scope="module")
def trial(serve: Serve) -> Iterator[Trial]:
    service = serve()
    service.start("network", "doors", "worker")
    with (
        Phones(service.network) as phones,
        WebhookClient(service) as webhooks,
        store_reader(service) as store,
    ):
        yield Trial(service, phones, webhooks, store)


@pytest.fixture(autouse=True)
def _no_trouble_left(trial: Trial) -> Iterator[None]:
    yield
    for api in ("twilio", "kannel"):
        trial.phones.trouble(api, "none")


@pytest.mark.parametrize("api", ["twilio", "kannel"])
@pytest.mark.parametrize(
    "kind", ["http_429", "http_503", "http_500", "cut_before", "cut_after", "slow"]
)
def test_receipt_survives_a_failing_provider_and_is_sent_once(trial: Trial, api: str, kind: str):
    number = trial.customer(api)
    trial.phones.trouble(api, kind, count=1, seconds=2 if kind == "slow" else 0)
    trial.webhooks.report(number)
    trial.doors_answer()
    if (api, kind) in {("kannel", "http_500"), ("kannel", "cut_before")}:
        # It may have gone out, and this provider has no look-up: no second send.
        receipt = trial.receipt(number, _S.UNSURE)
        assert receipt.note.startswith("unsure: kannel")
        assert trial.phones.sent_to(number) == []
        return
    receipt = trial.receipt(number, _S.DELIVERED)
    assert receipt.provider == api
    assert len(trial.phones.sent_to(number)) == 1


def test_receipt_in_doubt_is_not_sent_again_by_another_worker(trial: Trial):
    number, later = trial.customer("kannel"), trial.customer("kannel")
    trial.phones.trouble("kannel", "cut_before", count=1)
    trial.webhooks.report(number)
    trial.receipt(number, _S.UNSURE)
    trial.service.kill("worker")
    trial.service.start("worker")
    # The new worker reclaims entries of the old one before it sends this one.
    trial.webhooks.report(later)
    trial.receipt(later, _S.DELIVERED)
    trial.receipt(number, _S.UNSURE)
    assert trial.phones.sent_to(number) == []


@pytest.mark.parametrize("api", ["twilio", "kannel"])
def test_provider_that_stays_too_busy_ends_in_a_stated_failure(trial: Trial, api: str):
    number = trial.customer(api)
    trial.phones.trouble(api, "http_429")
    trial.webhooks.report(number)
    trial.doors_answer()
    trial.tried(number, 2)
    trial.service.later("+1m")
    receipt = trial.receipt(number, _S.FAILED)
    assert receipt.note.startswith(f"given up: {api} 429")
    assert (receipt.attempts, receipt.charge_fen) == (3, 0)
    assert receipt.done_at is not None
    assert trial.phones.sent_to(number) == []


def test_receipts_wait_for_a_dead_provider_and_go_out_once(trial: Trial):
    numbers = [trial.customer(api) for api in ("twilio", "kannel")]
    trial.service.kill("network")
    for number in numbers:
        trial.webhooks.report(number)
        trial.doors_answer()
        trial.tried(number, 2)
        assert trial.receipt(number, _S.DUE).sent_at is None
    trial.service.start("network")
    trial.service.later("+1m")
    for number in numbers:
        trial.receipt(number, _S.DELIVERED)
        assert len(trial.phones.sent_to(number)) == 1


def test_report_before_the_answer_of_the_provider_counts(trial: Trial):
    number = trial.customer("twilio")
    trial.phones.trouble("twilio", "slow", count=1, seconds=_SLOW_SECONDS)
    began = time.monotonic()
    trial.webhooks.report(number)
    receipt = trial.receipt(number, _S.DELIVERED)
    assert receipt.attempts == 1
    # Others go out by threads that do not wait for an answer.
    other = trial.customer("twilio")
    trial.webhooks.report(other)
    trial.receipt(other, _S.DELIVERED)
    assert time.monotonic() - began < _SLOW_SECONDS, "the provider has answered"
    assert len(trial.phones.sent_to(number)) == 1
