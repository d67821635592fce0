"""The check of a whole store, in batches, while the service runs."""

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from receipts.model.customer import Subscription
from receipts.model.figure import STANDING, STATE
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.store.bulk import RedisBulkReader
from receipts.store.check.customers import CustomerCheck
from receipts.store.check.findings import Damage, DamageKind
from receipts.store.check.parts import batches, is_readable, members, parts, record
from receipts.store.check.queues import QueueCheck, is_due, is_in_doubt
from receipts.store.check.shapes import CUSTOMERS, RECEIPTS, Named, named
from receipts.store.codec import decode_pairs
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.subscriptions.decision import standing_figure

T = TypeVar("T")

#: Keys of one step.
_SCAN_COUNT = 1000

#: Pause before a finding is looked at again: a change may have been under way.
_PAUSE_SECONDS = 0.5


class StoreCheck:
    """One check of all keys. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema, kept: dt.timedelta) -> None:
        """``kept`` is the shortest time that a receipt is kept."""
        self._connection, self._keys = connection, keys
        self._customers = CustomerCheck(connection, keys, kept)
        self._queues = QueueCheck(connection, keys)
        self.keys = 0
        self._counted: Counter[tuple[int, str]] = Counter()
        self._seen: set[int] = set()
        self._due: defaultdict[int, list[str]] = defaultdict(list)
        self._waiting: defaultdict[int, list[bytes]] = defaultdict(list)
        self._doubtful: list[str] = []

    def findings(
        self, now: dt.datetime, progress: Callable[[float], None] = lambda _: None
    ) -> Iterator[Damage]:
        """All findings; ``now`` is by the service's clock, ``progress`` takes a share of 1."""
        sums = self._standing()
        cursor = 0
        while True:
            cursor, names = self._connection.scan(cursor, "*", _SCAN_COUNT)
            yield from self._keys_of(names)
            progress(RedisBulkReader.passed(cursor))
            if cursor == 0:
                break
        for shard in range(self._keys.shards):
            yield from self._of_shard(shard, now)
        for ids in batches(self._doubtful):
            yield from self._twice(self._queues.in_doubt, ids)
        yield from self._figures(sums)

    def _twice(self, check: Callable[[Sequence[T]], list[Damage]], of: Sequence[T]) -> list[Damage]:
        """Findings that are still there after a pause."""
        found = check(of) if of else []
        if found:
            time.sleep(_PAUSE_SECONDS)
            again = set(check(of))
            found = [each for each in found if each in again]
        return found

    def _keys_of(self, names: Sequence[bytes]) -> Iterator[Damage]:
        self.keys += len(names)
        replies = self._connection.execute(
            *(command for name in names for command in (("TYPE", name), ("TTL", name)))
        )
        known: list[Named] = []
        placed: list[Named] = []
        for index, name in enumerate(names):
            kind, seconds = replies[2 * index].decode(), replies[2 * index + 1]
            if kind == "none":  # it expired meanwhile
                continue
            each = named(name)
            if each is None:
                yield Damage(DamageKind.UNKNOWN_KEY, name.decode(errors="replace"))
            elif kind != each.shape.type:
                yield _finding(DamageKind.WRONG_TYPE, each, kind)
            else:
                known.append(each)
                if each.shape.expires and seconds == -1:
                    yield _finding(DamageKind.NO_EXPIRY, each)
                if self._is_in_its_shard(each):
                    placed.append(each)
                else:
                    yield _finding(DamageKind.WRONG_SHARD, each)
        yield from self._values(known)
        yield from self._references(placed)

    def _is_in_its_shard(self, each: Named) -> bool:
        if each.shard < 0:
            return True
        found: dict[str, Any] = each.match.groupdict()
        shard: int | None = each.shard
        if digits := found.get("number"):
            shard = self._keys.shard(Msisdn(f"+{digits}"))
        elif receipt_id := found.get("receipt"):
            name = self._keys.named_receipt(each.shard, receipt_id)
            shard = self._keys.shard_of_receipt(name)
        return each.shard == shard and each.shard < self._keys.shards

    def _values(self, known: Sequence[Named]) -> Iterator[Damage]:
        with_reader = [each for each in known if each.shape.read]
        strings = [each for each in with_reader if each.shape.type == "string"]
        raws = self._connection.values([each.key for each in strings])
        for each, raw in zip(strings, raws, strict=True):
            if raw is None:
                continue
            if not is_readable(each.shape.read, raw):
                yield _finding(DamageKind.UNREADABLE, each)
            elif each.shape.read is RECEIPTS and not self._has_its_name(each, raw):
                yield _finding(DamageKind.WRONG_SHARD, each)
            else:
                self._follow(each, raw)
        for each in with_reader:
            if each.shape.type == "string":
                continue
            readable = (is_readable(each.shape.read, x) for x in parts(self._connection, each))
            if damaged := sum(not fine for fine in readable):
                yield _finding(DamageKind.UNREADABLE, each, f"{damaged} entries")

    def _has_its_name(self, each: Named, raw: bytes) -> bool:
        """Whether a receipt is under its own key: most names do not tell the shard."""
        receipt = record(Receipt, raw)
        return receipt is None or self._keys.receipt(each.shard, receipt.id).encode() == each.key

    def _follow(self, each: Named, raw: bytes) -> None:
        if each.shape.read is CUSTOMERS:
            self._count(each.shard, raw)
        elif each.shape.read is RECEIPTS:
            self._note(each.shard, raw)

    def _count(self, shard: int, raw: bytes) -> None:
        customer = record(Subscription, raw)
        if customer is None or (number := int(customer.number.digits)) in self._seen:
            return
        self._seen.add(number)
        if name := standing_figure(customer):
            self._counted[shard, name] += 1

    def _note(self, shard: int, raw: bytes) -> None:
        receipt = record(Receipt, raw)
        if receipt is not None and is_due(receipt):
            self._due[shard].append(receipt.id)
        elif receipt is not None and is_in_doubt(receipt):
            self._doubtful.append(receipt.id)

    def _references(self, placed: Sequence[Named]) -> Iterator[Damage]:
        by_kind: defaultdict[str, list[Named]] = defaultdict(list)
        for each in placed:
            by_kind[each.match.string.partition(":")[0]].append(each)
        yield from self._twice(self._customers.records, _numbers(by_kind["sub"]))
        yield from self._twice(self._customers.receipt_lists, _numbers(by_kind["receipts"]))
        charged = [(Msisdn(f"+{each.match['number']}"), each.match.string.split(":")[1])
                   for each in by_kind["charges"]]  # fmt: skip
        yield from self._twice(self._customers.charges, charged)
        for each in by_kind["charged"]:
            month = each.match.string.partition(":")[2]
            for piece in members(self._connection, each.key):
                pairs = [(Msisdn(raw.decode()), month) for raw in piece]
                missing = self._twice(self._customers.charges, pairs)
                yield from (f for f in missing if f.kind is DamageKind.CHARGES_MISSING)
        for each in by_kind["waiting"]:
            self._waiting[each.shard].append(each.key)
        for each in by_kind["unsure"]:
            (listed,) = self._connection.execute(("ZRANGE", each.key, 0, -1))
            self._doubtful += [raw.decode() for raw in listed]

    def _of_shard(self, shard: int, now: dt.datetime) -> Iterator[Damage]:
        queues, queue_check = self._waiting[shard], self._queues
        yield from self._twice(lambda ids: queue_check.due(shard, ids, queues), self._due[shard])
        yield from self._twice(lambda _: queue_check.entries(shard), [shard])
        yield from queue_check.late_timers(shard, now)

    def _standing(self) -> dict[tuple[int, str], int]:
        """The running sums of customers by state, of each shard."""
        keys = [self._keys.figures(shard, STANDING) for shard in range(self._keys.shards)]
        replies = self._connection.execute(*(("HGETALL", key) for key in keys))
        found: dict[tuple[int, str], int] = {}
        for shard, reply in enumerate(replies):
            for name, count in decode_pairs(reply):
                if name.startswith(f"{STATE}|".encode()):
                    found[shard, name.decode()] = int(count)
        return found

    def _figures(self, before: dict[tuple[int, str], int]) -> Iterator[Damage]:
        """Sums that differ from the customers, of those that did not change meanwhile."""
        after = self._standing()
        for place in sorted(before.keys() | after.keys() | self._counted.keys()):
            steady, counted = before.get(place, 0), self._counted[place]
            if steady == after.get(place, 0) != counted:
                key = self._keys.figures(place[0], STANDING)
                detail = f"{place[1]}: {steady}, customers {counted}"
                yield Damage(DamageKind.FIGURE_WRONG, key, detail)


def _numbers(those: Sequence[Named]) -> list[Msisdn]:
    return [Msisdn(f"+{each.match['number']}") for each in those]


def _finding(kind: DamageKind, each: Named, detail: str = "") -> Damage:
    return Damage(kind, each.key.decode(errors="replace"), detail)
