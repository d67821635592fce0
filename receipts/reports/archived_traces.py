"""Traces of texts whose receipts are in the archive: they tell repeated reports from new ones."""

import datetime as dt
from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from receipts.model.message import DeliveryReport, MessageTrace
from receipts.ports.receipt_archive import ReceiptArchive
from receipts.ports.store import Snapshot
from receipts.reports.eligibility import Eligibility
from receipts.rulebook.schema import Retention

_log = structlog.get_logger()


class ArchivedTraces:
    """Completes snapshots by the archive, for reports on texts older than receipts in the store."""

    def __init__(
        self, archive: ReceiptArchive, eligibility: Eligibility, retention: Retention
    ) -> None:
        self._archive, self._eligibility = archive, eligibility
        self._in_store = dt.timedelta(days=retention.receipts_in_store_days)

    def complete(
        self, snapshots: Sequence[Snapshot], reports: Sequence[DeliveryReport]
    ) -> list[Snapshot]:
        """The snapshots of reports, with the traces that the archive has.

        Where a month of it cannot be read, a repeated report counts as new: an old report is rare,
        and must not keep back those with it. Raises StoreUnavailableError.
        """
        ids = {
            index: self._eligibility.receipt_id(new, answered=True)
            for index, (snapshot, report) in enumerate(zip(snapshots, reports, strict=True))
            if (new := self._unknown_text(snapshot, report)) is not None
        }
        completed = list(snapshots)
        if not ids:
            return completed
        found = self._archive.find(list(ids.values()))
        if found.unreadable:
            _log.warning("old reports were not compared", archive=", ".join(found.unreadable))
        for index, receipt_id in ids.items():
            receipt = found.by_id.get(receipt_id)
            if receipt is not None:
                trace = receipt.full_text_trace
                completed[index] = replace(completed[index], trace=trace, receipt=receipt)
        return completed

    def _unknown_text(self, snapshot: Snapshot, report: DeliveryReport) -> MessageTrace | None:
        """The text of a report that the archive may know better than the store."""
        sent = report.submitted
        if sent is None or report.at - sent.at < self._in_store:
            return None
        if snapshot.trace is not None or snapshot.receipt is not None:
            return None
        if self._eligibility.is_stranger(snapshot):
            return None
        return MessageTrace(report.message_id, report.sender, report.recipient)
