"""A change set of the store: records, outbox, timers, charges and audit entries."""

import datetime as dt
from dataclasses import dataclass
from enum import Enum

import msgspec
from msgspec import Struct

from receipts.model.charge import Audit, Charge
from receipts.model.customer import Access, Call, Owner, Subscription, Talk
from receipts.model.message import Trail
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn


@dataclass(frozen=True, slots=True)
class Parked:
    """A receipt of this version put aside until a line has room for it; the oldest goes first."""

    receipt_id: str
    version: int
    lane: str
    since: dt.datetime


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a door tells the customer: phrases by key with their facts; ``next`` is the door's own.

    It is kept beside the claim of its event, so that a repeat gets the same answer.
    """

    phrases: tuple[tuple[str, dict[str, str]], ...] = ()
    language: str = ""
    next: str = ""


class Posted(Struct, frozen=True):
    """One entry of the outbox in a worker's hands; ``late`` if it had to wait for a line."""

    shard: int
    entry: str
    receipt_id: str
    late: bool = False


class Timer(Struct, frozen=True):
    """Something that time alone brings: at ``at``, look at ``subject`` for ``kind``."""

    kind: str
    number: Msisdn
    subject: str
    at: dt.datetime | None = None


Stored = Subscription | Receipt | Trail | Talk | Call | Owner | Access


class Change(Struct, frozen=True):
    """All that one event does, for one customer: it happens whole or not at all.

    Each record carries the version it will have; the store refuses one not just above its own.
    """

    number: Msisdn
    claim: str | None = None
    answer: Answer = Answer()
    records: tuple[Stored, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[Audit, ...] = ()
    post: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    untimers: tuple[Timer, ...] = ()
    fired: Timer | None = None
    done: tuple[Posted, ...] = ()
    count: tuple[str, ...] = ()
    park: tuple[Parked, ...] = ()


class Verdict(Enum):
    """How a commit ended."""

    DONE = "done"
    SEEN = "seen"
    CONFLICT = "conflict"


class Committed(Struct, frozen=True):
    """A commit's end; ``answer`` is the first answer when the event had been claimed before."""

    verdict: Verdict
    answer: Answer | None = None


def writes(change: Change) -> bool:
    """Whether a change changes anything."""
    return bool(
        change.claim is not None
        or change.records
        or change.charges
        or change.audit
        or change.post
        or change.park
        or change.timers
        or change.untimers
        or change.fired
        or change.done
        or change.count
    )


def only_claims(change: Change) -> bool:
    """Whether all that a change does is to mark its event as taken, with its answer."""
    return change == Change(change.number, change.claim, change.answer)
