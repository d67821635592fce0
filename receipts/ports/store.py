"""What the business needs from outside, and the ways the outside can fail."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from receipts.model.charge import Charge
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitResult, OutboxEntry, Reply, Timer


@dataclass(frozen=True, slots=True)
class Backlog:
    """The receipts of one shard that wait for a line: how many, and since when the oldest."""

    queue: str
    shard: int
    count: int
    oldest: dt.datetime


class StoreUnavailableError(Exception):
    """The store cannot be reached or cannot be written; nothing was changed."""


class ContentionError(StoreUnavailableError):
    """The same record was changed by others again and again while we decided."""


class Snapshot(Struct, frozen=True):
    """What one read brought: the customer, and what else was asked for; None where nothing was."""

    number: Msisdn
    subscription: Subscription
    previous_reply: Reply | None = None
    reply_count: DailyReplyCount | None = None
    trace: MessageTrace | None = None
    call: CallLog | None = None
    login: LoginState | None = None
    recipient: Subscription | None = None
    receipt: Receipt | None = None
    charges: tuple[Charge, ...] | None = None


class ReportQuery(Struct, frozen=True):
    """What to read for a report: its sender, its text, the friend; a receipt if one is named."""

    sender: Msisdn
    recipient: Msisdn
    message_id: str
    receipt_id: str | None = None


class Store(Protocol):
    """The memory of the business. Every method raises StoreUnavailable when it is out of reach."""

    def load(
        self,
        number: Msisdn,
        idempotency_key: str | None = None,
        *,
        reply_count: bool = False,
        call: str | None = None,
        months: Sequence[str] = (),
        login: bool = False,
    ) -> Snapshot:
        """One round trip: the customer and what else the event needs."""

    def load_many(self, queries: Sequence[ReportQuery]) -> list[Snapshot]:
        """One round trip for many reports, in the order asked."""

    def commit(self, change: ChangeSet) -> CommitResult:
        """One round trip: all of it or nothing, on disk when it returns."""

    def commit_all(self, changes: Sequence[ChangeSet]) -> list[CommitResult]:
        """Several changes, each on its own, in one round trip."""

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts by id, in the order asked."""

    def receipts_of(self, number: Msisdn, limit: int, kind: MessageKind | None) -> list[Receipt]:
        """A customer's newest receipts first."""

    def recent_by_customer(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest things sent to several customers, newest first, in the order asked."""

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges of some months, oldest first."""

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt for this customer, made from what it is about."""

    def ping(self) -> None:
        """Raises StoreUnavailable unless the store answers."""


class BulkReader(Protocol):
    """Long looks through everything, in bounded memory. Every method raises StoreUnavailable."""

    def customers(self, cursor: int = 0) -> Iterator[tuple[int, list[Subscription]]]:
        """All customers in batches, each with the cursor that goes on behind it; 0 is the end."""

    def subscriptions(self, numbers: Sequence[Msisdn]) -> list[Subscription]:
        """Many customers in one round trip, in the order asked; new ones where none is known."""

    def credentials(self, numbers: Sequence[Msisdn]) -> dict[Msisdn, CustomerCredentials]:
        """The credentials of those of many customers that have some, in one round trip."""

    def charged(self, numbers: Sequence[Msisdn], month: str, charge_id: str) -> list[bool]:
        """Which of many customers have a charge already, in the order asked."""

    def checkpoint(self, name: str, value: str | None = None) -> str | None:
        """A note to oneself across runs; set when given."""

    def server_run_id(self) -> str:
        """Which running server this is: a cursor is good for as long as it runs."""


class Outbox(Protocol):
    """What waits to be sent, and what time alone will bring. Raises StoreUnavailable."""

    def fetch(self, worker: str, limit: int, timeout: float) -> list[OutboxEntry]:
        """Fresh entries of the outbox for this worker; waits at most ``wait`` seconds."""

    def fetch_deferred(
        self, worker: str, queue: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[OutboxEntry]:
        """Of what waits for a line: ``fresh`` no older than ``since``, the oldest for the rest."""

    def backlog(self, queues: Iterable[str]) -> list[Backlog]:
        """What waits for these lines, shard by shard where anything does."""

    def reclaim(self, worker: str, idle: float, limit: int) -> list[OutboxEntry]:
        """Entries that a worker silent for ``idle`` seconds still held."""

    def renew_leases(self, worker: str, entries: Iterable[OutboxEntry]) -> None:
        """Say that these entries are still being worked on."""

    def discard(self, entries: Iterable[OutboxEntry]) -> None:
        """Drop entries whose receipt is no longer known."""

    def due_timers(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Timers whose moment has come, oldest first."""
