"""Daily roots over all consent entries: each covers its day and names the root before it."""

import datetime as dt
import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from receipts.model.calendar import SHANGHAI, month_start, next_month
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.merkle import MerkleTree, inclusion_proof, leaf_hash

#: Time from the end of a day to its root: longer than clocks differ and a commit takes.
SETTLING_TIME = dt.timedelta(hours=1)

_ONE_DAY = dt.timedelta(days=1)
_encoder = msgspec.json.Encoder(enc_hook=str)


class DayRoot(msgspec.Struct, frozen=True, tag_field="format", tag="sms-receipt-consent-root-1"):
    """The Merkle root (hex) of a day's entries in the order of the audit export.

    ``previous`` is the hash of the day before, empty on the first day.
    """

    day: dt.date
    entries: int
    tree: str
    previous: str

    @property
    def payload(self) -> bytes:
        """The bytes that are hashed and signed."""
        return msgspec.json.encode(self)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the payload; through ``previous`` it covers all days before."""
        return hashlib.sha256(self.payload).hexdigest()


@dataclass(frozen=True, slots=True)
class EntryProof:
    """The place of an entry among those of its day, and the hashes from it to the day's root."""

    entry: AuditEntry
    day: dt.date
    index: int
    path: tuple[bytes, ...]


@dataclass(slots=True)
class _DayTree:
    tree: MerkleTree = field(default_factory=MerkleTree)
    #: Leaf hashes, only of a day in which an entry is to be proved.
    leaves: list[bytes] = field(default_factory=list)


class MonthTrees:
    """The trees of a month's days, filled entry by entry in the order of the audit export.

    Leaf hashes are kept only of the days ``proved_days``, for proofs of the entries of ``number``.
    """

    def __init__(
        self, month: str, number: Msisdn | None = None, proved_days: Container[dt.date] = ()
    ) -> None:
        start = month_start(month)
        count = (next_month(start).date() - start.date()).days
        self._days = {start.date() + index * _ONE_DAY: _DayTree() for index in range(count)}
        self._first, self._last = start.date(), start.date() + (count - 1) * _ONE_DAY
        self._number, self._proved_days = number, proved_days
        self._own: list[tuple[AuditEntry, dt.date, int]] = []

    def add(self, entries: Iterable[AuditEntry]) -> None:
        """Append entries to the trees of their days."""
        for entry in entries:
            # An entry of another month, which only tampering puts here, must not go uncounted.
            day = min(max(day_of(entry), self._first), self._last)
            leaf, of_day = leaf_hash(_encoder.encode(entry)), self._days[day]
            if entry.number == self._number:
                self._own.append((entry, day, of_day.tree.size))
            if day in self._proved_days:
                of_day.leaves.append(leaf)
            of_day.tree.add(leaf)

    def roots(self, previous: str) -> Iterator[DayRoot]:
        """The roots of all days, oldest first; ``previous`` is the hash of the day before."""
        for day, of_day in self._days.items():
            root = DayRoot(day, of_day.tree.size, of_day.tree.root().hex(), previous)
            previous = root.hash
            yield root

    def proofs(self) -> Iterator[EntryProof]:
        """The proofs of the number's entries; the path is empty on days that were not kept."""
        for entry, day, index in self._own:
            leaves = self._days[day].leaves
            path = inclusion_proof(leaves, index) if leaves else []
            yield EntryProof(entry, day, index, tuple(path))


def day_of(entry: AuditEntry) -> dt.date:
    """The calendar day of an entry in China."""
    return entry.at.astimezone(SHANGHAI).date()


def last_settled_day(now: dt.datetime) -> dt.date:
    """The last day that is over, and to which no clock adds entries any more."""
    return (now - SETTLING_TIME).astimezone(SHANGHAI).date() - _ONE_DAY
