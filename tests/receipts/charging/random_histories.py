"""Random histories of customers, with repeats, lost races and crashes between any two steps.

They go through the real channels, worker steps and store.
"""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app import bootstrap
from receipts.bulk_import.apply import SourceLine
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import CollectionRow
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.calendar import month_before, month_of, months_between, next_month
from receipts.model.charge import ChargeKind
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import StoreUnavailableError
from statemachines.call_menu import CallState
from statemachines.fee_collection import CollectionResult
from tests.support.histories import BEGINS, FRIEND, GATHER, PLACES, Business, Shaky
from tests.support.reference_billing import Happened

KEYWORDS = {
    "open": "开通短信回执", "yes": "是", "no": "否", "cancel": "退订", "ask": "查询短信回执",
    "ordinary": "PT",
}  # fmt: skip
#: Events of the reference model by keyword; each other keyword declines an open offer.
EVENTS = {"open": "open", "yes": "yes", "cancel": "cancel"}

NUMBERS = st.sampled_from(list(PLACES))
FAULTS = st.sampled_from([None, None, None, "before", "after", "race"])
REQUESTS = st.sampled_from([*KEYWORDS, "yes", "again", "call to open"])
CANCELLATIONS = st.sampled_from(["cancel", "cancel", "call to cancel", "list", "ported"])
COLLECTIONS = st.sampled_from(["paid", "paid", "failed"])
CHARGED = st.sampled_from([True, True, True, False])
#: Months between an event of the operator and its month.
BACK = st.sampled_from([0, 0, 0, 1, 1, 2])
COUNTS = st.sampled_from([1, 3])
STATUSES = st.sampled_from([MessageStatus.DELIVERED] * 3 + [MessageStatus.FAILED])
FATES = st.sampled_from(
    [ProviderStatus.DELIVERED, ProviderStatus.UNDELIVERED, ProviderStatus.FAILED]
)
#: The way of a receipt: it stays queued, is sent, loses its response, or meets a fault.
ONWARD = st.sampled_from(["waits", "sent", "sent", "sent", "lost", "before", "after", "race"])
#: Hours until the next event; None is the rest of the month.
LATER = st.sampled_from(
    [0] * 8 + [1, 5, 20, 23, 25, 49, 24 * 9, 24 * 9, 24 * 14, 24 * 33, None, None]
)
#: Hours until the report on a receipt.
REPORTED_AFTER = st.sampled_from([0, 0, 1, 24 * 9, 24 * 33, None, None])


class Histories(RuleBasedStateMachine):
    """Events of customers, operator, network and clock, in any order."""

    built: bootstrap.Container
    raw: "redis.Redis"
    digests = collected = refused = 0

    def __init__(self) -> None:
        super().__init__()
        self.raw.flushall()
        self.built.clients.outbox.open()
        self.clock = self.built.clock
        self.clock.at = BEGINS
        self.shaky = Shaky(self.built.store)
        self.business = Business(self.built, self.shaky)
        self.history: dict[Msisdn, list[Happened]] = {number: [] for number in PLACES}
        self.count = 0
        self.last_text: tuple[Msisdn, str, str] | None = None
        self.sent: dict[str, Receipt] = {}
        self.crashed: list[OutboxEntry] = []

    @initialize(subscribed=st.sampled_from([True, True, False]))
    def start(self, subscribed: bool) -> None:  # noqa: FBT001
        for number in PLACES if subscribed else ():
            self._subscribe(number)

    def _event_id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}:{self.count}"

    def _record(self, numbers: list[Msisdn], event: str, about: str = "") -> None:
        for number in numbers:
            self.history[number].append((self.clock.now(), event, about))

    def _apply(
        self, numbers: list[Msisdn], event: str, abouts: list[str], act: Callable[[], object],
        fault: str | None, *, retry: bool = True,
    ) -> bool:  # fmt: skip
        """Apply an event under a fault, maybe with one retry; record it if it took effect."""
        self.shaky.fault = fault
        try:
            act()
            applied = True
        except StoreUnavailableError:
            applied = retry or fault == "after"
            if retry:
                act()
        self.shaky.fault = None
        for about in abouts if applied else ():
            self._record(numbers, event, about)
        return applied

    # -- customers ---------------------------------------------------------------------------

    @rule(number=NUMBERS, later=LATER)
    def subscribe(self, number: Msisdn, later: int | None) -> None:
        self.pass_time(later)
        self._subscribe(number)

    @rule(number=NUMBERS, what=REQUESTS, later=LATER, fault=FAULTS, retry=st.booleans())
    def request(
        self, number: Msisdn, what: str, later: int | None, fault: str | None, retry: bool  # noqa: FBT001
    ) -> None:  # fmt: skip
        self.pass_time(later)
        if what == "call to open":
            self._call(number, "open", fault)
        elif what != "again":
            self._text(number, what, fault, retry=retry)
        elif self.last_text:
            self.business.text(*self.last_text)

    @rule(number=NUMBERS, how=CANCELLATIONS, later=LATER, fault=FAULTS)
    def cancel(self, number: Msisdn, how: str, later: int | None, fault: str | None) -> None:
        self.pass_time(later)
        if how == "cancel":
            self._text(number, how, fault, retry=True)
        elif how == "call to cancel":
            self._call(number, "cancel", fault)
        elif how == "list":
            self._list_and_cancel(number)
        else:
            self._import_row(number, "ported", "", fault)

    def _text(self, number: Msisdn, keyword: str, fault: str | None, *, retry: bool) -> None:
        text = (number, KEYWORDS[keyword], self._event_id("sms"))
        event, act = EVENTS.get(keyword, "other"), partial(self.business.text, *text)
        applied = self._apply([number], event, [""], act, fault, retry=retry)
        self.last_text = text if applied else None

    def _subscribe(self, number: Msisdn) -> None:
        for keyword in ("open", "yes"):
            self._text(number, keyword, None, retry=False)

    def _list_and_cancel(self, number: Msisdn) -> None:
        self._fire_timers(None)
        self.business.text(number, "0000", self._event_id("sms"))
        self._record([number], "other")
        held = self.built.store.load(number).subscription
        self.business.text(number, "1", self._event_id("sms"))
        self._record([number], "cancel" if held.question else "yes")

    def _call(self, number: Msisdn, request: str, fault: str | None) -> None:
        opens = request == "open"
        state = CallState.OFFER if opens else CallState.CANCELLING
        act = partial(self.business.call, number, state, self._event_id("CA"))
        self._apply([number], "voice_open" if opens else "cancel", [""], act, fault)

    # -- the operator ------------------------------------------------------------------------

    @rule(number=NUMBERS, status=COLLECTIONS, back=BACK, charged=CHARGED, later=LATER, fault=FAULTS)
    def collect_fee(
        self, number: Msisdn, status: str, back: int, charged: bool, later: int | None,  # noqa: FBT001
        fault: str | None,
    ) -> None:  # fmt: skip
        self.pass_time(later)
        months = months_between(BEGINS, self.clock.now())
        if charged:
            found = self.built.store.charges_of(number, months)
            months = [each.month for each in found if each.kind is ChargeKind.MONTHLY]
        for month in months[::-1][back : back + 1]:
            self._import_row(number, status, month, fault)

    def _import_row(self, number: Msisdn, event: str, month: str, fault: str | None) -> None:
        line = SourceLine("list", self._event_id("list"), 2)

        def act() -> None:
            if event == "ported":
                self.business.port_out(number, line)
                return
            try:
                self.business.collect(CollectionRow(number, month, CollectionResult(event)), line)
                type(self).collected += 1
            except RowError:
                type(self).refused += 1

        self._apply([number], event, [month], act, fault)

    @rule(back=BACK, later=LATER, fault=st.sampled_from([None, None, "half", "after"]))
    def bill(self, back: int, later: int | None, fault: str | None) -> None:
        self.pass_time(later)
        month = month_before(month_of(self.clock.now()), back)
        run = self.business.billing.run
        self._apply(list(PLACES), "bill", [month], lambda: list(run(month)), fault)

    # -- the network -------------------------------------------------------------------------

    @rule(number=NUMBERS, status=STATUSES, fault=FAULTS, count=COUNTS, onward=ONWARD)
    def deliver_texts(
        self, number: Msisdn, status: MessageStatus, fault: str | None, count: int, onward: str
    ) -> None:
        for _ in range(count):
            text = self._event_id("SM")
            report = DeliveryReport(text, number, FRIEND, status, status.value, self.clock.now())
            texts = [text] if status is MessageStatus.DELIVERED else []
            for each_fault in (fault, None):
                act = partial(self.business.reports.ingest, report)
                self._apply([number], "delivered", texts, act, each_fault)
            fault = None
        if onward != "waits":
            self._send_receipts(onward)

    def _send_receipts(self, onward: str) -> None:
        """Send the queued receipts, the first one under the fault, if any."""
        fault = onward if onward not in {"sent", "lost"} else None
        # Flash receipts wait for others, and those of one customer become a digest.
        self.clock.at += dt.timedelta(seconds=GATHER)
        self._fire_timers(None)
        for entry in self.built.clients.outbox.fetch("one", 100, 0.001):
            self.shaky.fault, fault = fault, None
            try:
                self.business.send(entry, answered=onward != "lost")
            except StoreUnavailableError:
                self.crashed.append(entry)
            self.shaky.fault = None
            self._record_sent(entry.receipt_id)

    def _record_sent(self, receipt_id: str) -> None:
        receipt = self.built.store.receipts([receipt_id])[0]
        if receipt is None or not self._texts_of(receipt) or not receipt.attempts:
            return
        if receipt.sent_at == self.clock.now() and receipt_id not in self.sent:
            for text in self._texts_of(receipt):
                self._record([receipt.number], "went_out", text)
        self.sent[receipt_id] = receipt

    def _texts_of(self, receipt: Receipt) -> list[str]:
        """The ids of the texts that a receipt or the members of a digest are about."""
        found = self.built.store.receipts(receipt.members) if receipt.members else [receipt]
        return [each.message_id for each in found if each and each.message_id]

    @rule(fault=FAULTS, status=FATES, every=COUNTS, later=REPORTED_AFTER)
    def report_receipts(
        self, fault: str | None, status: ProviderStatus, every: int, later: int | None
    ) -> None:
        """Report sent receipts late and repeatedly, also those of crashed workers.

        With ``every``, the reports between are lost.
        """
        self.pass_time(later)
        for entry in self.crashed:
            self.business.send(entry, answered=True)
            self._record_sent(entry.receipt_id)
        self.crashed.clear()
        for receipt_id, receipt in list(self.sent.items())[::every]:
            texts = self._texts_of(receipt)
            type(self).digests += len(texts) > 1
            update = (receipt_id, status, status.value, "P")
            act = partial(StatusUpdates(self.shaky, self.business.delivery).apply, *update)
            event = "arrived" if status is ProviderStatus.DELIVERED else "bounced"
            self._apply([receipt.number], event, texts, act, fault)
            fault = None

    # -- time --------------------------------------------------------------------------------

    @rule(hours=LATER, fault=FAULTS, awake=st.sampled_from([True, True, True, False]))
    def pass_time(self, hours: int | None, fault: str | None = None, awake: bool = True) -> None:  # noqa: FBT001, FBT002
        """Move the clock by hours, or to the next month; workers fire timers only if awake."""
        if hours == 0:
            return
        now = self.clock.now()
        self.clock.at = next_month(now) if hours is None else now + dt.timedelta(hours=hours)
        if awake:
            self._fire_timers(fault)

    def _fire_timers(self, fault: str | None) -> None:
        self.shaky.fault = fault
        for _ in range(2):
            for timer in self.business.sweep.due_timers(1000):
                with suppress(StoreUnavailableError):
                    self.business.sweep.fire(timer)
        self.shaky.fault = None
        self._record(list(PLACES), "swept")
