"""What the business needs from outside, and the ways the outside can fail."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import msgspec
from msgspec import Struct

from receipts.lines import Parked, Waiting
from receipts.model import (
    Access,
    Audit,
    Call,
    Charge,
    Kind,
    Mode,
    Msisdn,
    Network,
    Owner,
    Receipt,
    Subscription,
    Talk,
    Trail,
)


class StoreUnavailable(Exception):
    """The store cannot be reached or cannot be written; nothing was changed."""


class Contended(StoreUnavailable):
    """The same record was changed by others again and again while we decided."""


class SendingFailure(Exception):
    """A provider did not take what we gave it. ``detail`` is its own word, for staff."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TryLater(SendingFailure):
    """It certainly did not go out; asking again later may work."""


class Never(SendingFailure):
    """It certainly did not go out and never will."""


class NotHere(Never):
    """It certainly did not go out and never will by this provider; another may take it."""


class Unsure(SendingFailure):
    """The request left us and no clear answer came: it may have gone out."""


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> dt.datetime:
        """The service's time, aware, which trials may move."""

    def outside(self) -> dt.datetime:
        """The world's time, aware, for talking with others about when something happened."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a provider can do."""

    flash: bool
    reports: bool
    lookup: bool


class Parcel(Struct, frozen=True):
    """One text for a provider, shown as ``mode``; after ``by`` (monotonic) TooLate is raised."""

    id: str
    to: Msisdn
    text: str
    mode: Mode
    by: float = math.inf


class Provider(Protocol):
    """Somebody who carries texts to phones."""

    name: str
    abilities: Abilities

    def send(self, parcel: Parcel) -> str:
        """Hand one text over; the provider's own id for it.

        Raises TryLater, Never or Unsure.
        """

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """The provider's id of a text it may have taken since then, None when it has none.

        ``known`` are ids that belong to other texts. Raises TryLater when it cannot say now.
        """


class Lookup(Protocol):
    """Somebody outside who can say whose network a number is on now."""

    def network_of(self, number: Msisdn) -> Network | None:
        """The network, None when it cannot be told. Raises TryLater when nobody answers."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a door tells the customer: phrases by key with their facts; ``next`` is the door's own.

    It is kept beside the claim of its event, so that a repeat gets the same answer.
    """

    phrases: tuple[tuple[str, dict[str, str]], ...] = ()
    language: str = ""
    next: str = ""


class Held(Struct, frozen=True):
    """What one read brought: the customer, and what else was asked for; None where nothing was."""

    number: Msisdn
    subscription: Subscription
    answered: Answer | None = None
    talk: Talk | None = None
    trail: Trail | None = None
    call: Call | None = None
    access: Access | None = None
    friend: Subscription | None = None
    receipt: Receipt | None = None
    charges: tuple[Charge, ...] | None = None


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


class Wanted(Struct, frozen=True):
    """What to read for a report: its sender, its text, the friend; a receipt if one is named."""

    sender: Msisdn
    friend: Msisdn
    message_id: str
    receipt_id: str | None = None


class Store(Protocol):
    """The memory of the business. Every method raises StoreUnavailable when it is out of reach."""

    def read(
        self,
        number: Msisdn,
        claim: str | None = None,
        *,
        talk: bool = False,
        call: str | None = None,
        months: Sequence[str] = (),
        access: bool = False,
    ) -> Held:
        """One round trip: the customer and what else the event needs."""

    def read_all(self, wanted: Sequence[Wanted]) -> list[Held]:
        """One round trip for many reports, in the order asked."""

    def commit(self, change: Change) -> Committed:
        """One round trip: all of it or nothing, on disk when it returns."""

    def commit_all(self, changes: Sequence[Change]) -> list[Committed]:
        """Several changes, each on its own, in one round trip."""

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts by id, in the order asked."""

    def receipts_of(self, number: Msisdn, limit: int, kind: Kind | None) -> list[Receipt]:
        """A customer's newest receipts first."""

    def newest(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest things sent to several customers, newest first, in the order asked."""

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges of some months, oldest first."""

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt for this customer, made from what it is about."""

    def ping(self) -> None:
        """Raises StoreUnavailable unless the store answers."""


class Archive(Protocol):
    """Long looks through everything, in bounded memory. Every method raises StoreUnavailable."""

    def customers(self, cursor: int = 0) -> Iterator[tuple[int, list[Subscription]]]:
        """All customers in batches, each with the cursor that goes on behind it; 0 is the end."""

    def of(self, numbers: Sequence[Msisdn]) -> list[Subscription]:
        """Many customers in one round trip, in the order asked; new ones where none is known."""

    def owners(self, numbers: Sequence[Msisdn]) -> dict[Msisdn, Owner]:
        """The credentials of those of many customers that have some, in one round trip."""

    def charged(self, numbers: Sequence[Msisdn], month: str, charge_id: str) -> list[bool]:
        """Which of many customers have a charge already, in the order asked."""

    def note(self, name: str, value: str | None = None) -> str | None:
        """A note to oneself across runs; set when given."""

    def incarnation(self) -> str:
        """Which running server this is: a cursor is good for as long as it runs."""


class Outbox(Protocol):
    """What waits to be sent, and what time alone will bring. Raises StoreUnavailable."""

    def take(self, worker: str, limit: int, wait: float) -> list[Posted]:
        """Fresh entries of the outbox for this worker; waits at most ``wait`` seconds."""

    def take_late(
        self, worker: str, lane: str, limit: int, fresh: int = 0, since: dt.datetime | None = None
    ) -> list[Posted]:
        """Of what waits for a line: ``fresh`` no older than ``since``, the oldest for the rest."""

    def waiting(self, lanes: Iterable[str]) -> list[Waiting]:
        """What waits for these lines, shard by shard where anything does."""

    def take_over(self, worker: str, idle: float, limit: int) -> list[Posted]:
        """Entries that a worker silent for ``idle`` seconds still held."""

    def keep(self, worker: str, entries: Iterable[Posted]) -> None:
        """Say that these entries are still being worked on."""

    def forget(self, entries: Iterable[Posted]) -> None:
        """Drop entries whose receipt is no longer known."""

    def due(self, now: dt.datetime, limit: int) -> list[Timer]:
        """Timers whose moment has come, oldest first."""
