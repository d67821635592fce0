"""Model-based test: random histories of one customer, against a small reference model."""

import datetime as dt
from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.bootstrap import Container
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.calendar import SHANGHAI
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from tests.conftest import GUANGDONG, UNICOM, ZHEJIANG, Network, TestClock
from tests.support.fixtures import HEBEI, SHANXI, standing
from tests.support.sending import ProviderDouble, mark_sending, timing

#: Situations that the histories must reach at least once.
ANYWHERE = {
    "opened", "late yes", "late yes to a swept order", "declined while pending",
    "lapsed while pending", "contradicted",
}  # fmt: skip
UNTIL_MONTH_END = ANYWHERE | {
    "reopened", "declined while ending", "lapsed while ending", "ended with the month",
}  # fmt: skip
REQUIRED = {
    GUANGDONG: UNTIL_MONTH_END | {"opened twice in a month"},
    HEBEI: ANYWHERE | {"opened twice in a month"},
    SHANXI: UNTIL_MONTH_END | {"charged for a receipt"},
}
BEGIN = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
WINDOW = dt.timedelta(hours=48)
FEES = {GUANGDONG: (100, 0), HEBEI: (150, 0), SHANXI: (0, 10)}  # fen a month, a receipt
KEYWORDS = {
    "open": ["开通短信回执", "SUBSCRIBE"],
    "yes": ["是", "y", "１"],
    "no": ["否", "N"],
    "cancel": ["取消短信回执", "TD", "退订"],
    "text": ["PT", "普通短信"],
    "flash": ["ＳＸ", "闪信"],
    "other": ["what?", "", "查询短信回执", "帮助", "0000"],
}
INTENT_OF = {word: intent for intent, words in KEYWORDS.items() for word in words}
FINAL = {"delivered": "delivered", "undelivered": "failed", "failed": "failed"}


@dataclass
class Model:
    """Reference model of one customer, written from the rules without the product's code."""

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
    reached: set[str] = field(default_factory=set)

    def text(self, intent: str, now: dt.datetime) -> None:
        waits = self.offer_until is not None and now < self.offer_until
        late = not waits and (self.offer_until is not None or self.lapsed)
        if intent == "open" and self.state != "active":
            self.offer(now)
        elif intent == "yes" and waits:
            self.open(now)
        elif intent == "yes" and late:
            self.reached.add("late yes to a swept order" if self.lapsed else "late yes")
            self.offer(now)
        elif waits and intent != "open":
            self.reached.add(f"declined while {self.state}")
            self.drop_offer(lapsed=False)
            if intent not in {"no", "cancel"}:
                self.plain(intent, now)
        else:
            self.plain(intent, now)

    def plain(self, intent: str, now: dt.datetime) -> None:
        if intent in {"text", "flash"} and self.state in {"active", "ending"}:
            self.mode = intent
        if intent == "cancel" and self.state == "pending":
            self.state, self.offer_until = "none", None
        if intent == "cancel" and self.state == "active":
            self.charge_until(now)
            at_once = self.number == HEBEI
            self.state, self.ends = ("none", None) if at_once else ("ending", next_month(now))

    def offer(self, now: dt.datetime) -> None:
        self.lapsed, self.offer_until = False, now + WINDOW
        self.state = "pending" if self.state == "none" else self.state

    def open(self, now: dt.datetime) -> None:
        self.reached.add("opened" if self.state == "pending" else "reopened")
        if month(now) in self.fees:
            self.reached.add("opened twice in a month")
        continues = self.state == "ending" and self.ends is not None and now < self.ends
        self.since = self.since if continues else now
        self.state, self.offer_until, self.lapsed, self.ends = "active", None, False, None
        self.fees.setdefault(month(now), FEES[self.number][0])

    def charge_until(self, now: dt.datetime) -> None:
        """A cancel charges every month of the service; no monthly billing runs here."""
        at = self.since
        while month(at) <= month(now):
            self.fees.setdefault(month(at), FEES[self.number][0])
            at = next_month(at)

    def drop_offer(self, *, lapsed: bool) -> None:
        self.offer_until, self.lapsed = None, lapsed
        self.state = "none" if self.state == "pending" else self.state

    def fire_timers(self, now: dt.datetime) -> None:
        due = [(self.offer_until, "offer"), (self.ends, "month")]
        for _, kind in sorted((at, kind) for at, kind in due if at is not None and at <= now):
            if kind == "offer" and self.offer_until is not None:
                self.reached.add(f"lapsed while {self.state}")
                self.drop_offer(lapsed=True)
            elif kind == "month":
                self.reached.add("ended with the month")
                # An offer keeps its whole window, even past the end of the old service.
                self.state, self.ends = "pending" if self.offer_until else "none", None

    def report(self, message: str, status: str, now: dt.datetime, *, on_net: bool) -> None:
        if status in FINAL and self.finals.get(message, status) != status:
            self.reached.add("contradicted")
        if status in FINAL and message not in self.finals:
            self.finals[message] = status
            over = self.ends is not None and self.ends <= now
            if self.state in {"active", "ending"} and on_net and not over:
                self.receipts[message] = FINAL[status]

    def send(self) -> None:
        self.charged |= {m for m, status in self.receipts.items() if status == "delivered"}
        if self.charged and FEES[self.number][1]:
            self.reached.add("charged for a receipt")

    def charged_fen(self) -> int:
        return sum(self.fees.values()) + FEES[self.number][1] * len(self.charged)


def month(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m}"


def next_month(at: dt.datetime) -> dt.datetime:
    here = at.astimezone(SHANGHAI)
    return dt.datetime(here.year + here.month // 12, here.month % 12 + 1, 1, tzinfo=SHANGHAI)


class History(RuleBasedStateMachine):
    """Events of one customer, sent to the webhooks and to the model."""

    built: Container
    network: Network
    clock: TestClock
    raw: "redis.Redis"
    number: str
    reached: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.clients.outbox.open()
        self.clock.at = BEGIN
        self.model = Model(self.number)
        self.texts: list[tuple[str, str, bytes]] = []
        self.months = {month(BEGIN)}
        provider = ProviderDouble("provider", flash=True, lookup=True)
        router, built = Router([provider], [provider]), self.built
        self.delivery = ReceiptLifecycle(router, built.book.sending, self.clock)
        self.timers = timing(built, self.delivery)

    def text(self, word: str) -> None:
        answer = self.network.text(self.number, word)
        assert answer.status_code == 200
        self.texts.append((f"SM{self.network.count:032x}", word, answer.data))
        # After a list, 1 cancels the only service listed.
        item = self.model.listed and word in {"1", "１", "①"}
        self.model.text("cancel" if item else INTENT_OF[word], self.clock.at)
        self.model.listed = word in {"0000", "00000"} and self.model.state != "none"

    # Likely next words make whole subscriptions frequent; any_text sends any word at any time.
    order = precondition(lambda self: self.model.state in {"none", "ending"})(
        rule(word=st.sampled_from(KEYWORDS["open"]))(text)
    )
    confirm = precondition(lambda self: self.model.offer_until or self.model.lapsed)(
        rule(word=st.sampled_from(KEYWORDS["yes"]))(text)
    )
    cancel = precondition(lambda self: self.model.state == "active")(
        rule(word=st.sampled_from(KEYWORDS["cancel"]))(text)
    )
    any_text = rule(word=st.sampled_from(sorted(INTENT_OF)))(text)

    @precondition(lambda self: self.model.state == "active")
    @rule()
    def cancel_and_order_again(self) -> None:
        self.text("TD")
        self.text("SUBSCRIBE")

    @precondition(lambda self: self.texts)
    @rule(back=st.integers(0, 9))
    def repeat(self, back: int) -> None:
        sid, word, answer = self.texts[-1 - back % len(self.texts)]
        assert self.network.text(self.number, word, sid).data == answer

    @rule(
        message=st.sampled_from("abc"),
        status=st.sampled_from(["delivered", "sent", "weird", *FINAL]),
        send=st.booleans(),
    )
    def report(self, message: str, status: str, *, send: bool) -> None:
        recipient = UNICOM if message == "c" else ZHEJIANG
        sid = f"{message}{len(self.months)}"  # new texts come with each month
        assert self.network.status(sid, status, self.number, recipient).status_code == 204
        self.model.report(sid, status, self.clock.at, on_net=recipient == ZHEJIANG)
        if send:
            self.send()

    @precondition(lambda self: self.model.state != "none")
    @rule(to=st.sampled_from(["next day", "window", "month"]), fire=st.booleans())
    def time_passes(self, to: str, *, fire: bool) -> None:
        if to == "month":
            self.clock.at = next_month(self.clock.at).astimezone(dt.UTC)
        else:
            self.clock.at += WINDOW if to == "window" else dt.timedelta(hours=23)
        self.months.add(month(self.clock.at))
        self.model.listed = False  # a question expires after half an hour
        if fire:
            for timer in self.timers.due_timers(50):
                self.timers.fire(timer)
            self.model.fire_timers(self.clock.at)

    def send(self) -> None:
        """A worker's pass without its threads: all due receipts are sent or expire."""
        while entries := self.built.clients.outbox.fetch("worker", 16, 0):
            for entry in entries:
                self.commit(mark_sending(self.delivery, self.receipt(entry.receipt_id), entry))
                receipt = self.receipt(entry.receipt_id)
                if receipt.state == "sending":
                    self.commit(self.delivery.accepted(receipt, "SM1", entry))
                elif receipt.kind is MessageKind.RECEIPT:
                    self.model.receipts[receipt.message_id or ""] = "expired"
        self.model.send()

    def receipt(self, receipt_id: str) -> Receipt:
        (receipt,) = self.built.store.receipts([receipt_id])
        assert receipt is not None
        return receipt

    def commit(self, change: ChangeSet) -> None:
        assert self.built.store.commit(change).status is CommitStatus.COMMITTED

    def teardown(self) -> None:
        self.reached.update(self.model.reached)

    @invariant()
    def product_and_model_agree(self) -> None:
        number, model = Msisdn(self.number), self.model
        customer = standing(self.built, number)
        order = customer.order.expires_at if customer.order else None
        assert (customer.state, customer.mode) == (model.state, model.mode)
        assert (order, customer.ends_at) == (model.offer_until, model.ends)
        assert (customer.lapsed_at is not None) == model.lapsed
        receipts = self.built.store.receipts_of(number, 100, MessageKind.RECEIPT)
        assert sorted(each.message_id or "" for each in receipts) == sorted(model.receipts)
        charges = self.built.store.charges_of(number, sorted(self.months))
        assert sum(charge.fen for charge in charges) == model.charged_fen()
        assert len({charge.id for charge in charges}) == len(charges)


@pytest.mark.parametrize("number", sorted(FEES))
def test_any_history_of_a_customer_agrees_with_the_model(
    built: Container, network: Network, clock: TestClock, raw: "redis.Redis", number: str
):
    class Run(History):
        pass

    Run.built, Run.network, Run.clock, Run.raw = built, network, clock, raw
    Run.number, Run.reached = number, set()
    raw.config_set("appendfsync", "no")  # durability is tested elsewhere
    limits = settings(
        max_examples=30, stateful_step_count=40, deadline=None, derandomize=True,
        database=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    stateful.run_state_machine_as_test(Run, settings=limits)
    assert REQUIRED[number] - Run.reached == set(), "histories that miss these prove little"
