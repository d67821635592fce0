"""Ingestion of delivery reports: each gives a receipt or has a reason for none."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.digest import enqueue
from receipts.model.calendar import month_of
from receipts.model.customer import Subscription
from receipts.model.figure import report_figure
from receipts.model.message import (
    DeliveryReport,
    IndexedText,
    MessageStatus,
    MessageTrace,
    NoReceiptReason,
    ReportEvent,
    StrangerTrace,
)
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import ChangeSet, CommitStatus, Record, Timer, joined
from receipts.ports.clock import Clock
from receipts.ports.receipt_archive import ReceiptArchive
from receipts.ports.store import ContentionError, ReportQuery, Snapshot, Store
from receipts.ports.unit_of_work import MAX_ATTEMPTS
from receipts.reports.archived_traces import ArchivedTraces
from receipts.reports.eligibility import Eligibility
from receipts.reports.message_trace import (
    OUTCOME_OF,
    ignored_because,
    is_duplicate,
    is_final,
    normalise_message_id,
    with_event,
    with_part,
)
from receipts.reports.reconciliation import RECEIPTS, REFUSED, REPORTS
from receipts.reports.text_identity import (
    is_repeat_at,
    new_text,
    position_of,
    record_of,
    series_at,
    texts_of,
    within_receipt,
)
from receipts.rulebook.schema import RuleBook

#: Names the shard that counts refused lines, which concern no customer.
_NO_CUSTOMER = Msisdn("+0")

#: Kind of the timer that ends the wait for a final report.
REPORT_TIMEOUT = "chase"


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Number of new reports, and of duplicates."""

    accepted: int
    repeated: int


class ReportService:
    """Turns delivery reports into receipts, at most one per text and outcome."""

    def __init__(
        self, store: Store, archive: ReceiptArchive, book: RuleBook, plan: NumberingPlan,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._store, self._clock = store, clock
        self._eligibility = Eligibility(store, book, plan, clock)
        self._archived = ArchivedTraces(archive, self._eligibility, book.retention)
        hours = book.sending.validity_hours + book.sending.margin_hours
        self._report_timeout = dt.timedelta(hours=hours)
        self._validity = dt.timedelta(hours=book.sending.validity_hours)

    def ingest(self, report: DeliveryReport) -> None:
        """Commit one report. Raises StoreUnavailableError or ContentionError."""
        self.ingest_batch([report])

    def ingest_batch(self, reports: Sequence[DeliveryReport]) -> IngestResult:
        """Commit many reports in few round trips.

        Reports of one text are decided together, in the given order; texts that lose a race
        are loaded and decided again. Raises StoreUnavailableError or ContentionError.
        """
        texts: dict[tuple[Msisdn, Msisdn, str], list[DeliveryReport]] = {}
        for report in reports:
            text = (report.sender, report.recipient, normalise_message_id(report.message_id))
            texts.setdefault(text, []).append(report)
        accepted, waiting = 0, list(texts.values())
        for _ in range(MAX_ATTEMPTS):
            if not waiting:
                return IngestResult(accepted, len(reports) - accepted)
            snapshots = self.load([text[0] for text in waiting])
            changes = [self.decide(s, text) for s, text in zip(snapshots, waiting, strict=True)]
            # Empty changes too: a duplicate's answer requires the first report to be durable.
            results = zip(waiting, changes, self._store.commit_all(changes), strict=True)
            waiting = []
            for text_reports, change, result in results:
                if result.status is CommitStatus.COMMITTED:
                    accepted += change.counters.count(REPORTS)
                else:
                    waiting.append(text_reports)
        raise ContentionError("the same texts were reported by others again and again")

    def load(self, reports: Sequence[DeliveryReport]) -> list[Snapshot]:
        """What is known of the texts of some reports. Raises StoreUnavailableError."""
        queries = [ReportQuery(r.sender, r.recipient, r.message_id) for r in reports]
        return self._archived.complete(self._store.load_many(queries), reports)

    def count_refused(self, lines: Sequence[bytes]) -> None:
        """Count lines that are no reports; the same lines of a repeated batch count once.

        Raises StoreUnavailableError.
        """
        digest = hashlib.blake2b(b"\n".join(lines), digest_size=16).hexdigest()
        figures = (report_figure(self._clock.now(), REFUSED, len(lines)),)
        counters, key = (REFUSED,) * len(lines), f"feed:{digest}"
        self._store.commit(ChangeSet(_NO_CUSTOMER, key, counters=counters, figures=figures))

    def decide(self, snapshot: Snapshot, reports: Sequence[DeliveryReport]) -> ChangeSet:
        """Decide on the reports of one text: a receipt or a reason for each. Pure."""
        first = reports[0]
        texts = self._texts(snapshot, first)
        stranger = self._eligibility.is_stranger(snapshot)
        stored = snapshot.stranger_trace if stranger else snapshot.trace
        version = (stored.version if stored else 0) + 1
        known = len(texts) if stored else 0
        steps: list[ChangeSet] = []
        others: list[Record] = []
        for report in reports:
            position = position_of(texts, report, self._validity)
            if position is None:
                position = len(texts)
                texts.append(new_text(report, beside=texts))
            step = self._decide_one(snapshot, texts[position], report, version)
            steps.append(step)
            for record in step.records:
                if isinstance(record, MessageTrace):
                    texts[position] = record
                    continue
                others.append(record)
                if isinstance(record, Subscription):
                    snapshot = replace(snapshot, subscription=record)
        change = joined(first.sender, steps)
        if not change.counters:
            return ChangeSet(first.sender)
        trace = record_of(texts, version)
        # Nothing more is reported of most texts: a trace within the receipt saves a record.
        folded = None if stranger else within_receipt(trace, others)
        return replace(
            change,
            records=folded or (StrangerTrace(trace) if stranger else trace, *others),
            erased=(stored,) if folded and stored and stored.version else (),
            indexed=() if stranger else self._indexed(texts[known:]),
        )

    def _indexed(self, begun: Sequence[MessageTrace]) -> tuple[IndexedText, ...]:
        """Entries of the index of texts, for texts whose trace begins."""
        today = self._clock.wall_clock().date()
        return tuple(
            IndexedText(each.sender, each.recipient, each.message_id, each.history[0].at, today)
            for each in begun
            if each.history
        )

    def _texts(self, snapshot: Snapshot, report: DeliveryReport) -> list[MessageTrace]:
        """The texts of this id, completed by a receipt that outlived its trace."""
        known = snapshot.known_trace
        texts = texts_of(known) if known else [new_text(report)]
        receipt = snapshot.receipt
        if receipt is None or receipt.outcome not in _STATUS_OF_OUTCOME:
            return texts
        return [
            each if each.series or is_final(each) else self._beside(receipt, each, report, texts)
            for each in texts
        ]

    def _beside(
        self,
        receipt: Receipt,
        text: MessageTrace,
        report: DeliveryReport,
        texts: Sequence[MessageTrace],
    ) -> MessageTrace:
        """The text of a found receipt, or a new text under its id."""
        begun = text.history[0].at if text.history else report.at
        age = begun - receipt.created_at
        if not report.live and not is_repeat_at(text.message_id, age, self._validity):
            return replace(text, series=series_at(begun, texts))
        status = _STATUS_OF_OUTCOME[receipt.outcome or ReceiptOutcome.DELIVERED]
        return replace(text, status=status, receipt_id=receipt.id)

    def _decide_one(
        self, snapshot: Snapshot, trace: MessageTrace, report: DeliveryReport, version: int
    ) -> ChangeSet:
        if is_duplicate(trace, report):
            return ChangeSet(report.sender)
        updated, reason = trace, ignored_because(trace, report)
        if reason is None:
            updated = with_part(trace, report)
            reason = NoReceiptReason.PARTS_MISSING
            if is_final(updated):
                reason = self._eligibility.refusal_reason(snapshot, updated)
        ended = is_final(updated) and not is_final(trace)
        kept = with_event(updated, report, reason, version=version, ended=ended)
        # Only a text with an earlier report may have a timer.
        cancelled = (self._timeout_timer(kept),) if ended and trace.history else ()
        result = OUTCOME_OF[kept.status] if reason is None else reason
        change = ChangeSet(
            report.sender,
            records=(kept,),
            cancelled_timers=cancelled,
            counters=(REPORTS, RECEIPTS if reason is None else reason.value),
            figures=(report_figure(report.at, result.value),),
        )
        if reason is None:
            receipt = self._eligibility.build_receipt(snapshot.subscription, kept, kept.status)
            change = replace(change, records=(replace(kept, receipt_id=receipt.id),))
            return enqueue(change, receipt, self._eligibility.waits_until(receipt))
        if not is_final(kept):
            change = self._schedule_timeout(snapshot, trace, kept, change)
        if reason is NoReceiptReason.RECIPIENT_OFF_NET:
            change = self._notify_off_net(snapshot, change)
        return change

    def _schedule_timeout(
        self, snapshot: Snapshot, previous: MessageTrace, trace: MessageTrace, change: ChangeSet
    ) -> ChangeSet:
        """Set the report timer at a text's first report, if its sender is eligible."""
        if previous.history or self._eligibility.refusal_reason(snapshot, trace) is not None:
            return change
        at = self._clock.now() + self._report_timeout
        return replace(change, timers=(self._timeout_timer(trace, at),))

    @staticmethod
    def _timeout_timer(trace: MessageTrace, at: dt.datetime | None = None) -> Timer:
        series = f"#{trace.series}" if trace.series else ""
        subject = f"{trace.message_id}|{trace.recipient}{series}"
        return Timer(REPORT_TIMEOUT, trace.sender, subject, at)

    def report_timeout(self, timer: Timer) -> None:
        """Send a free "no answer yet" receipt; a later final report gives its receipt still.

        No retry on conflict: the timer is still due, or another worker has fired it.
        Raises StoreUnavailableError.
        """
        message_id, _, rest = timer.subject.rpartition("|")
        recipient, _, series = rest.partition("#")
        text = MessageTrace(message_id, timer.number, Msisdn(recipient), series=series)
        receipt_id = self._eligibility.receipt_id(text, answered=False)
        query = ReportQuery(text.sender, text.recipient, text.message_id, receipt_id)
        snapshot = self._store.load_many([query])[0]
        change = ChangeSet(timer.number, fired_timer=timer)
        texts = texts_of(snapshot.trace) if snapshot.trace and snapshot.receipt is None else []
        for position, each in enumerate(texts):
            if each.series == series and not is_final(each):
                change = self._end_wait(snapshot, texts, position, change)
        self._store.commit(change)

    def _end_wait(
        self, snapshot: Snapshot, texts: list[MessageTrace], position: int, change: ChangeSet
    ) -> ChangeSet:
        """Add the "no answer yet" receipt of one text, if its sender is eligible."""
        text = texts[position]
        if self._eligibility.refusal_reason(snapshot, text) is not None:
            return change
        receipt = self._eligibility.build_receipt(snapshot.subscription, text, None)
        event = ReportEvent(self._clock.now(), f"(none in time: receipt {receipt.id})")
        texts[position] = replace(text, history=(*text.history, event))
        version = (snapshot.trace.version if snapshot.trace else 0) + 1
        change = replace(change, records=(record_of(texts, version),))
        return enqueue(change, receipt, self._eligibility.waits_until(receipt))

    def _notify_off_net(self, snapshot: Snapshot, change: ChangeSet) -> ChangeSet:
        """Add the off-net notification, at most once per customer and month."""
        customer, month = snapshot.subscription, month_of(self._clock.now())
        if customer.off_net_notice_month == month:
            return change
        notice = self._eligibility.off_net_notice(customer, month)
        notified = replace(customer, version=customer.version + 1, off_net_notice_month=month)
        return replace(change, records=(*change.records, notified, notice), outbox=(notice.id,))


#: Status restored from a receipt after its trace expired; the exact kind of failure is lost.
_STATUS_OF_OUTCOME = {
    ReceiptOutcome.DELIVERED: MessageStatus.DELIVERED,
    ReceiptOutcome.FAILED: MessageStatus.FAILED,
    ReceiptOutcome.REJECTED: MessageStatus.REJECTED,
}
