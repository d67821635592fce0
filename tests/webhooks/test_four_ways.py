"""The same wishes have the same result by text, by phone, online and at a counter.

Random histories of four customers of one province. Each has a way of its own to the service, and
wishes the same as the others. ``tests.support.four_ways`` has the differences by design.
"""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, repeat

import msgspec
import pytest
import redis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.delivery.notifications import is_notifiable
from receipts.model.calendar import month_of, months_between, next_month
from receipts.model.charge import AuditEntry
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Channel
from receipts.subscriptions.consent import evidence_for, first_broken_link
from receipts.subscriptions.decision import FORGET
from receipts.wording.notice_text import notices
from statemachines.fee_collection import CollectionResult
from statemachines.subscription import HOLDING, RECEIVING, SubscriptionEvent
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, TestClock
from tests.support.browser import KEY
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI
from tests.support.four_ways import SHOP, Act, FourWays, Way, four_ways
from tests.support.four_ways_operator import Operator, book_of
from tests.support.sending import timing

BEGIN = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
NUMBERS = [GUANGDONG, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, JILIN, SHAANXI]
FRIEND = "+8613957119999"
WISHES = [
    *("cancel", "ordinary", "flash", "ask", "receipts", "charges", "chinese", "english"),
    *("news", "public_interest", "advertising", "no_messages", "list and cancel"),
]
STATES = ["pending", "active", "ending", "suspended", "none"]
SHOWING = {"ask", "receipts", "charges", "list"}
ANSWERS = ["yes", "no", "none"]


class Histories(RuleBasedStateMachine):
    """Wishes of four customers, each by a way of its own; what befalls them is the same."""

    built: Container
    app: Flask
    raw: "redis.Redis"
    clock: TestClock

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.clients.outbox.open()
        self.clock.at = BEGIN
        self.operator = Operator(self.built)
        self.timers = timing(self.built, self.operator.delivery)
        self.seen: dict[str, set[str]] = {}
        self.count = 0

    @initialize(
        sample=st.sampled_from(NUMBERS),
        language=st.sampled_from(["chinese", "chinese", "english"]),
        state=st.sampled_from(STATES),
    )
    def begin(self, sample: str, language: str, state: str) -> None:
        """Customers of one province in the same state, which they reached by their own ways."""
        self.ways: FourWays = four_ways(self.built, self.app, self.raw, sample)
        self.wish(language)
        if state != "none":
            self.subscribe("none" if state == "pending" else "yes", by_form=True)
            self.text_a_friend("delivered", arrives=False)
        if state == "ending":
            self.wish("cancel")
        elif state == "suspended" and self.charges(self.ways.text):
            self.collect(CollectionResult.FAILED)

    # -- wishes ------------------------------------------------------------------------------

    @rule(answer=st.sampled_from(ANSWERS), by_form=st.booleans())
    def subscribe(self, answer: str, *, by_form: bool) -> None:
        self.told("subscribe", lambda way: way.subscribes(answer, by_form=by_form))

    @precondition(lambda self: self.ways.text.customer.order or self.ways.text.customer.lapsed_at)
    @rule(answer=st.sampled_from(["yes", "no"]), by_form=st.booleans())
    def answer(self, answer: str, *, by_form: bool) -> None:
        self.told(answer, lambda way: way.answers(answer, by_form=by_form))

    @precondition(lambda self: self.ways.text.customer.order)
    @rule(by_form=st.booleans())
    def confirm(self, *, by_form: bool) -> None:
        self.answer("yes", by_form=by_form)

    @precondition(lambda self: self.ways.text.customer.state in HOLDING)
    @rule(wish=st.sampled_from(["cancel", "list and cancel"]))
    def cancel(self, wish: str) -> None:
        self.wish(wish)

    @precondition(lambda self: self.ways.text.customer.state in HOLDING)
    @rule(wish=st.sampled_from(["ordinary", "flash"]))
    def switch(self, wish: str) -> None:
        self.wish(wish)

    @rule(wish=st.sampled_from(WISHES))
    def wish(self, wish: str) -> None:
        if self.ways.text.customer.order and wish != "cancel":
            # A text that is no yes ends an open request, and the reply says so.
            self.answer("no", by_form=False)
        if wish == "list and cancel":
            self.told(wish, lambda way: way.lists_and_cancels())
        else:
            self.told(wish, lambda way: way.plays(wish))

    def told(self, wish: str, act: Callable[[Way], None]) -> None:
        """Do a wish by all ways; compare the answers, and the text that each customer got."""
        for way in self.ways.all:
            way.acts.clear()
            act(way)
        by_text = answers(self.ways.text)
        for way in (self.ways.web, self.ways.counter):
            assert answers(way) == by_text, f"{wish}, {type(way).__name__}"
        for way in self.ways.all:
            assert self.new_notices(way) == self.expected_notices(way), type(way).__name__

    def expected_notices(self, way: Way) -> list[str]:
        """The texts after the acts of a way, in the words of what the same wish told by text."""
        told = [*map(self.notice_of_act, repeat(way), way.acts)]
        last = way.acts[-1] if way.acts else None
        if last and last.door is Channel.VOICE and last.changed:
            # A call answers by speech; its summary has the answer of the same wish by text.
            told.append(self.notice_of_act(way, replace(self.ways.text.acts[-1], door=last.door)))
        return [each for each in told if each]

    def notice_of_act(self, way: Way, act: Act) -> str:
        """The text to the phone about one act, empty without one."""
        if act.door is Channel.TEXT or not act.changed or not act.messages:
            return ""
        key, params = act.messages[0]
        language = way.language
        door = {Channel.VOICE: "call"}.get(act.door, str(act.door))
        if door == "counter":
            params = self.built.policy.channel_params(way.customer, language, act.door) | params
            params |= {"shop": SHOP}
            if act.action == "open_by_text" and key.startswith("offer"):
                return notices().render_text("notice.counter_offer", language, **params)
        if not is_notifiable(key):
            return ""
        acts = notices().render(f"act.{key}", language, **params)
        return notices().render_text(f"notice.{door}", language, **params | {"acts": acts})

    # -- what befalls customers --------------------------------------------------------------

    @precondition(lambda self: self.ways.text.customer.state in RECEIVING)
    @rule(status=st.sampled_from(["delivered", "delivered", "failed"]), arrives=st.booleans())
    def text_a_friend(self, status: str, *, arrives: bool) -> None:
        self.count += 1
        for way in self.ways.all:
            message = f"M{self.count}-{way.number[-1]}"
            assert way.network.status(message, status, way.number, FRIEND).status_code == 204
        for receipt in self.operator.sends():
            if receipt.kind is MessageKind.RECEIPT and not arrives:
                self.operator.reports_undelivered(receipt)
        self.same_notices()

    @rule(to=st.sampled_from(["7 h", "25 h", "49 h", "month"]), fire=st.sampled_from([1, 1, 1, 0]))
    def time_passes(self, to: str, fire: int) -> None:
        if to == "month":
            self.clock.at = next_month(self.clock.at).astimezone(dt.UTC)
        else:
            self.clock.at += dt.timedelta(hours=int(to.removesuffix(" h")))
        for way in self.ways.all:
            way.time_passed()
        for timer in self.timers.due_timers(100) if fire else ():
            if timer.kind != FORGET:
                self.timers.fire(timer)
        self.same_notices()

    @precondition(lambda self: self.ways.text.customer.state in RECEIVING)
    @rule()
    def bill(self) -> None:
        list(self.built.monthly_billing.run(month_of(self.clock.at)))
        self.same_notices()

    @precondition(lambda self: self.charges(self.ways.text))
    @rule(result=st.sampled_from(list(CollectionResult)))
    def collect(self, result: CollectionResult) -> None:
        self.count += 1
        for way in self.ways.all:
            self.operator.collects(way.number, result, str(self.count))
        self.same_notices()

    # -- comparisons -------------------------------------------------------------------------

    def new_notices(self, way: Way) -> list[str]:
        """The notices to a customer since the last look, oldest first."""
        found = self.built.store.receipts_of(way.number, 100, MessageKind.NOTICE)
        seen = self.seen.setdefault(way.number, set())
        new = [each.text for each in reversed(found) if each.id not in seen]
        seen.update(each.id for each in found)
        return new

    def same_notices(self) -> None:
        text, *others = map(self.new_notices, self.ways.all)
        assert all(each == text for each in others)

    def charges(self, way: Way) -> list[tuple[object, ...]]:
        found = self.built.store.charges_of(way.number, self.months())
        ending = f"-{way.number[-1]}"
        return sorted(
            (each.kind, each.fen, each.month, each.reason.replace(ending, ""), each.tariff, each.at)
            for each in found
        )

    @invariant()
    def results_are_the_same(self) -> None:
        text, *others = self.ways.all
        for way in others:
            name = type(way).__name__
            assert record(way) == record(text), name
            assert self.charges(way) == self.charges(text), name
            assert self.receipts(way) == self.receipts(text), name
            assert self.evidence(way) == self.evidence(text), name

    def receipts(self, way: Way) -> list[tuple[object, ...]]:
        found = self.built.store.receipts_of(way.number, 100, MessageKind.RECEIPT)
        return [(r.text, r.mode, r.state, r.outcome, r.price_fen, r.tariff) for r in found]

    def evidence(self, way: Way) -> list[tuple[str, str, str, str]]:
        """The moves of a subscription; a request that a newer one replaced counts as one."""
        entries = self.built.clients.bulk_reader.consent(way.number)
        assert first_broken_link(entries, way.customer.chain) is None
        self.check_evidence(way, entries)
        moves: list[tuple[str, str, str, str]] = []
        for entry in entries:
            action = "order" if entry.action == SubscriptionEvent.CONFIRM_LATE else entry.action
            if action not in EVENTS:
                continue
            before = entry.state_before
            if action == "order" and moves and moves[-1][0] == "order":
                before = moves.pop()[1]
            moves.append((action, before, entry.state_after, entry.tariff))
        return moves

    def check_evidence(self, way: Way, entries: list[AuditEntry]) -> None:
        """Each charge has its consent, and each act at the counter its clerk and serial number."""
        for charge in self.built.store.charges_of(way.number, self.months()):
            consent = evidence_for(entries, charge)
            assert consent is not None, charge
            assert consent.offer.shown_text
            assert consent.reply.reply_text
        for entry in entries:
            # An import of the operator is recorded under the counter too, without a clerk.
            if entry.idempotency_key.startswith("counter:"):
                assert (entry.clerk, entry.shop) == ("li", SHOP)
                assert entry.identity
                assert entry.serial

    def months(self) -> list[str]:
        return months_between(BEGIN, self.clock.at)


EVENTS = {str(each) for each in SubscriptionEvent} | {
    f"consent_{kind}" for kind in ("news", "public_interest", "advertising")
}


def record(way: Way) -> object:
    """A customer's record without its number, its ways and its versions."""
    customer = way.customer
    order = customer.order and msgspec.structs.replace(customer.order, channel=Channel.TEXT)
    return msgspec.structs.replace(
        customer, number="", version=0, channel=None, chain="", order=order
    )


def answers(way: Way) -> list[object]:
    """The answers to the acts that may change something; what is only shown looks its own way."""
    return [each.messages for each in way.acts if each.action not in SHOWING]


@pytest.fixture
def histories(settings: Settings, built: Container, raw: "redis.Redis") -> type[Histories]:
    with_key = replace(settings, secret_key=KEY, codes_per_visitor=900, codes_per_address=900)
    container = built.with_changes(book_of(built.book), with_key)

    class Run(Histories):
        pass

    Run.built, Run.raw, Run.clock = container, raw, built.clock
    Run.app = create_app(with_key, container)
    raw.config_set("appendfsync", "no")  # durability is tested elsewhere
    return Run


@pytest.mark.timeout(600)
def test_four_ways_have_one_result(histories: type[Histories]):
    limits = settings(
        max_examples=int(os.environ.get("FOUR_WAYS", "20")), stateful_step_count=12, deadline=None,
        derandomize="FOUR_WAYS" not in os.environ, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    stateful.run_state_machine_as_test(histories, settings=limits)


@pytest.mark.parametrize("state", STATES)
def test_each_wish_in_each_state(histories: type[Histories], state: str):
    # Only where a fee is due at once can it fail to be collected.
    charged = [GUANGDONG, GUANGXI, JILIN, SHAANXI]
    numbers = cycle(charged if state in {"ending", "suspended"} else NUMBERS)
    for wish in ("subscribe", "no", "none", *WISHES):
        history = histories()
        history.begin(next(numbers), "chinese", state)
        assert {way.customer.state for way in history.ways.all} == {state}
        if wish in WISHES:
            history.wish(wish)
        else:
            history.subscribe("yes" if wish == "subscribe" else wish, by_form=False)
        history.results_are_the_same()
        history.time_passes("month", 1)
        history.results_are_the_same()


def test_receipts_are_charged_and_credited(histories: type[Histories]):
    history = histories()
    history.begin(SHANXI, "english", "active")
    history.text_a_friend("delivered", arrives=True)
    history.results_are_the_same()
    kinds = [kind for kind, *_ in history.charges(history.ways.counter)]
    assert (kinds.count("receipt"), kinds.count("credit")) == (2, 1)
