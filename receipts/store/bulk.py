"""Read the whole store in batches, in bounded memory, while the service runs."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from receipts.model.charge import AuditEntry, Charge, StaffLookup
from receipts.model.customer import CallLog, CustomerCredentials, Subscription
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import DeliveryResult, Timer
from receipts.store.codec import (
    decode,
    decode_charges,
    decode_pairs,
    decode_record,
    decode_scores,
    decode_timer,
)
from receipts.store.commit_script import RESULTS_KEPT
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.text_index import RedisTextIndex

T = TypeVar("T")

#: Customers, or audit entries, of one round trip.
BATCH = 500

#: Keys that one SCAN passes: about a millisecond of the server's time.
_SCAN_COUNT = 5_000


class RedisBulkReader:
    """All customers, charges and audit entries. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    @staticmethod
    def passed(cursor: int) -> float:
        """The share of ``customers`` that lies before a cursor, from 0 to 1.

        SCAN counts in reversed bits, so the reversed cursor is a fraction at any table size.
        """
        return int(f"{cursor:064b}"[::-1], 2) / 2**64 if cursor else 1.0

    def customers(self, cursor: int = 0) -> Iterator[tuple[int, list[Subscription]]]:
        """All customers in batches, each with the cursor behind it; 0 is the end.

        A customer that changes meanwhile may come twice. None is left out that is there throughout.
        """
        while True:
            cursor, names = self._connection.scan(cursor, "{s*}:sub:*", _SCAN_COUNT)
            yield cursor, [found for found in self._records(Subscription, names) if found]
            if cursor == 0:
                return

    def _records(self, kind: type[T], names: Sequence[str | bytes]) -> list[T | None]:
        return [decode_record(kind, raw) for raw in self._connection.values(names)]

    def subscriptions(self, numbers: Sequence[Msisdn]) -> list[Subscription]:
        """Many customers in one round trip, in order; an unknown one is a new one."""
        found = self._records(Subscription, [self._keys.subscription(n) for n in numbers])
        return [s or Subscription(n) for s, n in zip(found, numbers, strict=True)]

    def credentials(self, numbers: Sequence[Msisdn]) -> dict[Msisdn, CustomerCredentials]:
        """The credentials of many customers in one round trip; unknown ones are empty."""
        found = self._records(CustomerCredentials, [self._keys.owner(number) for number in numbers])
        return {n: owner or CustomerCredentials(n) for owner, n in zip(found, numbers, strict=True)}

    def charged(self, numbers: Sequence[Msisdn], month: str, charge_id: str) -> list[bool]:
        """Which of many customers have a charge already, in order, in one round trip."""
        names = (self._keys.charges(number, month) for number in numbers)
        replies = self._connection.execute(*(("HEXISTS", name, charge_id) for name in names))
        return [bool(reply) for reply in replies]

    def charges(self, month: str) -> Iterator[list[Charge]]:
        """All charges of a month in batches of customers, each batch by number and time."""
        for shard in range(self._keys.shards):
            (found,) = self._connection.execute(("SMEMBERS", self._keys.charged(shard, month)))
            members = sorted(Msisdn(member.decode()) for member in found)
            for start in range(0, len(members), BATCH):
                yield self.charges_of(members[start : start + BATCH], month)

    def charges_of(self, numbers: Sequence[Msisdn], month: str) -> list[Charge]:
        """The charges of many customers in one round trip, by number and time."""
        names = (self._keys.charges(number, month) for number in numbers)
        replies = self._connection.execute(*(("HGETALL", name) for name in names))
        of_numbers = zip(numbers, replies, strict=True)
        found = chain.from_iterable(decode_charges(n, month, reply) for n, reply in of_numbers)
        return sorted(found, key=lambda charge: (charge.number, charge.at, charge.id))

    def audit(self, month: str) -> Iterator[list[AuditEntry]]:
        """The audit log of a month, a shard at a time in batches, oldest first in each."""
        for shard in range(self._keys.shards):
            yield from self._entries(AuditEntry, self._keys.audit(shard, month))

    def lookups(self, month: str) -> Iterator[list[StaffLookup]]:
        """The looks by staff of a month, a shard at a time in batches, oldest first in each."""
        for shard in range(self._keys.shards):
            yield from self._entries(StaffLookup, self._keys.lookups(shard, month))

    def lookups_of(self, number: Msisdn, limit: int = 0) -> list[StaffLookup]:
        """The looks by staff at one customer's data, oldest first; of many the newest."""
        (found,) = self._connection.execute(("LRANGE", self._keys.looks(number), -limit, -1))
        return [decode(StaffLookup, raw) for raw in found]

    def consent_logged(self, number: Msisdn, months: Sequence[str]) -> int:
        """The number of a customer's consent entries in the audit log of some months."""
        shard = self._keys.shard(number)
        keys = (self._keys.audit(shard, month) for month in months)
        logged = (self._entries(AuditEntry, key) for key in keys)
        found = chain.from_iterable(chain.from_iterable(logged))
        return sum(entry.number == number for entry in found)

    def _entries(self, kind: type[T], key: str) -> Iterator[list[T]]:
        start = b"-"
        while True:
            (entries,) = self._connection.execute(("XRANGE", key, start, "+", "COUNT", BATCH))
            if not entries:
                return
            yield [decode(kind, fields[1]) for _, fields in entries]
            start = b"(" + entries[-1][0]

    def first_audit_month(self, months: Sequence[str]) -> str | None:
        """The first of some months that has audit entries."""
        for month in months:
            names = (self._keys.audit(shard, month) for shard in range(self._keys.shards))
            if any(self._connection.execute(*(("EXISTS", name) for name in names))):
                return month
        return None

    def consent(self, number: Msisdn) -> list[AuditEntry]:
        """A customer's chain of consent entries, oldest first."""
        (found,) = self._connection.execute(("LRANGE", self._keys.consent(number), 0, -1))
        return [decode(AuditEntry, raw) for raw in found]

    def receipts_listed(self, number: Msisdn) -> int:
        """The number of a customer's receipts and notices in the list of the newest."""
        (count,) = self._connection.execute(("LLEN", self._keys.receipts(number)))
        return int(count)

    def traces_of(self, sender: Msisdn) -> list[MessageTrace]:
        """The traces of a customer's own texts in records of their own, oldest first."""
        texts = RedisTextIndex(self._connection, self._keys).texts_of(sender)
        names = [self._keys.trail(sender, text.recipient, text.message_id) for text in texts]
        batches = (names[start : start + BATCH] for start in range(0, len(names), BATCH))
        found = chain.from_iterable(self._records(MessageTrace, batch) for batch in batches)
        return [trace for trace in found if trace is not None]

    def calls_of(self, number: Msisdn) -> list[CallLog]:
        """All kept logs of a customer's calls, oldest first."""
        (ids,) = self._connection.execute(("LRANGE", self._keys.calls(number), 0, -1))
        names = [self._keys.call(number, sid.decode()) for sid in ids]
        return [call for call in self._records(CallLog, names) if call is not None]

    def timers_of(self, number: Msisdn) -> list[Timer]:
        """All timers that are set for a customer."""
        key, cursor = self._keys.timers(self._keys.shard(number)), b"0"
        found: dict[bytes, float] = {}
        while True:
            step = ("ZSCAN", key, cursor, "MATCH", f"*|{number}|*", "COUNT", _SCAN_COUNT)
            ((cursor, reply),) = self._connection.execute(step)
            found.update(decode_scores(reply))
            if cursor in (b"0", 0):
                return [decode_timer(member, at) for member, at in found.items()]

    def counts(self) -> dict[str, int]:
        """The counters of reports and their results since the store was first used."""
        names = (self._keys.counts(shard) for shard in range(self._keys.shards))
        return _summed(self._connection.execute(*(("HGETALL", name) for name in names)))

    def figures(self, periods: Sequence[str]) -> list[dict[str, int]]:
        """The figures of days or months, or of names of their own, in one round trip."""
        shards = range(self._keys.shards)
        names = [self._keys.figures(shard, each) for each in periods for shard in shards]
        replies = iter(self._connection.execute(*(("HGETALL", name) for name in names)))
        return [_summed(islice(replies, len(shards))) for _ in periods]

    def results(self, provider: str) -> list[DeliveryResult]:
        """The newest ends of a provider's receipts, at most ``RESULTS_KEPT``, newest first."""
        names = (self._keys.results(shard, provider) for shard in range(self._keys.shards))
        replies = self._connection.execute(*(("LRANGE", name, 0, -1) for name in names))
        ends = (raw.decode().partition(" ") for reply in replies for raw in reply)
        newest = sorted(((float(at), code) for at, _, code in ends), reverse=True)
        return [
            DeliveryResult(provider, dt.datetime.fromtimestamp(at, dt.UTC), code)
            for at, code in newest[:RESULTS_KEPT]
        ]

    def unsure(self, limit: int = 1) -> tuple[int, list[Receipt]]:
        """The number of receipts with an unknown outcome, and the oldest ``limit`` of them."""
        names = [self._keys.unsure(shard) for shard in range(self._keys.shards)]
        counts = self._connection.execute(*(("ZCARD", name) for name in names))
        first = (0, limit - 1, "WITHSCORES")
        oldest = self._connection.execute(*(("ZRANGE", name, *first) for name in names))
        aged = sorted(
            (at, shard, receipt_id)
            for shard, reply in enumerate(oldest)
            for receipt_id, at in decode_scores(reply)
        )
        keys = [self._keys.receipt(shard, raw.decode()) for _, shard, raw in aged[:limit]]
        return sum(counts), [found for found in self._records(Receipt, keys) if found]

    def checkpoint(self, name: str, value: str | None = None) -> str | None:
        """A checkpoint of a long run, read back by the next run; written when given."""
        key = f"note:{name}"
        if value is None:
            (found,) = self._connection.execute(("GET", key))
            return found.decode() if found is not None else None
        self._connection.execute(("SET", key, value))
        return value

    def server_run_id(self) -> str:
        """The id of the running server: a cursor is good for as long as it runs."""
        return self._connection.run_id()


def _summed(hashes: Iterable[Any]) -> dict[str, int]:
    """The sums of hashes of numbers by their fields."""
    total: dict[bytes, int] = {}
    for each in hashes:
        for name, count in decode_pairs(each):
            total[name] = total.get(name, 0) + int(count)
    return {name.decode(): count for name, count in total.items()}
