"""Delivery reports of relayed texts: each new state reports on the pair of its own record."""

from collections.abc import Callable

from msgspec.structs import replace

from receipts.model.message import DeliveryReport, FailureCause, MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.reports.service import ReportService
from statemachines.receipt import ReceiptState

#: Status and cause of a failure, by provider and its raw answer.
ReadRelayFailure = Callable[[str, str], tuple[MessageStatus, FailureCause]]

_STATUS = {
    ReceiptState.SENT: MessageStatus.UNDERWAY,
    ReceiptState.UNSURE: MessageStatus.UNDERWAY,
    ReceiptState.DELIVERED: MessageStatus.DELIVERED,
    ReceiptState.EXPIRED: MessageStatus.EXPIRED,
}
_FAILURES = frozenset({ReceiptState.UNDELIVERED, ReceiptState.FAILED})


class RelayReports:
    """Turns the states of relayed texts into delivery reports of person-to-person texts."""

    def __init__(
        self, store: Store, reports: ReportService, clock: Clock, read_failure: ReadRelayFailure
    ) -> None:
        self._store, self._reports, self._clock = store, reports, clock
        self._read_failure = read_failure

    def fire(self, timer: Timer) -> None:
        """Ingest the report of a relayed text and end its timer, in one commit.

        No retry on conflict: the timer is still due, or another worker has fired it.
        Raises StoreUnavailableError.
        """
        (relay,) = self._store.receipts([timer.subject.rpartition("/")[0]])
        report = self._report(relay) if relay is not None else None
        change = ChangeSet(timer.number)
        if report is not None:
            change = self._reports.decide(self._reports.load([report])[0], [report])
        self._store.commit(replace(change, fired_timer=timer))

    def _report(self, relay: Receipt) -> DeliveryReport | None:
        """The report on a relayed text in its present state; None where that has none."""
        raw = relay.history[-1].raw_status if relay.history else ""
        if relay.state in _FAILURES:
            raw = raw or (relay.send_log[-1].detail if relay.send_log else "")
            status, cause = self._read_failure(relay.provider or "", raw)
        elif relay.state in _STATUS:
            status, cause = _STATUS[relay.state], FailureCause.UNKNOWN
        else:
            return None
        if relay.recipient is None:
            return None
        arrived = relay.done_at if status is MessageStatus.DELIVERED else None
        return DeliveryReport(
            relay.id,
            relay.number,
            relay.recipient,
            status,
            f"relay {relay.state} {raw}".strip(),
            self._clock.now(),
            cause=cause,
            submitted=ReportedTime(relay.created_at),
            done=ReportedTime(arrived) if arrived else None,
            live=True,
        )
