"""A change set of the store: records, outbox, timers, charges and audit entries."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.charge import AuditEntry, Charge, StaffLookup
from receipts.model.counter import CounterVisit
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.figure import Figure
from receipts.model.message import IndexedText, MessageTrace, StrangerTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn


@dataclass(frozen=True, slots=True)
class Deferred:
    """A receipt that a rate limit defers, at this version; the oldest of a queue returns first."""

    receipt_id: str
    version: int
    queue: str
    since: dt.datetime


# ``rename`` keeps the stored key where a field has got another name in Python.
class Reply(Struct, frozen=True, omit_defaults=True, rename={"messages": "phrases"}):
    """The reply to an event, stored with its idempotency key for repeats of the event.

    ``messages`` are message keys with their parameters; ``next`` belongs to the channel.
    """

    messages: tuple[tuple[str, dict[str, str]], ...] = ()
    language: str = ""
    next: str = ""


class DeliveryResult(Struct, frozen=True):
    """The end of one receipt at a provider; the code of its failure is empty for a delivery."""

    provider: str
    at: dt.datetime
    code: str = ""
    receipt_id: str = ""


class OutboxEntry(Struct, frozen=True):
    """An outbox entry leased to a worker; ``deferred`` if a rate limit had deferred it."""

    shard: int
    entry: str
    receipt_id: str
    deferred: bool = False


class Timer(Struct, frozen=True):
    """A timer of a customer: at ``at``, the handler of ``kind`` runs for ``subject``."""

    kind: str
    number: Msisdn
    subject: str
    at: dt.datetime | None = None


Record = (
    Subscription
    | Receipt
    | MessageTrace
    | StrangerTrace
    | DailyReplyCount
    | CallLog
    | CustomerCredentials
    | LoginState
    | CounterVisit
)


class ChangeSet(Struct, frozen=True):
    """All writes of one event for one customer, committed as a whole or not at all.

    Each record has its new version; the store rejects one that is not the next (optimistic lock).
    """

    number: Msisdn
    idempotency_key: str | None = None
    reply: Reply = Reply()
    records: tuple[Record, ...] = ()
    #: Records to erase: a trace at its version, others whatever theirs; a receipt leaves its lists.
    erased: tuple[Record, ...] = ()
    #: Receipts that the archive has in these versions: they leave the store and its lists.
    archived: tuple[Receipt, ...] = ()
    #: Traces of texts in them that get a record of their own, each for so many seconds.
    kept_traces: tuple[tuple[MessageTrace, int], ...] = ()
    #: Whether the customer is to be erased from the archive.
    erases_archive: bool = False
    #: Texts to add to the index of texts, and entries of one sender to remove from it.
    indexed: tuple[IndexedText, ...] = ()
    unindexed: tuple[IndexedText, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    lookups: tuple[StaffLookup, ...] = ()
    #: Ids of receipts to send.
    outbox: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[Timer, ...] = ()
    #: The timer that is handled by this change; a conflict if it is gone or was set to later.
    fired_timer: Timer | None = None
    #: Timers handled with it: a conflict if one of them is gone.
    joined_timers: tuple[Timer, ...] = ()
    #: Outbox entries that are done.
    acked: tuple[OutboxEntry, ...] = ()
    #: Names of report counters, each to be raised by one.
    counters: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    #: A text that was not understood, without its digits, to be counted by itself.
    unknown_text: Figure | None = None
    deferred: tuple[Deferred, ...] = ()
    #: Ends of receipts, from which the health of their sender is judged.
    results: tuple[DeliveryResult, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.idempotency_key is None and self.marks_only

    @property
    def is_act(self) -> bool:
        """Whether the event changes the customer: it is never applied again, however late."""
        kinds = (Subscription, CustomerCredentials)
        return bool(self.audit) or any(isinstance(record, kinds) for record in self.records)

    @property
    def marks_only(self) -> bool:
        """Whether there is at most an idempotency key to set, with its reply."""
        return self == ChangeSet(self.number, self.idempotency_key, self.reply)


def joined(sender: Msisdn, steps: Sequence[ChangeSet]) -> ChangeSet:
    """One change of several, without their records."""
    if len(steps) == 1:  # it cancels no timer that it sets
        return replace(steps[0], records=())
    cancelled = tuple(timer for step in steps for timer in step.cancelled_timers)
    subjects = {timer.subject for timer in cancelled}
    return ChangeSet(
        sender,
        outbox=tuple(receipt_id for step in steps for receipt_id in step.outbox),
        timers=tuple(t for step in steps for t in step.timers if t.subject not in subjects),
        cancelled_timers=cancelled,
        counters=tuple(counter for step in steps for counter in step.counters),
        figures=tuple(chain.from_iterable(step.figures for step in steps)),
    )


class CommitStatus(Enum):
    """The status of a commit."""

    COMMITTED = "done"
    DUPLICATE = "seen"
    CONFLICT = "conflict"


class CommitResult(Struct, frozen=True):
    """The result of a commit; a DUPLICATE brings the reply of the first event while it is kept."""

    status: CommitStatus
    previous_reply: Reply | None = None
