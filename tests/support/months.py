"""A customer's months, told in a line each: time passes, fees are collected, commands are run."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import bootstrap
from app.settings import Settings
from commands import main
from receipts.delivery import notifications
from receipts.model.calendar import SHANGHAI, month_before, month_of
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import dunning
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.monthly_billing import BillingTotals
from tests.conftest import TestClock

Run = Callable[..., Result]
Lines = Callable[..., list[dict[str, Any]]]


@dataclass
class Months:
    """Time, the operator's news, and what came of them."""

    built: bootstrap.Container
    clock: TestClock

    def pass_to(self, moment: str) -> None:
        """Go to a moment in China, such as 2026-12-01 00:00, ringing all that is due till then."""
        self.clock.at = dt.datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
        self.ring()

    def ring(self) -> None:
        sweep = self.built.timer_service()
        while due := sweep.due_timers(100):
            for timer in due:
                assert sweep.fire(timer)

    def collected(self, number: str, month: str, *, paid: bool) -> None:
        """The operator could, or could not, collect the fee of a month."""
        policy, delivery = self.built.policy, self.built.lifecycle

        def decide(held: Snapshot) -> ChangeSet:
            asked = CustomerRequest(Channel.COUNTER, Language.ZH, "list")
            step = dunning.record_collection(
                policy, held.subscription, month, paid=paid, request=asked
            )
            about = f"{month} {paid} {self.clock.now()}"
            return notifications.with_notification(
                step, held.subscription, about, Language.ZH, self.built.store, delivery
            )

        run_in_transaction(self.built.store, Msisdn(number), decide)

    def customer(self, number: str) -> Subscription:
        return self.built.store.load(Msisdn(number)).subscription

    def charges(self, number: str) -> list[Charge]:
        months = [month_before(month_of(self.clock.now()), back) for back in range(36)]
        return self.built.store.charges_of(Msisdn(number), months)

    def fees(self, number: str) -> dict[str, int]:
        return {c.month: c.fen for c in self.charges(number) if c.id.startswith("monthly")}

    def bill(self, month: str) -> BillingTotals:
        *_, (_, tally) = self.built.monthly_billing.run(month)
        return tally

    def notices(self, number: str) -> list[str]:
        """The texts we sent by ourselves, newest first."""
        return [
            r.text for r in self.built.store.receipts_of(Msisdn(number), 20, MessageKind.NOTICE)
        ]

    def send(self, number: str) -> None:
        """All receipts that wait go out."""
        delivery, store = self.built.lifecycle, self.built.store
        for posted in self.built.clients.outbox.fetch("one", 1000, 0.001):
            receipt = store.receipts([posted.receipt_id])[0]
            assert receipt is not None
            store.commit(delivery.mark_sending(receipt, posted))
            sending = store.receipts([posted.receipt_id])[0]
            assert sending is not None
            owner = store.load(Msisdn(number)).subscription
            store.commit(delivery.accepted(sending, f"P{receipt.id}", posted, owner))


@pytest.fixture
def months(built: bootstrap.Container, clock: TestClock) -> Months:
    return Months(built, clock)


@pytest.fixture
def run(settings: Settings, built: bootstrap.Container) -> Run:
    """Runs a command of ours on the test's store and clock."""
    del built
    environ = {"REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir)}

    def run_(*words: str) -> Result:
        return CliRunner().invoke(main.main, list(words), env=environ)

    return run_


@pytest.fixture
def lines(run: Run) -> Lines:
    """What a command prints, as JSON lines."""

    def lines_(*words: str) -> list[dict[str, Any]]:
        done = run(*words)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    return lines_
