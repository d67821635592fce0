"""Whatever happens in whatever order, customers are charged what the trade's rules say, to the fen.

Histories are made up, with repeats, lost races and crashes between any two steps, and go through
the real doors, worker steps and store; `slow_ledger.py` works the same histories out by itself.
"""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ivr.dialogue import Pressed
from ivr.place import Place
from keywords.dialogue import IncomingText
from receipts import notices
from receipts.billing import Billing
from receipts.consent import broken_at, led_to
from receipts.deciding import settle
from receipts.delivery import Delivery, Routes, Told, needs_owner
from receipts.model import (
    Charge,
    ChargeKind,
    Door,
    Fate,
    Language,
    Msisdn,
    Receipt,
    Report,
    Subscription,
    month_before,
    month_of,
)
from receipts.news import take_news
from receipts.ports import (
    Abilities,
    Answer,
    Change,
    Committed,
    Parcel,
    Posted,
    StoreUnavailable,
    TryLater,
    Verdict,
)
from receipts.provinces import Effect, RuleBook, Tariff
from receipts.store.redis import RedisStore
from receipts.subscriptions import Asked, Step, Subscriptions
from receipts.sweep import Sweep
from statemachines.call_menu import CallState
from switchboard import wiring
from tests.receipts.slow_ledger import Happened, Price, SlowLedger, Terms

GUANGDONG, HEBEI, ZHEJIANG = map(Msisdn, ("+8613802880000", "+8613903112345", "+8613957112345"))
FRIEND = Msisdn("+8613800138000")
CAP = 280
BEGINS = dt.datetime(2026, 11, 18, 4, tzinfo=dt.UTC)

D = dt.date
TERMS = {
    GUANGDONG: Terms(
        (Price(D(2020, 1, 1), 100), Price(D(2026, 12, 10), 200, per_receipt=5, free=2)), CAP
    ),
    HEBEI: Terms(
        (Price(D(2020, 1, 1), 150, per_receipt=10, free=1), Price(D(2027, 1, 1), 0, per_receipt=7)),
        CAP,
        runs_to_month_end=False,
    ),
    ZHEJIANG: Terms(
        (Price(D(2020, 1, 1), 300, per_receipt=3, trial_days=10), Price(D(2027, 2, 1), 90)),
        CAP,
        window=dt.timedelta(hours=24),
    ),
}
PLACES = {GUANGDONG: "CN-GD", HEBEI: "CN-HE", ZHEJIANG: "CN-ZJ"}
WORDS = {"open": "开通短信回执", "yes": "是", "no": "否", "cancel": "退订", "ask": "查询短信回执",
         "ordinary": "PT"}  # fmt: skip
#: Every word that is neither yes nor a wish to open or cancel answers an open offer with no.
MEANS = {"open": "open", "yes": "yes", "cancel": "cancel"}

NUMBERS = st.sampled_from(list(PLACES))
FAULTS = st.sampled_from([None, None, None, "before", "after", "race"])


def book_of(shipped: RuleBook) -> RuleBook:
    """The shipped book with the prices above, under which the customers live."""
    provinces = dict(shipped.provinces)
    for number, code in PLACES.items():
        terms = TERMS[number]
        provinces[code] = msgspec.structs.replace(
            provinces[code],
            tariffs=tuple(
                Tariff(
                    version=f"{code}-{place}", since=price.since, monthly_fen=price.monthly,
                    per_receipt_fen=price.per_receipt, free_receipts=price.free,
                    trial_days=price.trial_days,
                )
                for place, price in enumerate(terms.prices)
            ),
            confirmation_hours=int(terms.window.total_seconds() // 3600),
            cancel_takes_effect=Effect.MONTH_END if terms.runs_to_month_end else Effect.NOW,
        )  # fmt: skip
    limits = msgspec.structs.replace(shipped.limits, monthly_cap_fen=CAP)
    return msgspec.structs.replace(shipped, provinces=provinces, limits=limits)


class Carrier:
    """Somebody who would carry texts; no test lets one leave."""

    name = "carrier"
    abilities = Abilities(flash=False, reports=True, lookup=False)

    def send(self, parcel: Parcel) -> str:
        raise TryLater(parcel.id)

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        raise TryLater(f"{parcel.id} {since} {known}")


class Shaky:
    """The real store; its next commit may fail, be lost on the way back, or lose a race."""

    def __init__(self, store: RedisStore) -> None:
        self._store, self.fault = store, None

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def commit(self, change: Change) -> Committed:
        return self.commit_all([change])[0]

    def commit_all(self, changes: Sequence[Change]) -> list[Committed]:
        fault, self.fault = self.fault, None
        if fault == "before":
            raise StoreUnavailable(fault)
        if fault == "half":
            self._store.commit_all(changes[: len(changes) // 2])
            raise StoreUnavailable(fault)
        if fault == "race":
            for number in {change.number for change in changes}:
                self._rival(number)
        done = self._store.commit_all(changes)
        if fault == "after":
            raise StoreUnavailable(fault)
        return done

    def _rival(self, number: Msisdn) -> None:
        """Somebody else changes the same record between our look and our commit."""
        held = self._store.read(number).subscription
        if held.version:
            again = held.but(version=held.version + 1)
            self._store.commit_all([Change(number, records=(again,))])


@dataclass
class Business:
    """All the parts a customer's history goes through, on one clock and one shaky store."""

    built: wiring.Services
    store: Shaky
    clock: object

    def __post_init__(self) -> None:
        business: Subscriptions = self.built.subscriptions
        self.subscriptions = business
        self.delivery = Delivery(Routes(Carrier()), self.built.book.sending, self.built.clock)
        outbox = self.built.memory.outbox
        self.sweep = Sweep(self.store, outbox, business, self.delivery, self.built.clock)
        self.billing = Billing(self.store, self.built.memory.archive, business, self.built.clock)
        self.conversation = wiring.conversation(self.built)
        self.hotline = wiring.hotline(self.built)
        self.hotline._store = self.store  # noqa: SLF001 - the one door that holds a store itself
        self.reports = wiring.reports(self.built)
        self.reports._store = self.store  # noqa: SLF001 - so that its commits fail as well

    def text(self, number: Msisdn, body: str, event: str) -> Answer:
        text = IncomingText(event, number, body)
        return settle(
            self.store, number, lambda held: self.conversation.decide(held, text), event, talk=True
        )

    def call(self, number: Msisdn, at: CallState, sid: str) -> None:
        place = Place(at, Language.ZH, province=PLACES[number])
        self.hotline.pressed(Pressed(sid, number, place, "1"))

    def told(self, number: Msisdn, about: str, act: Callable[[Subscription], Step]) -> None:
        """The operator's news of a customer, with the notice that goes with it."""

        def decide(held: notices.Held) -> Change:
            step = act(held.subscription)
            return notices.announced(
                step, held.subscription, about, Language.ZH, self.store, self.delivery
            )

        settle(self.store, number, decide)

    def send(self, posted: Posted, *, answered: bool) -> Receipt | None:
        """Begin to send; None when it is not to be sent. Lost unless ``answered`` is written."""
        receipt = self.store.receipts([posted.receipt_id])[0]
        change = self.delivery.begin(receipt, posted)
        if self.store.commit(change).verdict is not Verdict.DONE or change.done:
            return None
        sending = self.store.receipts([posted.receipt_id])[0]
        while answered:
            owner = self.store.read(sending.number).subscription if needs_owner(sending) else None
            accepted = self.delivery.accepted(sending, f"P{sending.id}", posted, owner)
            if self.store.commit(accepted).verdict is Verdict.DONE:
                break
            sending = self.store.receipts([posted.receipt_id])[0]
        return sending


class Histories(RuleBasedStateMachine):
    """Customers, the operator, the network and time, all doing what they like."""

    built: wiring.Services
    raw: "redis.Redis"

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.memory.outbox.open()
        self.clock = self.built.clock
        self.clock.at = BEGINS
        self.shaky = Shaky(self.built.store)
        self.at_work = Business(self.built, self.shaky, self.clock)
        self.history: dict[Msisdn, list[Happened]] = {number: [] for number in PLACES}
        self.count = 0
        self.last: tuple[Msisdn, str, str] | None = None
        self.on_the_way: dict[str, Receipt] = {}
        self.texts: list[tuple[Msisdn, str]] = []

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
        except StoreUnavailable:
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

    @rule(
        number=NUMBERS,
        word=st.sampled_from(["open", "yes", "open", "yes", *WORDS]),
        fault=FAULTS,
        again=st.booleans(),
    )
    def texts_7500(self, number: Msisdn, word: str, fault: str | None, again: bool) -> None:  # noqa: FBT001
        event = self._event("sms")
        self.last = (number, WORDS[word], event)
        self._happens(
            number,
            [(MEANS.get(word, "other"), "")],
            lambda: self.at_work.text(number, WORDS[word], event),
            fault,
            again=again,
        )
        if not again and fault == "before":
            self.last = None

    @rule(number=NUMBERS)
    def opens_with_a_yes_at_once(self, number: Msisdn) -> None:
        for word in ("open", "yes"):
            self.texts_7500(number, word, None, again=False)

    @rule(number=NUMBERS)
    def lists_and_cancels_by_number(self, number: Msisdn) -> None:
        self.sweeps(None)
        self.at_work.text(number, "0000", self._event("sms"))
        self.history[number].append((self.clock.now(), "other", ""))
        held = self.built.store.read(number).subscription
        what = "cancel" if held.question else "yes"
        self.at_work.text(number, "1", self._event("sms"))
        self.history[number].append((self.clock.now(), what, ""))

    @rule()
    def is_heard_twice(self) -> None:
        if self.last:
            self.at_work.text(*self.last)

    @rule(number=NUMBERS, opens=st.booleans(), fault=FAULTS)
    def calls_10086(self, number: Msisdn, opens: bool, fault: str | None) -> None:  # noqa: FBT001
        sid, at = self._event("CA"), CallState.OFFER if opens else CallState.CANCELLING
        self._happens(
            number,
            [("voice_open" if opens else "cancel", "")],
            lambda: self.at_work.call(number, at, sid),
            fault,
            again=True,
        )

    # -- the operator ------------------------------------------------------------------------

    @rule(
        number=NUMBERS,
        paid=st.booleans(),
        back=st.integers(0, 2),
        fault=FAULTS,
        again=st.booleans(),
    )
    def collects(
        self, number: Msisdn, paid: bool, back: int, fault: str | None, again: bool  # noqa: FBT001
    ) -> None:  # fmt: skip
        month, about = month_before(month_of(self.clock.now()), back), self._event("list")
        asked = Asked(Door.COUNTER, Language.ZH, "list")
        self._happens(
            number,
            [("paid" if paid else "failed", month)],
            lambda: self.at_work.told(
                number,
                about,
                lambda held: self.at_work.subscriptions.collected(
                    held, month, paid=paid, asked=asked
                ),
            ),
            fault,
            again=again,
        )

    @rule(number=NUMBERS, fault=FAULTS)
    def is_ported_out(self, number: Msisdn, fault: str | None) -> None:
        about = self._event("list")
        asked = Asked(Door.COUNTER, Language.ZH, "list")
        self._happens(
            number,
            [("ported", "")],
            lambda: self.at_work.told(
                number, about, lambda held: self.at_work.subscriptions.port_out(held, asked)
            ),
            fault,
            again=True,
        )

    @rule(
        back=st.sampled_from([0, 0, 0, 1, 1, 2]),
        fault=st.sampled_from([None, None, "half", "after"]),
    )
    def bills(self, back: int, fault: str | None) -> None:
        month = month_before(month_of(self.clock.now()), back)
        self.shaky.fault = fault
        try:
            list(self.at_work.billing.run(month))
        except StoreUnavailable:
            list(self.at_work.billing.run(month))
        self.shaky.fault = None
        for history in self.history.values():
            history.append((self.clock.now(), "bill", month))

    # -- the network -------------------------------------------------------------------------

    @rule(
        number=NUMBERS,
        fate=st.sampled_from([Fate.DELIVERED, Fate.DELIVERED, Fate.DELIVERED, Fate.FAILED]),
        fault=FAULTS,
        repeats=st.booleans(),
    )
    def a_text_arrives(
        self, number: Msisdn, fate: Fate, fault: str | None, repeats: bool  # noqa: FBT001
    ) -> None:  # fmt: skip
        text = self._event("SM")
        report = Report(text, number, FRIEND, fate, fate.value, self.clock.now())
        for _ in range(1 + repeats):
            self._happens(
                number,
                [("delivered", text)] if fate is Fate.DELIVERED else [],
                lambda: self.at_work.reports.take(report),
                fault,
                again=True,
            )
            fault = None

    @rule(answered=st.booleans(), fault=FAULTS, over=st.booleans())
    def the_worker_sends(self, answered: bool, fault: str | None, over: bool) -> None:  # noqa: FBT001
        outbox = self.built.memory.outbox
        entries = outbox.take_over("one", 0, 100) if over else []
        for posted in [*entries, *outbox.take("one", 100, 0.001)]:
            self.shaky.fault, fault = fault, None
            try:
                sent = self.at_work.send(posted, answered=answered)
            except StoreUnavailable:
                sent = None
            self.shaky.fault = None
            now = self.built.store.receipts([posted.receipt_id])[0]
            if now is None or not now.message_id:
                continue
            if now.sent_at == self.clock.now() and posted.receipt_id not in self.on_the_way:
                self.history[now.number].append((self.clock.now(), "went_out", now.message_id))
            if sent or now.attempts:
                self.on_the_way[posted.receipt_id] = now

    @rule(fault=FAULTS)
    def the_carrier_tells(self, fault: str | None) -> None:
        for receipt_id, receipt in self.on_the_way.items():
            self._happens(
                receipt.number,
                [("went_out", receipt.message_id or "")],
                lambda receipt_id=receipt_id: take_news(
                    self.shaky, self.at_work.delivery, receipt_id, Told.DELIVERED, "delivered", "P"
                ),
                fault,
                again=True,
            )
            fault = None

    # -- time --------------------------------------------------------------------------------

    @rule(
        hours=st.sampled_from([1, 5, 20, 23, 25, 49, 24 * 9, 24 * 14, 24 * 20, 24 * 33]),
        awake=st.sampled_from([True, True, True, False]),
    )
    def time_passes(self, hours: int, awake: bool) -> None:  # noqa: FBT001
        self.clock.move(hours=hours)
        if awake:
            self.sweeps(None)

    @rule()
    def a_new_month_begins(self) -> None:
        local = self.clock.now().astimezone(dt.timezone(dt.timedelta(hours=8)))
        first = (local.replace(day=1, hour=0, minute=0, second=0) + dt.timedelta(days=32)).replace(
            day=1
        )
        self.clock.at = first.astimezone(dt.UTC)
        self.sweeps(None)

    @rule(fault=FAULTS)
    def sweeps(self, fault: str | None) -> None:
        self.shaky.fault = fault
        for _ in range(2):
            for timer in self.at_work.sweep.due(1000):
                try:
                    self.at_work.sweep.ring(timer)
                except StoreUnavailable:
                    break
        self.shaky.fault = None
        for history in self.history.values():
            history.append((self.clock.now(), "swept", ""))

    # -- what must hold ----------------------------------------------------------------------

    def _charged(self, number: Msisdn) -> list[Charge]:
        months = [month_before(month_of(self.clock.now()), back) for back in range(40)]
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
            chain = self.built.memory.archive.consent(number)
            assert broken_at(chain, self.built.store.read(number).subscription.chain) is None
            for charge in self._charged(number):
                consent = led_to(chain, charge)
                assert consent is not None, "charged without a yes"
                assert consent.offer.shown
                assert consent.reply.heard


def _name(charge: Charge) -> str:
    """A charge as the slow ledger calls it."""
    if charge.kind is ChargeKind.MONTHLY:
        return charge.id
    return f"receipt {charge.why.removeprefix('receipt for message ').partition(': ')[0]}"


def test_charges_are_right_to_the_fen(built: wiring.Services, raw: "redis.Redis"):
    book = book_of(built.book)
    business = Subscriptions(book, built.numbering, built.clock)
    Histories.built = replace(built, book=book, subscriptions=business)
    Histories.raw = raw
    raw.config_set("appendfsync", "no")  # a disk's pace proves nothing about money
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=int(os.environ.get("HISTORIES", "40")),
            stateful_step_count=40,
            deadline=None,
            derandomize="HISTORIES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
