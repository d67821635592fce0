"""What an offer and a cancellation tell about fees is what the ledger then has.

Random histories of one customer, tariffs and moments go through the decisions, without a store.
"""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from receipts.model.calendar import SHANGHAI, month_of, next_month
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.schema import CancellationEffect, RuleBook, Tariff
from receipts.subscriptions import cancellation, ordering
from receipts.subscriptions.decision import END, FEE, ORDER_EXPIRY, TRIAL, CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from tests.conftest import GUANGDONG, TestClock, shipped_book

REQUEST = CustomerRequest(Channel.TEXT, Language.ZH, "sms:1")
START = dt.datetime(2026, 11, 3, 12, tzinfo=SHANGHAI)
WAITS = {"hours": 7, "days": 60, "eve": 0}
#: Monthly fee, fee per receipt and days of trial.
TARIFFS = st.tuples(
    st.sampled_from([0, 100, 300]), st.sampled_from([0, 5]), st.sampled_from([0, 0, 5, 30])
)
_MONTH_END = CancellationEffect.MONTH_END
STEPS = st.sampled_from(["subscribe", "subscribe", "cancel", "cancel", "open", "yes", "no", *WAITS])


def book_of(tariffs: list[tuple[int, int, int]], effect: CancellationEffect) -> RuleBook:
    """Return the shipped book with other tariffs in Guangdong: from 2020, and from 1 December."""
    book = shipped_book()
    days = (dt.date(2020, 1, 1), dt.date(2026, 12, 1))
    made = tuple(
        Tariff(
            version=f"T-{index}", since=since, monthly_fen=monthly, per_receipt_fen=receipt,
            trial_days=trial,
        )
        for index, (since, (monthly, receipt, trial)) in enumerate(zip(days, tariffs, strict=True))
    )  # fmt: skip
    province = replace(book.provinces["CN-GD"], tariffs=made, cancel_takes_effect=effect)
    return replace(book, provinces=book.provinces | {"CN-GD": province})


class Customer:
    """One customer with the decisions of texts, timers and billing runs, and the ledger."""

    def __init__(self, book: RuleBook) -> None:
        self.clock = TestClock(START)
        self.policy = SubscriptionPolicy(book, NumberingPlan(), self.clock)
        self.held = Subscription(Msisdn(GUANGDONG))
        self.ledger: dict[str, Charge] = {}
        self.timers: dict[str, dt.datetime] = {}

    def apply(self, decision: Decision) -> Decision:
        self.held = decision.customer
        for charge in decision.charges:
            self.ledger.setdefault(charge.id, charge)
        for each in decision.cancelled_timers:
            self.timers.pop(each.kind, None)
        for each in decision.timers:
            assert each.at is not None
            self.timers[each.kind] = each.at
        return decision

    def text(self, keyword: str) -> Decision:
        acts: dict[str, Callable[..., Decision]] = {
            "open": ordering.order, "yes": ordering.confirm, "no": ordering.decline,
            "cancel": cancellation.cancel,
        }  # fmt: skip
        if keyword == "yes" and self.held.order is None:
            return Decision(self.held)
        return self.apply(acts[keyword](self.policy, self.held, REQUEST))

    def wait(self, until: dt.datetime) -> None:
        """Pass to a moment: timers and the billing runs of the first of each month happen."""
        while True:
            bill = next_month(self.clock.at)
            kind, at = min(self.timers.items(), key=lambda each: each[1], default=("", until))
            moment = min(at, bill, until)
            self.clock.at = max(moment, self.clock.at)
            if kind and at <= self.clock.at:
                del self.timers[kind]
                self.apply(self._rung(kind))
            elif moment == bill:
                fees = self.policy.monthly_fee(self.held, self.clock.at, "monthly fee")
                self.apply(Decision(self.held, charges=fees))
            if self.clock.at >= until and not any(t <= until for t in self.timers.values()):
                return

    def _rung(self, kind: str) -> Decision:
        if kind == FEE:
            return ordering.charge_first_fee(self.policy, self.held)
        acts: dict[str, Callable[..., Decision]] = {
            ORDER_EXPIRY: ordering.expire_order, TRIAL: ordering.ask_trial_renewal,
            END: cancellation.month_ended,
        }  # fmt: skip
        return acts[kind](self.policy, self.held, REQUEST)

    def fees(self) -> set[str]:
        return {charge.month for charge in self.ledger.values()}


def told_day(text: str, now: dt.datetime) -> dt.datetime | None:
    """Return the next moment that a sentence such as 12月1日起收月费 names."""
    found = re.search(r"(\d+)月(\d+)日", text)
    if found is None:
        return None
    month, day = map(int, found.groups())
    named = dt.datetime(now.astimezone(SHANGHAI).year, month, day, tzinfo=SHANGHAI)
    today = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return named if named >= today else named.replace(year=named.year + 1)


HISTORIES = {
    "tariffs": st.lists(TARIFFS, min_size=2, max_size=2),
    "effect": st.sampled_from(CancellationEffect),
    "steps": st.lists(STEPS, max_size=10),
    "hours": st.sampled_from([0, 0, 1, 30, 47]),
}


def lived(
    tariffs: list[tuple[int, int, int]], effect: CancellationEffect, steps: list[str]
) -> Customer:
    customer = Customer(book_of(tariffs, effect))
    for step in steps:
        if step == "eve":
            customer.wait(next_month(customer.clock.at) - dt.timedelta(hours=1))
        elif step == "subscribe":
            customer.text("open")
            customer.text("yes")
        elif step in WAITS:
            customer.wait(customer.clock.at + dt.timedelta(hours=WAITS[step]))
        else:
            customer.text(step)
    return customer


@settings(max_examples=300)
@example([(100, 0, 30), (0, 0, 0)], _MONTH_END, ["subscribe", "cancel", "eve"], 1)
@given(**HISTORIES)
def test_fees_after_a_yes_are_those_of_the_offer(
    tariffs: list[tuple[int, int, int]], effect: CancellationEffect, steps: list[str], hours: int
):
    customer = lived(tariffs, effect, steps)
    ((key, params),) = customer.text("open").messages
    if key != "offer":
        return
    offered = customer.clock.at
    customer.wait(offered + dt.timedelta(hours=hours))
    before = customer.fees()
    reply = customer.text("yes").messages
    if [key for key, _ in reply] == ["offer_again"]:
        assert customer.fees() == before
        ((_, params),), offered = reply, customer.clock.at
        assert [key for key, _ in customer.text("yes").messages] == ["opened"]
    charged, at = params["charged"], customer.clock.at
    day = told_day(charged, offered)
    if "当月按整月收费" in charged:
        assert customer.fees() - before == {month_of(at)}
    elif "再次确认" in charged:
        assert customer.fees() == before
        customer.wait(at + dt.timedelta(days=70))
        assert customer.fees() == before, "without a second yes no fee is charged"
    elif day is not None:
        if at < day:
            customer.wait(day - dt.timedelta(seconds=1))
            assert customer.fees() == before
            customer.wait(day + dt.timedelta(seconds=1))
        assert customer.fees() - before == {month_of(day)}
    else:
        assert charged in {"", "无月功能费"}
        assert customer.fees() == before


@settings(max_examples=300)
@example([(0, 0, 0), (100, 0, 0)], _MONTH_END, ["subscribe", "eve", "hours", "cancel", "subscribe"])
@example([(100, 0, 0), (0, 0, 0)], _MONTH_END, ["subscribe", "eve", "hours"])
@given(**{name: HISTORIES[name] for name in ("tariffs", "effect", "steps")})
def test_fees_after_a_cancellation_are_those_told(
    tariffs: list[tuple[int, int, int]], effect: CancellationEffect, steps: list[str]
):
    customer = lived(tariffs, effect, steps)
    before = customer.fees()
    told = [params["due"] for key, params in customer.text("cancel").messages if "due" in params]
    if not told:
        assert customer.fees() == before
        return
    this_month = month_of(customer.clock.at)
    if told[0].startswith("截至本月的费用照收"):
        assert customer.fees() - before <= {this_month}
        assert this_month in customer.fees()
    else:
        assert customer.fees() == before - {this_month}
    after = customer.fees()
    customer.wait(customer.clock.at + dt.timedelta(days=70))
    assert customer.fees() == after


@pytest.mark.parametrize("cap", [50, 300])
def test_price_of_an_offer_is_at_most_the_monthly_cap(cap: int):
    book = book_of([(100, 0, 0), (100, 0, 0)], CancellationEffect.NOW)
    limits = replace(book.limits, monthly_cap_fen=cap)
    gd = replace(book.provinces["CN-GD"], limits=limits)
    customer = Customer(replace(book, provinces=book.provinces | {"CN-GD": gd}))
    ((_, params),) = customer.text("open").messages
    customer.text("yes")
    (charge,) = customer.ledger.values()
    assert params["price"] == ("每月0.5元" if cap == 50 else "每月1元")
    assert charge.fen == min(cap, 100)
