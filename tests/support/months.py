"""Months of a customer: time passes, fees are collected, commands are run."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import bootstrap
from app.settings import Settings
from commands import main
from receipts.model.calendar import SHANGHAI, month_before, month_of
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.subscriptions import dunning
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.monthly_billing import BillingTotals
from statemachines.fee_collection import CollectionResult
from tests.conftest import TestClock
from tests.support.fixtures import decided
from tests.support.sending import mark_sending

Run = Callable[..., Result]
Lines = Callable[..., list[dict[str, Any]]]


@dataclass
class Months:
    """Moves time, records collections, reads charges and notices."""

    built: bootstrap.Container
    clock: TestClock

    def pass_to(self, moment: str) -> None:
        """Move to a time in China, such as 2026-12-01 00:00, and fire due timers."""
        self.clock.at = dt.datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
        self.ring()

    def ring(self) -> None:
        timers = self.built.timer_service()
        while due := timers.due_timers(100):
            assert all(timers.fire(timer) for timer in due)

    def collected(self, number: str, month: str, *, paid: bool) -> None:
        """Record whether the operator collected the fee of a month."""
        request = CustomerRequest(Channel.COUNTER, Language.ZH, "list")
        charges = self.built.store.charges_of(Msisdn(number), [month])
        result = CollectionResult.PAID if paid else CollectionResult.FAILED
        collection = dunning.Collection(month, result, charges)
        record = partial(
            dunning.record_collection, self.built.policy, collection=collection, request=request
        )
        about = f"{month} {paid} {self.clock.now()}"
        decided(self.built.store, self.built.lifecycle, number, about, record)

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
        """Return the notices to a customer, newest first."""
        found = self.built.store.receipts_of(Msisdn(number), 20, MessageKind.NOTICE)
        return [receipt.text for receipt in found]

    def send(self, number: str) -> None:
        delivery, store = self.built.lifecycle, self.built.store
        for entry in self.built.clients.outbox.fetch("one", 1000, 0.001):
            (receipt,) = store.receipts([entry.receipt_id])
            store.commit(mark_sending(delivery, receipt, entry))
            (sending,) = store.receipts([entry.receipt_id])
            owner = self.customer(number)
            store.commit(delivery.accepted(sending, f"P{receipt.id}", entry, owner))


@pytest.fixture
def months(built: bootstrap.Container, clock: TestClock) -> Months:
    return Months(built, clock)


@pytest.fixture
def run(settings: Settings, built: bootstrap.Container) -> Run:
    del built
    environ = {"REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir)}
    return lambda *words, **more: CliRunner().invoke(
        main.main, [*map(str, words)], env=environ | more
    )


@pytest.fixture
def lines(run: Run) -> Lines:
    """Run a command; return its output as JSON lines."""

    def lines_(*words: str) -> list[dict[str, Any]]:
        done = run(*words)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    return lines_
