"""What became of a person-to-person text: is a receipt due, and if not, why not."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.digest import enqueue
from receipts.model.calendar import month_of
from receipts.model.customer import Subscription
from receipts.model.message import (
    DeliveryReport,
    MessageStatus,
    MessageTrace,
    NoReceiptReason,
    ReportEvent,
)
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus, Record, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import ContentionError, ReportQuery, Snapshot, Store
from receipts.ports.unit_of_work import MAX_ATTEMPTS
from receipts.reports.eligibility import Eligibility
from receipts.reports.message_trace import (
    ignored_because,
    is_duplicate,
    is_final,
    normalise_message_id,
    with_event,
    with_part,
)
from receipts.reports.reconciliation import RECEIPTS, REPORTS
from receipts.rulebook.schema import RuleBook

#: The timer of a text whose fate nobody has told yet.
REPORT_TIMEOUT = "chase"


#: All that was reported of one text in one go, in order.
_Text = list[DeliveryReport]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """How many reports said something new, and how many were known already."""

    accepted: int
    repeated: int


class ReportService:
    """Turns the network's news into receipts, each text once."""

    def __init__(
        self, store: Store, book: RuleBook, numbering: NumberingPlan, clock: Clock
    ) -> None:
        self._store, self._clock = store, clock
        self._due = Eligibility(store, book, numbering, clock)
        hours = book.sending.validity_hours + book.sending.margin_hours
        self._patience = dt.timedelta(hours=hours)

    def ingest(self, report: DeliveryReport) -> None:
        """One report, whole on disk when this returns. Raises StoreUnavailableError."""
        self.ingest_batch([report])

    def ingest_batch(self, reports: Sequence[DeliveryReport]) -> IngestResult:
        """Many reports in few round trips; all on disk when this returns.

        Reports of one text are decided together, in the order given. Texts that others changed
        meanwhile are read and decided again. Raises StoreUnavailableError.
        """
        texts: dict[tuple[Msisdn, Msisdn, str], list[DeliveryReport]] = {}
        for report in reports:
            text = (report.sender, report.recipient, normalise_message_id(report.message_id))
            texts.setdefault(text, []).append(report)
        accepted, waiting = 0, list(texts.values())
        for round_ in range(MAX_ATTEMPTS):
            if not waiting:
                return IngestResult(accepted, len(reports) - accepted)
            snapshot = self._store.load_many([self._query(t[0], round_ > 0) for t in waiting])
            changes = [
                self.decide(h, text_reports)
                for h, text_reports in zip(snapshot, waiting, strict=True)
            ]
            # Those that write nothing too: what they repeat must be as safe as what is new.
            took, waiting = _split_by_result(waiting, changes, self._store.commit_all(changes))
            accepted += took
        raise ContentionError("the same texts were reported by others again and again")

    def _query(self, report: DeliveryReport, again: bool) -> ReportQuery:  # noqa: FBT001 - read beside its use
        # A receipt outlives the news of its text. Only a report that comes after that finds the
        # id taken, loses its first round, and needs to know.
        text = MessageTrace(report.message_id, report.sender, report.recipient)
        receipt_id = self._due.receipt_id(text, answered=True) if again else None
        return ReportQuery(report.sender, report.recipient, report.message_id, receipt_id)

    def decide(self, snapshot: Snapshot, reports: Sequence[DeliveryReport]) -> ChangeSet:
        """What the reports of one text do: a receipt, or a reason for none, each. Pure."""
        first = reports[0]
        trace = snapshot.trace or _new_trace(first, snapshot.receipt)
        version = (snapshot.trace.version if snapshot.trace else 0) + 1
        if len(reports) == 1:
            # As nearly all do: nothing is to be joined.
            return self._decide_one(snapshot, trace, first, version)
        others: list[Record] = []
        post: list[str] = []
        timers: list[Timer] = []
        cancelled_timers: list[Timer] = []
        count: list[str] = []
        for report in reports:
            step = self._decide_one(snapshot, trace, report, version)
            for record in step.records:
                if isinstance(record, MessageTrace):
                    trace = record
                else:
                    others.append(record)
                    if isinstance(record, Subscription):
                        snapshot = replace(snapshot, subscription=record)
            post += step.outbox
            timers += step.timers
            cancelled_timers += step.cancelled_timers
            count += step.counters
        if not count:
            return ChangeSet(first.sender)
        ended = {timer.subject for timer in cancelled_timers}
        return ChangeSet(
            first.sender,
            records=(trace, *others),
            outbox=tuple(post),
            timers=tuple(timer for timer in timers if timer.subject not in ended),
            cancelled_timers=tuple(cancelled_timers),
            counters=tuple(count),
        )

    def _decide_one(
        self, snapshot: Snapshot, trace: MessageTrace, report: DeliveryReport, version: int
    ) -> ChangeSet:
        if is_duplicate(trace, report):
            return ChangeSet(report.sender)
        known, why_not = trace, ignored_because(trace, report)
        if why_not is None:
            known = with_part(trace, report)
            why_not = (
                self._due.refusal_reason(snapshot, known)
                if is_final(known)
                else NoReceiptReason.PARTS_MISSING
            )
        ended = is_final(known) and not is_final(trace)
        kept = with_event(known, report, why_not, version=version, ended=ended)
        # Only a text with news before this may be waited for.
        cancelled_timers = (self._timeout_timer(kept),) if ended and trace.history else ()
        if why_not is None:
            receipt = self._due.build_receipt(snapshot.subscription, kept, kept.status)
            kept = replace(kept, receipt_id=receipt.id)
            change = ChangeSet(
                report.sender,
                records=(kept,),
                cancelled_timers=cancelled_timers,
                counters=(REPORTS, RECEIPTS),
            )
            return enqueue(change, receipt)
        change = ChangeSet(
            report.sender,
            records=(kept,),
            cancelled_timers=cancelled_timers,
            counters=(REPORTS, why_not.value),
        )
        if not is_final(kept):
            change = self._schedule_timeout(snapshot, trace, kept, change)
        return (
            self._notify_off_net(snapshot, change)
            if why_not is NoReceiptReason.RECIPIENT_OFF_NET
            else change
        )

    def _schedule_timeout(
        self, snapshot: Snapshot, previous: MessageTrace, trace: MessageTrace, change: ChangeSet
    ) -> ChangeSet:
        """A first word that is not the last: if no other comes in time, the customer hears so."""
        if previous.history or self._due.refusal_reason(snapshot, trace) is not None:
            return change
        at = self._clock.now() + self._patience
        return replace(change, timers=(self._timeout_timer(trace, at),))

    @staticmethod
    def _timeout_timer(trace: MessageTrace, at: dt.datetime | None = None) -> Timer:
        return Timer(REPORT_TIMEOUT, trace.sender, f"{trace.message_id}|{trace.recipient}", at)

    def report_timeout(self, timer: Timer) -> None:
        """A text whose fate nobody told in time: the customer hears that there is no answer yet.

        It costs nothing, and a late word still gives its receipt. Raises StoreUnavailableError.
        """
        message_id, _, recipient = timer.subject.rpartition("|")
        text = MessageTrace(message_id, timer.number, Msisdn(recipient))
        receipt_id = self._due.receipt_id(text, answered=False)
        query = ReportQuery(text.sender, text.recipient, text.message_id, receipt_id)
        snapshot = self._store.load_many([query])[0]
        trace, change = snapshot.trace, ChangeSet(timer.number, fired_timer=timer)
        waited_for = trace is not None and not is_final(trace) and snapshot.receipt is None
        if trace and waited_for and self._due.refusal_reason(snapshot, trace) is None:
            receipt = self._due.build_receipt(snapshot.subscription, trace, None)
            chased = ReportEvent(self._clock.now(), f"(none in time: receipt {receipt.id})")
            kept = replace(trace, version=trace.version + 1, history=(*trace.history, chased))
            change = enqueue(replace(change, records=(kept,)), receipt)
        # A lost race needs no second try: the timer is still set, or its work is done.
        self._store.commit(change)

    def _notify_off_net(self, snapshot: Snapshot, change: ChangeSet) -> ChangeSet:
        """The first off-net friend of a month: the customer is told once why no receipt comes."""
        customer, month = snapshot.subscription, month_of(self._clock.now())
        if customer.off_net_notice_month == month:
            return change
        notice = self._due.off_net_notice(customer, month)
        notified = replace(customer, version=customer.version + 1, off_net_notice_month=month)
        return replace(change, records=(*change.records, notified, notice), outbox=(notice.id,))


def _split_by_result(
    texts: Sequence[_Text], changes: Sequence[ChangeSet], ends: Sequence[CommitResult]
) -> tuple[int, list[_Text]]:
    """How many reports said something new, and the texts whose change was not made."""
    accepted, lost = 0, list[_Text]()
    for text_reports, change, end in zip(texts, changes, ends, strict=True):
        if end.status is CommitStatus.COMMITTED:
            accepted += change.counters.count(REPORTS)
        else:
            lost.append(text_reports)
    return accepted, lost


#: The fate of a text of which only the receipt is left; which failure it was is forgotten.
_STATUS_OF_OUTCOME = {
    ReceiptOutcome.DELIVERED: MessageStatus.DELIVERED,
    ReceiptOutcome.FAILED: MessageStatus.FAILED,
    ReceiptOutcome.REJECTED: MessageStatus.REJECTED,
}


def _new_trace(report: DeliveryReport, receipt: Receipt | None) -> MessageTrace:
    """A text of which nothing is known; or nothing any more, but that it had its receipt."""
    fresh = MessageTrace(report.message_id, report.sender, report.recipient)
    if receipt is None or receipt.outcome not in _STATUS_OF_OUTCOME:
        return fresh
    return replace(fresh, status=_STATUS_OF_OUTCOME[receipt.outcome], receipt_id=receipt.id)
