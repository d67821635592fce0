"""In random histories, each charge equals the independent reference model's, to the fen."""

import datetime as dt
import os
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from app import bootstrap
from receipts.model.calendar import months_between
from receipts.model.charge import Charge, ChargeKind
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import Msisdn
from receipts.ports.provider import ProviderStatus
from receipts.subscriptions.consent import evidence_for, first_broken_link
from receipts.subscriptions.policy import SubscriptionPolicy
from tests.receipts.charging.random_histories import Histories
from tests.support.histories import BEGINS, HEBEI, PLACES, TERMS, book_of
from tests.support.reference_billing import SlowLedger


class CheckedHistories(Histories):
    """Compares charges after each step, and checks the consent for each charge at the end."""

    def charges(self, number: Msisdn) -> list[Charge]:
        months = months_between(BEGINS - dt.timedelta(days=90), self.clock.now())
        return self.built.store.charges_of(number, months)

    @invariant()
    def charges_equal_reference(self) -> None:
        for number, history in self.history.items():
            charges = self.charges(number)
            expected = SlowLedger(TERMS[number]).owes(history)
            assert {_reference_id(charge): charge.fen for charge in charges} == expected, history
            months = [c.month for c in charges if c.kind is ChargeKind.MONTHLY]
            assert len(months) == len(set(months))

    def teardown(self) -> None:
        for number in PLACES:
            chain = self.built.clients.bulk_reader.consent(number)
            head = self.built.store.load(number).subscription.chain
            assert first_broken_link(chain, head) is None
            for charge in self.charges(number):
                consent = evidence_for(chain, charge)
                assert consent is not None, "charge without consent"
                assert consent.offer.shown_text
                assert consent.reply.reply_text


def _reference_id(charge: Charge) -> str:
    if charge.kind is ChargeKind.MONTHLY:
        return charge.id
    text = charge.reason.removeprefix("receipt for message ")
    if charge.kind is ChargeKind.CREDIT:
        return f"credit {text.removesuffix(' did not arrive')}"
    return f"receipt {text.partition(': ')[0]}"


@pytest.fixture
def histories(built: bootstrap.Container, raw: "redis.Redis") -> type[CheckedHistories]:
    book = book_of(built.book)
    policy = SubscriptionPolicy(book, built.numbering, built.clock)
    CheckedHistories.built, CheckedHistories.raw = replace(built, book=book, policy=policy), raw
    raw.config_set("appendfsync", "no")  # durability is not under test here
    return CheckedHistories


@pytest.mark.timeout(300)
def test_charges_equal_reference_model(histories: type[CheckedHistories]):
    limits = settings(
        max_examples=int(os.environ.get("HISTORIES", "25")), stateful_step_count=40, deadline=None,
        derandomize="HISTORIES" not in os.environ, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(histories, settings=limits)
    assert histories.digests, "no history had a digest"
    assert histories.collected, "no history had a fee to collect"
    assert histories.refused, "no collection was refused"


def test_late_and_lost_reports_are_credited_in_the_month_of_the_news(
    histories: type[CheckedHistories],
):
    """The undelivered digest has three members; the report on the second text is lost."""
    history = histories()
    history.start(subscribed=True)
    for count in (3, 1):
        history.deliver_texts(HEBEI, MessageStatus.DELIVERED, None, count, "sent")
    history.pass_time(None)
    for status in (ProviderStatus.UNDELIVERED, ProviderStatus.FAILED, ProviderStatus.DELIVERED):
        history.report_receipts(None, status, every=2, later=0)
        history.charges_equal_reference()
    charges = [(each.kind, each.month, each.fen) for each in history.charges(HEBEI)]
    assert sorted(charges, key=str) == [
        ("credit", "2026-12", -10),
        ("credit", "2026-12", -10),
        ("monthly", "2026-11", 150),
        ("receipt", "2026-11", 0),
        ("receipt", "2026-11", 10),
        ("receipt", "2026-11", 10),
        ("receipt", "2026-11", 10),
    ]
    history.teardown()
