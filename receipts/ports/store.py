"""The ports of the store: records, bulk reads and the outbox."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict, Unpack

from msgspec import Struct

from receipts.model.charge import AuditEntry, Charge, ChargeKind, StaffLookup
from receipts.model.counter import CounterVisit
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace, StrangerTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitResult, OutboxEntry, Reply, Timer


@dataclass(frozen=True, slots=True)
class Backlog:
    """The deferred receipts of one queue and shard: their count and the time of the oldest."""

    queue: str
    shard: int
    count: int
    oldest: dt.datetime


class StoreUnavailableError(Exception):
    """The store cannot be reached or written."""


#: Called after each round trip of commits: the changes, their results, and when it began, on the
#: clock of ``time.monotonic``.
CommitObserver = Callable[[Sequence[ChangeSet], Sequence[CommitResult], float], None]


class ContentionError(StoreUnavailableError):
    """Each retry of a transaction lost a race for the same record."""


class ReplayedEventError(Exception):
    """An event that changed the customer before comes again after its reply has expired."""


class MonthSums(Struct, frozen=True):
    """Sums of a customer's charges of a month: how many, fen by kind, and how many not free."""

    count: int = 0
    fen_by_kind: Mapping[ChargeKind, int] = {}
    paid_by_kind: Mapping[ChargeKind, int] = {}

    @property
    def fen(self) -> int:
        """The sum of all."""
        return sum(self.fen_by_kind.values())


class Snapshot(Struct, frozen=True):
    """The records of one read; None for a record that was not requested or does not exist."""

    number: Msisdn
    subscription: Subscription
    previous_reply: Reply | None = None
    reply_count: DailyReplyCount | None = None
    trace: MessageTrace | None = None
    stranger_trace: StrangerTrace | None = None
    call: CallLog | None = None
    login: LoginState | None = None
    recipient: Subscription | None = None
    receipt: Receipt | None = None
    month_sums: MonthSums | None = None
    credentials: CustomerCredentials | None = None

    @property
    def known_trace(self) -> MessageTrace | None:
        """The trace of the text, kept with its numbers or as a stranger's."""
        if self.trace is None and self.stranger_trace is not None:
            return self.stranger_trace.trace
        return self.trace


class LoadOptions(TypedDict, total=False):
    """The records to read besides the subscription: ``call`` by its id, sums of a month."""

    reply_count: bool
    call: str | None
    sums_of: str | None
    login: bool
    credentials: bool


class ReportQuery(Struct, frozen=True):
    """The records to read for a delivery report: sender, recipient, trace and receipt of the text.

    ``receipt_id`` names another receipt to read in place of the text's own.
    """

    sender: Msisdn
    recipient: Msisdn
    message_id: str
    receipt_id: str | None = None


class ReceiptWindow(Struct, frozen=True):
    """A stretch of the list of a customer's receipts and notices, newest first.

    Positions count from the oldest entry, 1, so that a newer one moves none of them. An entry
    whose record has expired is None.
    """

    newest: int
    entries: tuple[Receipt | None, ...]
    #: Entries of the whole list.
    length: int
    #: How many of these are from the archive, and months of it that could not be read.
    archived: int = 0
    unreadable: tuple[str, ...] = ()


class MonthLedger(Struct, frozen=True):
    """A customer's charges of a month: their number, their sum in fen, and some of the newest."""

    month: str
    count: int
    fen: int
    charges: tuple[Charge, ...] = ()


class Store(Protocol):
    """All records of the business. Every method raises StoreUnavailableError."""

    def load(
        self, number: Msisdn, idempotency_key: str | None = None, **options: Unpack[LoadOptions]
    ) -> Snapshot:
        """The customer and the other requested records, in one round trip."""

    def load_many(self, queries: Sequence[ReportQuery]) -> list[Snapshot]:
        """The snapshots for many reports in one round trip, in the order of the queries."""

    def commit(self, change: ChangeSet) -> CommitResult:
        """Write a change set as a whole or not at all; durable on return."""

    def commit_all(self, changes: Sequence[ChangeSet]) -> list[CommitResult]:
        """Commit several change sets, each by itself, in one round trip."""

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts in the order of their ids; None for an unknown one."""

    def receipts_of(
        self, number: Msisdn, limit: int | None, kind: MessageKind | None, skip: int = 0
    ) -> list[Receipt]:
        """A customer's receipts of one kind or all kinds, newest first, behind ``skip`` of them.

        Without a limit, all that are kept.
        """

    def receipt_window(self, number: Msisdn, limit: int, start: int | None = None) -> ReceiptWindow:
        """Up to ``limit`` listed receipts and notices of a customer, in two round trips.

        From the entry at position ``start`` to older ones, by default from the newest.
        """

    def receipts_at(self, number: Msisdn, positions: Sequence[int]) -> list[Receipt | None]:
        """The listed receipts and notices at some positions, in two round trips."""

    def recent_by_customer(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest receipts of each of several customers, newest first."""

    def recent_with_timer(
        self, kind: str, numbers: Sequence[Msisdn], limit: int
    ) -> list[list[Receipt]]:
        """Of the ``limit`` newest receipts of each customer, those with a timer of this kind."""

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges in these months, oldest first."""

    def month_sums(self, number: Msisdn, months: Sequence[str]) -> list[MonthSums]:
        """The sums of a customer's charges of some months, in order."""

    def ledgers(
        self, number: Msisdn, months: Sequence[str], limit: int, skip: int = 0
    ) -> list[MonthLedger]:
        """A customer's charges by month, each with up to ``limit`` behind the newest ``skip``.

        Newest first, in two round trips, for any number of charges, of which few are read.
        """

    def charges_by_id(self, number: Msisdn, ids: Sequence[tuple[str, str]]) -> list[Charge]:
        """Those of a customer's charges that exist, each by month and id, in one round trip."""

    def monthly_fees(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's monthly fees of some months, without those that were not charged."""

    def charged_months(self, number: Msisdn, months: Sequence[str]) -> list[str]:
        """Those of some months in which a customer has charges, in order."""

    def history(self, number: Msisdn, limit: int, skip: int = 0) -> list[AuditEntry]:
        """Entries of a customer's chain of consent behind the newest ``skip``, newest first."""

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt of this customer; the same seed gives the same id."""

    def visit(self, visit_id: str) -> CounterVisit | None:
        """A visit at a counter, which has an id as a receipt has; None once it has expired."""

    def ping(self) -> None:
        """Check that the store responds."""


class BulkReader(Protocol):
    """Bulk reads in bounded memory. Every method raises StoreUnavailableError."""

    def customers(self, cursor: int = 0) -> Iterator[tuple[int, list[Subscription]]]:
        """All customers in batches, each with the cursor of the next batch; 0 is the end."""

    def passed(self, cursor: int) -> float:
        """The share of ``customers`` that lies before a cursor, from 0 to 1."""

    def subscriptions(self, numbers: Sequence[Msisdn]) -> list[Subscription]:
        """Many customers in one round trip, in order; an unknown one as a new record."""

    def credentials(self, numbers: Sequence[Msisdn]) -> dict[Msisdn, CustomerCredentials]:
        """Credentials by number, of the customers that have some, in one round trip."""

    def charged(self, numbers: Sequence[Msisdn], month: str, charge_id: str) -> list[bool]:
        """For each of many customers in order, whether the charge exists."""

    def charges_of(self, numbers: Sequence[Msisdn], month: str) -> list[Charge]:
        """The charges of many customers in a month, in one round trip, by number and time."""

    def traces_of(self, sender: Msisdn) -> list[MessageTrace]:
        """The traces of a customer's own texts in records of their own, oldest first."""

    def calls_of(self, number: Msisdn) -> list[CallLog]:
        """All kept logs of a customer's calls, oldest first."""

    def timers_of(self, number: Msisdn) -> list[Timer]:
        """All timers that are set for a customer."""

    def consent(self, number: Msisdn) -> list[AuditEntry]:
        """A customer's chain of consent entries, oldest first."""

    def lookups_of(self, number: Msisdn, limit: int = 0) -> list[StaffLookup]:
        """The looks by staff at one customer's data, oldest first; with a limit the newest."""

    def figures(self, periods: Sequence[str]) -> list[dict[str, int]]:
        """The figures of days or months, or of names of their own, in one round trip."""

    def checkpoint(self, name: str, value: str | None = None) -> str | None:
        """The named checkpoint of a long run, written first when a value is given."""

    def server_run_id(self) -> str:
        """The id of the running server process; its cursors are valid as long as it runs."""


class Outbox(Protocol):
    """Receipts to send, and timers. Every method raises StoreUnavailableError."""

    def fetch(self, worker: str, limit: int, timeout: float) -> list[OutboxEntry]:
        """New entries for this worker; blocks at most ``timeout`` seconds."""

    def fetch_deferred(
        self, worker: str, queue: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[OutboxEntry]:
        """Deferred entries: at most ``fresh`` no older than ``since``, the oldest for the rest."""

    def backlog(self, queues: Iterable[str]) -> list[Backlog]:
        """The backlog of these queues by shard, without empty ones."""

    def reclaim(self, worker: str, idle: float, limit: int) -> list[OutboxEntry]:
        """Take over entries whose lease has not been renewed for ``idle`` seconds."""

    def renew_leases(self, worker: str, entries: Iterable[OutboxEntry]) -> None:
        """Renew the worker's leases of these entries."""

    def discard(self, entries: Iterable[OutboxEntry]) -> None:
        """Drop entries whose receipt no longer exists."""

    def due_timers(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Due timers, oldest first."""
