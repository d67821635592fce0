"""A change set of the store: records, outbox, timers, charges and audit entries."""

import datetime as dt
from dataclasses import dataclass
from enum import Enum

import msgspec
from msgspec import Struct

from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn


@dataclass(frozen=True, slots=True)
class Deferred:
    """A receipt of this version put aside until a line has room for it; the oldest goes first."""

    receipt_id: str
    version: int
    queue: str
    since: dt.datetime


class Reply(msgspec.Struct, frozen=True, omit_defaults=True, rename={"messages": "phrases"}):
    """What a door tells the customer: phrases by key with their facts; ``next`` is the door's own.

    It is kept beside the claim of its event, so that a repeat gets the same answer.
    """

    messages: tuple[tuple[str, dict[str, str]], ...] = ()
    language: str = ""
    next: str = ""


class OutboxEntry(Struct, frozen=True):
    """One entry of the outbox in a worker's hands; ``late`` if it had to wait for a line."""

    shard: int
    entry: str
    receipt_id: str
    deferred: bool = False


class Timer(Struct, frozen=True):
    """Something that time alone brings: at ``at``, look at ``subject`` for ``kind``."""

    kind: str
    number: Msisdn
    subject: str
    at: dt.datetime | None = None


Record = (
    Subscription
    | Receipt
    | MessageTrace
    | DailyReplyCount
    | CallLog
    | CustomerCredentials
    | LoginState
)


class ChangeSet(Struct, frozen=True):
    """All that one event does, for one customer: it happens whole or not at all.

    Each record carries the version it will have; the store refuses one not just above its own.
    """

    number: Msisdn
    idempotency_key: str | None = None
    reply: Reply = Reply()
    records: tuple[Record, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    outbox: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[Timer, ...] = ()
    fired_timer: Timer | None = None
    acked: tuple[OutboxEntry, ...] = ()
    counters: tuple[str, ...] = ()
    deferred: tuple[Deferred, ...] = ()


class CommitStatus(Enum):
    """How a commit ended."""

    COMMITTED = "done"
    DUPLICATE = "seen"
    CONFLICT = "conflict"


class CommitResult(Struct, frozen=True):
    """A commit's end; ``answer`` is the first answer when the event had been claimed before."""

    status: CommitStatus
    previous_reply: Reply | None = None


def is_empty(change: ChangeSet) -> bool:
    """Whether a change changes anything."""
    return bool(
        change.idempotency_key is not None
        or change.records
        or change.charges
        or change.audit
        or change.outbox
        or change.deferred
        or change.timers
        or change.cancelled_timers
        or change.fired_timer
        or change.acked
        or change.counters
    )


def marks_only(change: ChangeSet) -> bool:
    """Whether all that a change does is to mark its event as taken, with its answer."""
    return change == ChangeSet(change.number, change.idempotency_key, change.reply)
