"""Whatever happens in whatever order, customers are charged what the trade's rules say, to the fen.

Histories are made up, with repeats, lost races and crashes between any two steps, and go through
the real doors, worker steps and store; `slow_ledger.py` works the same histories out by itself.
"""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app import bootstrap
from receipts.delivery.status_updates import apply_status_update
from receipts.model.calendar import month_before, month_of, months_between, next_month
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import StoreUnavailableError
from receipts.subscriptions import cancellation, dunning
from receipts.subscriptions.consent import evidence_for, first_broken_link
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.call_menu import CallState
from tests.support.histories import BEGINS, FRIEND, GATHER, PLACES, TERMS, Business, Shaky, book_of
from tests.support.reference_billing import Happened, SlowLedger

WORDS = {"open": "开通短信回执", "yes": "是", "no": "否", "cancel": "退订", "ask": "查询短信回执",
         "ordinary": "PT"}  # fmt: skip
#: Every word that is neither yes nor a wish to open or cancel answers an open offer with no.
MEANS = {"open": "open", "yes": "yes", "cancel": "cancel"}

NUMBERS = st.sampled_from(list(PLACES))
FAULTS = st.sampled_from([None, None, None, "before", "after", "race"])
WISHES = st.sampled_from([*WORDS, "yes", "again", "call to open"])
LEAVING = st.sampled_from(["cancel", "cancel", "call to cancel", "list", "ported"])
#: Months before this one, of which the operator has news.
BACK = st.sampled_from([0, 0, 0, 1, 1, 2])
#: How far a receipt gets: it waits, it is sent, its worker dies before or after handing it over.
ONWARD = st.sampled_from(["waits", "sent", "sent", "sent", "lost", "before", "after", "race"])
#: Hours until the next thing happens; None is the rest of the month.
LATER = st.sampled_from(
    [0] * 8 + [1, 5, 20, 23, 25, 49, 24 * 9, 24 * 9, 24 * 14, 24 * 33, None, None]
)


class Histories(RuleBasedStateMachine):
    """Customers, the operator, the network and time, all doing what they like."""

    built: bootstrap.Container
    raw: "redis.Redis"
    digests = 0

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.clients.outbox.open()
        self.clock = self.built.clock
        self.clock.at = BEGINS
        self.shaky = Shaky(self.built.store)
        self.at_work = Business(self.built, self.shaky, self.clock)
        self.history: dict[Msisdn, list[Happened]] = {number: [] for number in PLACES}
        self.count = 0
        self.last: tuple[Msisdn, str, str] | None = None
        self.on_the_way: dict[str, Receipt] = {}
        self.crashed: list[OutboxEntry] = []

    @initialize(opened=st.sampled_from([True, True, False]))
    def some_begin_with_customers(self, opened: bool) -> None:  # noqa: FBT001
        for number in PLACES if opened else ():
            self._subscribes(number)

    # -- how things happen -------------------------------------------------------------------

    def _happens(
        self, number: Msisdn, whats: Sequence[tuple[str, str]], act: Callable[[], object],
        fault: str | None, *, again: bool,
    ) -> bool:  # fmt: skip
        """Something happens to a customer, and is told once more if it failed and is worth it."""
        self.shaky.fault = fault
        try:
            act()
            happened = True
        except StoreUnavailableError:
            happened = fault == "after"
            if again:
                act()
                happened = True
        self.shaky.fault = None
        if happened:
            self.history[number] += [(self.clock.now(), what, about) for what, about in whats]
        return happened

    def _event(self, kind: str) -> str:
        self.count += 1
        return f"{kind}:{self.count}"

    # -- customers ---------------------------------------------------------------------------

    @rule(number=NUMBERS, later=LATER)
    def a_customer_subscribes(self, number: Msisdn, later: int | None) -> None:
        self.time_passes(later, None, awake=True)
        self._subscribes(number)

    @rule(number=NUMBERS, wish=WISHES, later=LATER, fault=FAULTS, again=st.booleans())
    def a_customer_wishes(
        self, number: Msisdn, wish: str, later: int | None, fault: str | None, again: bool  # noqa: FBT001
    ) -> None:  # fmt: skip
        self.time_passes(later, None, awake=True)
        if wish == "call to open":
            self._calls(number, "open", fault)
        elif wish != "again":
            self._texts(number, wish, fault, again=again)
        elif self.last:
            self.at_work.text(*self.last)

    @rule(number=NUMBERS, how=LEAVING, later=LATER, fault=FAULTS)
    def a_customer_leaves(
        self, number: Msisdn, how: str, later: int | None, fault: str | None
    ) -> None:
        self.time_passes(later, None, awake=True)
        if how == "cancel":
            self._texts(number, how, fault, again=True)
        elif how == "call to cancel":
            self._calls(number, "cancel", fault)
        elif how == "list":
            self._lists_and_cancels(number)
        else:
            self._told(number, "ported", "", fault)

    def _texts(self, number: Msisdn, word: str, fault: str | None, *, again: bool) -> None:
        text = (number, WORDS[word], self._event("sms"))
        told = [(MEANS.get(word, "other"), "")]
        heard = self._happens(number, told, lambda: self.at_work.text(*text), fault, again=again)
        self.last = text if heard else None

    def _subscribes(self, number: Msisdn) -> None:
        for word in ("open", "yes"):
            self._texts(number, word, None, again=False)

    def _lists_and_cancels(self, number: Msisdn) -> None:
        self._sweeps(None)
        self.at_work.text(number, "0000", self._event("sms"))
        self.history[number].append((self.clock.now(), "other", ""))
        held = self.built.store.load(number).subscription
        self.at_work.text(number, "1", self._event("sms"))
        what = "cancel" if held.question else "yes"
        self.history[number].append((self.clock.now(), what, ""))

    def _calls(self, number: Msisdn, wish: str, fault: str | None) -> None:
        sid, at = self._event("CA"), CallState.OFFER if wish == "open" else CallState.CANCELLING
        told = [("voice_open" if wish == "open" else "cancel", "")]
        self._happens(number, told, lambda: self.at_work.call(number, at, sid), fault, again=True)

    # -- the operator ------------------------------------------------------------------------

    @rule(
        number=NUMBERS,
        paid=st.sampled_from([True, True, False]),
        back=BACK,
        later=LATER,
        fault=FAULTS,
    )
    def the_operator_collects(
        self, number: Msisdn, paid: bool, back: int, later: int | None, fault: str | None  # noqa: FBT001
    ) -> None:  # fmt: skip
        self.time_passes(later, None, awake=True)
        month = month_before(month_of(self.clock.now()), back)
        self._told(number, "paid" if paid else "failed", month, fault)

    def _told(self, number: Msisdn, news: str, month: str, fault: str | None) -> None:
        about = self._event("list")
        asked, policy = CustomerRequest(Channel.COUNTER, Language.ZH, "list"), self.at_work.policy

        def act(held: Subscription) -> Decision:
            if news == "ported":
                return cancellation.port_out(policy, held, asked)
            return dunning.record_collection(
                policy, held, month, paid=news == "paid", request=asked
            )

        self._happens(
            number,
            [(news, month)],
            lambda: self.at_work.told(number, about, act),
            fault,
            again=True,
        )

    @rule(back=BACK, later=LATER, fault=st.sampled_from([None, None, "half", "after"]))
    def the_operator_bills(self, back: int, later: int | None, fault: str | None) -> None:
        self.time_passes(later, None, awake=True)
        self._bills(month_before(month_of(self.clock.now()), back), fault)

    def _bills(self, month: str, fault: str | None) -> None:
        self.shaky.fault = fault
        try:
            list(self.at_work.billing.run(month))
        except StoreUnavailableError:
            list(self.at_work.billing.run(month))
        self.shaky.fault = None
        for history in self.history.values():
            history.append((self.clock.now(), "bill", month))

    # -- the network -------------------------------------------------------------------------

    @rule(
        number=NUMBERS,
        fate=st.sampled_from(
            [
                MessageStatus.DELIVERED,
                MessageStatus.DELIVERED,
                MessageStatus.DELIVERED,
                MessageStatus.FAILED,
            ]
        ),
        fault=FAULTS,
        count=st.sampled_from([1, 3]),
        onward=ONWARD,
    )
    def texts_arrive(
        self, number: Msisdn, fate: MessageStatus, fault: str | None, count: int, onward: str
    ) -> None:
        for _ in range(count):
            text = self._event("SM")
            report = DeliveryReport(text, number, FRIEND, fate, fate.value, self.clock.now())
            told = [("delivered", text)] if fate is MessageStatus.DELIVERED else []
            for _ in range(2):
                self._happens(
                    number, told, lambda report=report: self.at_work.reports.ingest(report), fault,
                    again=True,
                )  # fmt: skip
                fault = None
        if onward != "waits":
            self._sends(onward)

    def _sends(self, onward: str) -> None:
        """The worker sends all that waits; with the first receipt it may come to grief."""
        fault = onward if onward not in {"sent", "lost"} else None
        # Flash receipts have waited for others, and those of one customer go out as one.
        self.clock.at += dt.timedelta(seconds=GATHER)
        self._sweeps(None)
        for posted in self.built.clients.outbox.fetch("one", 100, 0.001):
            self.shaky.fault, fault = fault, None
            try:
                self.at_work.send(posted, answered=onward != "lost")
            except StoreUnavailableError:
                self.crashed.append(posted)
            self.shaky.fault = None
            self._note_sent(posted.receipt_id)

    def _note_sent(self, receipt_id: str) -> None:
        receipt = self.built.store.receipts([receipt_id])[0]
        if receipt is None or not self._tells_of(receipt) or not receipt.attempts:
            return
        if receipt.sent_at == self.clock.now() and receipt_id not in self.on_the_way:
            self.history[receipt.number] += self._went_out(receipt)
        self.on_the_way[receipt_id] = receipt

    def _went_out(self, receipt: Receipt) -> list[Happened]:
        return [(self.clock.now(), "went_out", text) for text in self._tells_of(receipt)]

    def _tells_of(self, receipt: Receipt) -> list[str]:
        """Which texts of the customer a receipt tells of: its own, or those of a digest."""
        told = self.built.store.receipts(receipt.members) if receipt.members else [receipt]
        return [each.message_id for each in told if each and each.message_id]

    @rule(fault=FAULTS)
    def the_carrier_tells(self, fault: str | None) -> None:
        """Word of all that was handed over, also of what a dead worker held, and also twice."""
        for posted in self.crashed:
            self.at_work.send(posted, answered=True)
            self._note_sent(posted.receipt_id)
        self.crashed.clear()
        for receipt_id, receipt in self.on_the_way.items():
            told = [("went_out", text) for text in self._tells_of(receipt)]
            type(self).digests += len(told) > 1
            self._happens(
                receipt.number,
                told,
                lambda receipt_id=receipt_id: apply_status_update(
                    self.shaky,
                    self.at_work.delivery,
                    receipt_id,
                    ProviderStatus.DELIVERED,
                    "delivered",
                    "P",
                ),
                fault,
                again=True,
            )
            fault = None

    # -- time --------------------------------------------------------------------------------

    @rule(hours=LATER, fault=FAULTS, awake=st.sampled_from([True, True, True, False]))
    def time_passes(self, hours: int | None, fault: str | None, awake: bool) -> None:  # noqa: FBT001
        """Some hours, or the rest of the month; the workers may sleep meanwhile."""
        if hours == 0:
            return
        now = self.clock.now()
        self.clock.at = next_month(now) if hours is None else now + dt.timedelta(hours=hours)
        if awake:
            self._sweeps(fault)

    def _sweeps(self, fault: str | None) -> None:
        self.shaky.fault = fault
        for _ in range(2):
            for timer in self.at_work.sweep.due_timers(1000):
                with suppress(StoreUnavailableError):
                    self.at_work.sweep.fire(timer)
        self.shaky.fault = None
        for history in self.history.values():
            history.append((self.clock.now(), "swept", ""))

    # -- what must hold ----------------------------------------------------------------------

    def _charged(self, number: Msisdn) -> list[Charge]:
        months = months_between(BEGINS - dt.timedelta(days=90), self.clock.now())
        return self.built.store.charges_of(number, months)

    @invariant()
    def charges_are_right_to_the_fen(self) -> None:
        for number, history in self.history.items():
            charges = self._charged(number)
            expected = SlowLedger(TERMS[number]).owes(history)
            assert {_name(charge): charge.fen for charge in charges} == expected, history
            months = [c.month for c in charges if c.kind is ChargeKind.MONTHLY]
            assert len(months) == len(set(months))

    def teardown(self) -> None:
        for number in PLACES:
            chain = self.built.clients.bulk_reader.consent(number)
            assert (
                first_broken_link(chain, self.built.store.load(number).subscription.chain) is None
            )
            for charge in self._charged(number):
                consent = evidence_for(chain, charge)
                assert consent is not None, "charged without a yes"
                assert consent.offer.shown_text
                assert consent.reply.reply_text


def _name(charge: Charge) -> str:
    """A charge as the slow ledger calls it."""
    if charge.kind is ChargeKind.MONTHLY:
        return charge.id
    return f"receipt {charge.reason.removeprefix('receipt for message ').partition(': ')[0]}"


@pytest.mark.timeout(300)
def test_charges_are_right_to_the_fen(built: bootstrap.Container, raw: "redis.Redis"):
    book = book_of(built.book)
    policy = SubscriptionPolicy(book, built.numbering, built.clock)
    Histories.built = replace(built, book=book, policy=policy)
    Histories.raw = raw
    raw.config_set("appendfsync", "no")  # a disk's pace proves nothing about money
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=int(os.environ.get("HISTORIES", "25")),
            stateful_step_count=40,
            deadline=None,
            derandomize="HISTORIES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Histories.digests, "histories without a digest prove nothing about digests"
