"""The whole service against a model of sixty lines: any life of a customer, in any order."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.bootstrap import Container
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.calendar import SHANGHAI
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import CommitStatus
from tests.conftest import GUANGDONG, UNICOM, ZHEJIANG, Network, TestClock
from tests.support.fixtures import HEBEI, SHANXI
from tests.support.sending import ProviderDouble

#: What must have happened in one of the lives at least, or they prove little.
ANYWHERE = {
    "opened",
    "late yes",
    "late yes to a swept order",
    "declined while pending",
    "lapsed while pending",
    "contradicted",
}
WHERE_MONTHS_ARE_SERVED_OUT = ANYWHERE | {
    "reopened",
    "declined while ending",
    "lapsed while ending",
    "ended with the month",
}
CHAPTERS = {
    GUANGDONG: WHERE_MONTHS_ARE_SERVED_OUT | {"opened twice in a month"},
    HEBEI: ANYWHERE | {"opened twice in a month"},
    SHANXI: WHERE_MONTHS_ARE_SERVED_OUT | {"charged for a receipt"},
}
BEGIN = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
WINDOW = dt.timedelta(hours=48)
FEES = {GUANGDONG: (100, 0), HEBEI: (150, 0), SHANXI: (0, 10)}  # fen a month, a receipt
WORDS = {
    "open": ["开通短信回执", "SUBSCRIBE"],
    "yes": ["是", "y", "１"],
    "no": ["否", "N"],
    "cancel": ["取消短信回执", "TD", "退订"],
    "text": ["PT", "普通短信"],
    "flash": ["ＳＸ", "闪信"],
    "other": ["what?", "", "查询短信回执", "帮助", "0000"],
}
WISH_OF = {word: wish for wish, words in WORDS.items() for word in words}
FINAL = {"delivered": "delivered", "undelivered": "failed", "failed": "failed"}


@dataclass
class Model:
    """One customer as the rules have it, written without a look at the product."""

    number: str
    state: str = "none"
    mode: str = "flash"
    offer_until: dt.datetime | None = None
    lapsed: bool = False
    listed: bool = False
    since: dt.datetime = BEGIN
    ends: dt.datetime | None = None
    fees: dict[str, int] = field(default_factory=dict)
    finals: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    charged: set[str] = field(default_factory=set)
    chapters: set[str] = field(default_factory=set)

    def text(self, wish: str, now: dt.datetime) -> None:
        waits = self.offer_until is not None and now < self.offer_until
        late = not waits and (self.offer_until is not None or self.lapsed)
        if wish == "open" and self.state != "active":
            self.offer(now)
        elif wish == "yes" and waits:
            self.open(now)
        elif wish == "yes" and late:
            self.chapters.add("late yes to a swept order" if self.lapsed else "late yes")
            self.offer(now)
        elif waits and wish != "open":
            self.chapters.add(f"declined while {self.state}")
            self.drop_offer(lapsed=False)
            if wish not in {"no", "cancel"}:
                self.plain(wish, now)
        else:
            self.plain(wish, now)

    def plain(self, wish: str, now: dt.datetime) -> None:
        if wish in {"text", "flash"} and self.state in {"active", "ending"}:
            self.mode = wish
        if wish == "cancel" and self.state == "pending":
            self.state, self.offer_until = "none", None
        if wish == "cancel" and self.state == "active":
            self.settle(now)
            self.state = "none" if self.number == HEBEI else "ending"
            self.ends = None if self.number == HEBEI else next_month(now)

    def offer(self, now: dt.datetime) -> None:
        self.lapsed = False
        self.state = "pending" if self.state == "none" else self.state
        self.offer_until = now + WINDOW

    def open(self, now: dt.datetime) -> None:
        self.chapters.add("opened" if self.state == "pending" else "reopened")
        if month(now) in self.fees:
            self.chapters.add("opened twice in a month")
        runs_on = self.state == "ending" and self.ends is not None and now < self.ends
        self.since = self.since if runs_on else now
        self.state, self.offer_until, self.lapsed, self.ends = "active", None, False, None
        self.fees.setdefault(month(now), FEES[self.number][0])

    def settle(self, now: dt.datetime) -> None:
        """Who leaves owes every month of the service that nobody billed; no bill runs here."""
        at = self.since
        while month(at) <= month(now):
            self.fees.setdefault(month(at), FEES[self.number][0])
            at = next_month(at)

    def drop_offer(self, *, lapsed: bool) -> None:
        self.offer_until, self.lapsed = None, lapsed
        self.state = "none" if self.state == "pending" else self.state

    def sweep(self, now: dt.datetime) -> None:
        due = [(self.offer_until, "offer"), (self.ends, "month")]
        for _, what in sorted((at, what) for at, what in due if at is not None and at <= now):
            if what == "offer" and self.offer_until is not None:
                self.chapters.add(f"lapsed while {self.state}")
                self.drop_offer(lapsed=True)
            elif what == "month":
                self.chapters.add("ended with the month")
                # An offer keeps its whole window, also beyond the end of what ran beside it.
                self.state, self.ends = "pending" if self.offer_until else "none", None

    def report(self, message: str, status: str, now: dt.datetime, *, on_net: bool) -> None:
        if status in FINAL and self.finals.get(message, status) != status:
            self.chapters.add("contradicted")
        if status in FINAL and message not in self.finals:
            self.finals[message] = status
            if (
                self.state in {"active", "ending"}
                and on_net
                and not (self.ends and self.ends <= now)
            ):
                self.receipts[message] = FINAL[status]

    def send(self) -> None:
        self.charged |= {m for m, fate in self.receipts.items() if fate == "delivered"}

    def owes(self) -> int:
        return sum(self.fees.values()) + FEES[self.number][1] * len(self.charged)


def month(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m}"


def next_month(at: dt.datetime) -> dt.datetime:
    here = at.astimezone(SHANGHAI)
    return dt.datetime(here.year + here.month // 12, here.month % 12 + 1, 1, tzinfo=SHANGHAI)


class Life(RuleBasedStateMachine):
    """One customer's life, told to the product through its doors and to the model."""

    built: Container
    network: Network
    clock: TestClock
    raw: "redis.Redis"
    number: str
    lived: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.clients.outbox.open()
        self.clock.at = BEGIN
        self.model = Model(self.number)
        self.texts: list[tuple[str, str, bytes]] = []
        self.months = {month(BEGIN)}
        courier = ProviderDouble("courier", flash=True, lookup=True)
        self.delivery = ReceiptLifecycle(
            Router(courier, courier), self.built.book.sending, self.clock
        )
        self.time = self.built.timer_service(self.delivery)

    def text(self, word: str) -> None:
        answer = self.network.text(self.model.number, word)
        assert answer.status_code == 200
        self.texts.append((f"SM{self.network.count:032x}", word, answer.data))
        # After a list a number is its item: the one there is, is cancelled.
        item = self.model.listed and word in {"1", "１", "①"}
        self.model.text("cancel" if item else WISH_OF[word], self.clock.at)
        self.model.listed = word in {"0000", "00000"} and self.model.state != "none"

    # Likely next words, so that whole lives are lived and not only begun; any word at any time.
    order = precondition(lambda life: life.model.state in {"none", "ending"})(
        rule(word=st.sampled_from(WORDS["open"]))(text)
    )
    agree = precondition(lambda life: life.model.offer_until or life.model.lapsed)(
        rule(word=st.sampled_from(WORDS["yes"]))(text)
    )
    cancel = precondition(lambda life: life.model.state == "active")(
        rule(word=st.sampled_from(WORDS["cancel"]))(text)
    )
    chat = rule(word=st.sampled_from(sorted(WISH_OF)))(text)

    @precondition(lambda life: life.model.state == "active")
    @rule()
    def leave_and_think_again(self) -> None:
        self.text("TD")
        self.text("SUBSCRIBE")

    @precondition(lambda life: life.texts)
    @rule(back=st.integers(0, 9))
    def repeat(self, back: int) -> None:
        sid, word, answered = self.texts[-1 - back % len(self.texts)]
        assert self.network.text(self.model.number, word, sid).data == answered

    @rule(
        message=st.sampled_from("abc"),
        status=st.sampled_from(["delivered", "sent", "weird", *FINAL]),
        send=st.booleans(),
    )
    def report(self, message: str, status: str, *, send: bool) -> None:
        friend = UNICOM if message == "c" else ZHEJIANG
        sid = f"{message}{len(self.months)}"  # new texts come with each month
        assert self.network.status(sid, status, self.model.number, friend).status_code == 204
        self.model.report(sid, status, self.clock.at, on_net=friend == ZHEJIANG)
        if send:
            self.send()

    @precondition(lambda life: life.model.state != "none")
    @rule(to=st.sampled_from(["next day", "window", "month"]), sweep=st.booleans())
    def time_passes(self, to: str, *, sweep: bool) -> None:
        if to == "month":
            self.clock.at = next_month(self.clock.at).astimezone(dt.UTC)
        else:
            self.clock.at += WINDOW if to == "window" else dt.timedelta(hours=23)
        self.months.add(month(self.clock.at))
        self.model.listed = False  # a question stands for half an hour
        if sweep:
            self.sweep()

    def sweep(self) -> None:
        for timer in self.time.due_timers(50):
            self.time.fire(timer)
        self.model.sweep(self.clock.at)

    def send(self) -> None:
        """What a worker does, without its threads: all that is due goes out, or is too old."""
        store = self.built.store
        while posted := self.built.clients.outbox.fetch("worker", 16, 0):
            for entry in posted:
                (receipt,) = store.receipts([entry.receipt_id])
                assert receipt is not None
                self.commit(self.delivery.mark_sending(receipt, entry))
                (receipt,) = store.receipts([entry.receipt_id])
                assert receipt is not None
                if receipt.state == "sending":
                    self.commit(self.delivery.accepted(receipt, "SM1", entry))
                elif receipt.kind is MessageKind.RECEIPT:
                    self.model.receipts[receipt.message_id or ""] = "expired"
        self.model.send()
        if self.model.charged and FEES[self.model.number][1]:
            self.model.chapters.add("charged for a receipt")

    def teardown(self) -> None:
        self.lived.update(self.model.chapters)

    def commit(self, change: Any) -> None:  # noqa: ANN401 - whatever is decided
        assert self.built.store.commit(change).status is CommitStatus.COMMITTED

    @invariant()
    def product_and_model_agree(self) -> None:
        number = Msisdn(self.model.number)
        held = self.built.store.load(number).subscription
        order = held.order.expires_at if held.order else None
        assert (held.state, held.mode) == (self.model.state, self.model.mode)
        assert (order, held.ends_at) == (self.model.offer_until, self.model.ends)
        assert (held.lapsed_at is not None) == self.model.lapsed
        receipts = self.built.store.receipts_of(number, 100, MessageKind.RECEIPT)
        assert sorted(r.message_id or "" for r in receipts) == sorted(self.model.receipts)
        charges = self.built.store.charges_of(number, sorted(self.months))
        assert sum(charge.fen for charge in charges) == self.model.owes()
        assert len({charge.id for charge in charges}) == len(charges)


@pytest.mark.parametrize("number", sorted(FEES))
def test_any_life_of_a_customer_goes_as_the_rules_have_it(
    built: Container, network: Network, clock: TestClock, raw: "redis.Redis", number: str
):
    class Lived(Life):
        pass

    Lived.built, Lived.network, Lived.clock, Lived.raw = built, network, clock, raw
    Lived.number, Lived.lived = number, set()
    raw.config_set("appendfsync", "no")  # what is on disk when is tested elsewhere
    try:
        run_state_machine_as_test(
            Lived,
            settings=settings(
                max_examples=30,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        raw.config_set("appendfsync", "always")
    assert CHAPTERS[number] - Lived.lived == set(), "lives that were never lived prove nothing"
