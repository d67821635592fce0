"""The store on Redis: one read of a snapshot, one script for a change."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Unpack

from receipts.model.charge import AuditEntry
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
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus, Reply, Timer
from receipts.ports.store import (
    CommitObserver,
    LoadOptions,
    ReceiptWindow,
    ReportQuery,
    Snapshot,
)
from receipts.store.charge_reader import ChargeReader, sums_request
from receipts.store.codec import decode, decode_record, encode, timer_member
from receipts.store.commit_script import CommitScript
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import Command
from receipts.store.retention import RetentionSeconds
from receipts.store.sealed_text import TextSealer

#: Receipts read in one round trip; most readers want fewer.
_LISTED_AT_ONCE = 100
#: Changes on one server share scripts, of so many at most: it does nothing else for some 3 ms. In
#: a cluster, those of a shard do.
_CHANGES_A_SCRIPT = 100


class RedisStore(ChargeReader):
    """All records of the business. Every method raises StoreUnavailableError.

    A commit is safe to repeat: its idempotency key or its versions tell.
    """

    def __init__(
        self,
        connection: RedisConnection,
        keys: KeySchema,
        retention: RetentionSeconds | None = None,
        sealer: TextSealer | None = None,
    ) -> None:
        super().__init__(connection, keys)
        #: Replaced when a new rule book is loaded, and when a secret changes.
        self.retention, self.sealer = retention or RetentionSeconds(), sealer or TextSealer()
        #: Set by processes that measure their commits.
        self.on_commit: CommitObserver | None = None

    def ping(self) -> None:
        """Raises StoreUnavailableError unless the server answers."""
        self._connection.ping()

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a customer's receipt, the same for the same seed."""
        return self._keys.receipt_id(number, seed)

    def load(
        self, number: Msisdn, idempotency_key: str | None = None, **options: Unpack[LoadOptions]
    ) -> Snapshot:
        """The customer and the other records that an event needs, in one round trip."""
        keys, call, month = self._keys, options.get("call"), options.get("sums_of")
        names = (
            keys.subscription(number),
            keys.claim(number, idempotency_key) if idempotency_key else None,
            keys.talk(number) if options.get("reply_count") else None,
            keys.call(number, call) if call else None,
            keys.access(number) if options.get("login") else None,
            keys.owner(number) if options.get("credentials") else None,
        )
        sums = sums_request(keys.charges(number, month)) if month else ()
        values, *summed = self._connection.execute(("MGET", *filter(None, names)), *sums)
        found = dict(zip(filter(None, names), values, strict=True))
        records = [found.get(name or "") for name in names]
        customer, reply, talked, called, entered, proof = records
        return Snapshot(
            number,
            decode_record(Subscription, customer) or Subscription(number),
            previous_reply=decode(Reply, reply) if reply is not None else None,
            reply_count=decode_record(DailyReplyCount, talked),
            call=decode_record(CallLog, called),
            month_sums=self.summed(number, month, *summed) if month else None,
            login=decode_record(LoginState, entered),
            credentials=decode_record(CustomerCredentials, proof),
        )

    def visit(self, visit_id: str) -> CounterVisit | None:
        """A visit at a counter; None once it has expired."""
        shard = self._keys.shard_of_receipt(visit_id)
        if shard is None:
            return None
        (raw,) = self._connection.execute(("GET", self._keys.visit(shard, visit_id)))
        return decode_record(CounterVisit, raw)

    def _values(self, names: Iterable[str | None]) -> dict[str | None, bytes | None]:
        wanted = list(dict.fromkeys(filter(None, names)))
        return dict(zip(wanted, self._connection.values(wanted), strict=True))

    def load_many(self, queries: Sequence[ReportQuery]) -> list[Snapshot]:
        """The snapshots for many reports in one round trip, in order."""
        names = [self._names(each) for each in queries]
        found = self._values(chain.from_iterable(names))
        wanted = zip(queries, names, strict=True)
        return [_snapshot(query, map(found.get, those)) for query, those in wanted]

    def _names(self, wanted: ReportQuery) -> tuple[str | None, ...]:
        keys, sender, recipient = self._keys, wanted.sender, wanted.recipient
        people = (keys.subscription(sender), keys.subscription(recipient))
        text = (sender, recipient, wanted.message_id)
        traces = (keys.trail(*text), keys.stranger(*text))
        # The trace of most texts is in their receipt.
        receipt = self._receipt_key(wanted.receipt_id) if wanted.receipt_id else keys.answer(*text)
        return (*people, *traces, receipt)

    def commit(self, change: ChangeSet) -> CommitResult:
        """Apply a change whole or not at all, in one round trip; it is on disk on return."""
        if change.idempotency_key is None or not change.marks_only:
            return self.commit_all([change])[0]
        # Most texts set an idempotency key alone, by one command without a script.
        name = self._keys.claim(change.number, change.idempotency_key)
        claim = ("SET", name, encode(change.reply), "EX", self.retention.claims, "NX", "GET")
        (seen,) = self._connection.execute(claim)
        if seen is None:
            return CommitResult(CommitStatus.COMMITTED)
        return CommitResult(CommitStatus.DUPLICATE, decode(Reply, seen))

    def commit_all(self, changes: Sequence[ChangeSet]) -> list[CommitResult]:
        """Apply several changes, each whole or not at all, in one round trip."""
        began, together = time.monotonic(), dict[int, list[int]]()
        for index, change in enumerate(changes):
            # An empty change still waits for the replica to have the state behind its decision.
            if self._connection.replicated or not change.is_empty:
                one = self._connection.has_one_primary
                part = index // _CHANGES_A_SCRIPT if one else self._keys.shard(change.number)
                together.setdefault(part, []).append(index)
        scripts = [
            CommitScript(self._keys, self.retention, [changes[n] for n in indexes], self.sealer)
            for indexes in together.values()
        ]
        results = [CommitResult(CommitStatus.COMMITTED)] * len(changes)
        replies = self._connection.execute(*(script.command for script in scripts))
        for indexes, reply in zip(together.values(), replies, strict=True):
            for index, each in zip(indexes, reply, strict=True):
                results[index] = _committed(each)
        if self.on_commit is not None:
            self.on_commit(changes, results, began)
        return results

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts by id, in order; None for an id of another system or an expired one."""
        names = [self._receipt_key(receipt_id) for receipt_id in ids]
        found = self._values(names)
        return [self.sealer.open(decode_record(Receipt, found.get(name))) for name in names]

    def _receipt_key(self, receipt_id: str) -> str | None:
        shard = self._keys.shard_of_receipt(receipt_id)
        return None if shard is None else self._keys.receipt(shard, receipt_id)

    def receipts_of(
        self, number: Msisdn, limit: int | None, kind: MessageKind | None, skip: int = 0
    ) -> list[Receipt]:
        """A customer's receipts, newest first; all that are kept without a limit."""
        wanted = (r for r in self._receipts_of(number) if kind is None or r.kind is kind)
        return list(islice(wanted, skip, None if limit is None else skip + limit))

    def _receipts_of(self, number: Msisdn) -> Iterator[Receipt]:
        for start in count(0, _LISTED_AT_ONCE):
            window = (start, start + _LISTED_AT_ONCE - 1)
            (ids,) = self._connection.execute(("LRANGE", self._keys.receipts(number), *window))
            yield from filter(None, self._listed(number, ids))
            if len(ids) < _LISTED_AT_ONCE:
                return

    def receipt_window(self, number: Msisdn, limit: int, start: int | None = None) -> ReceiptWindow:
        """Up to ``limit`` listed receipts and notices, from ``start`` to older ones."""
        key = self._keys.receipts(number)
        # A negative index counts from the end of the list, where the oldest entry is.
        window = (0, limit - 1) if start is None else (-start, min(limit - start - 1, -1))
        length, ids = self._connection.execute(("LLEN", key), ("LRANGE", key, *window))
        newest = length if start is None else min(start, length)
        return ReceiptWindow(newest, self._listed(number, ids), length)

    def receipts_at(self, number: Msisdn, positions: Sequence[int]) -> list[Receipt | None]:
        """The listed receipts and notices at some positions, counted from the oldest."""
        key = self._keys.receipts(number)
        ids = self._connection.execute(*(("LINDEX", key, -position) for position in positions))
        return list(self._listed(number, (each or b"" for each in ids)))

    def _listed(self, number: Msisdn, ids: Iterable[bytes]) -> tuple[Receipt | None, ...]:
        return tuple(self.receipts(self._keys.listed_ids(number, ids)))

    def recent_by_customer(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest receipts and notices of several customers, newest first, in order."""
        return self._found(self._newest_ids(numbers, limit))

    def recent_with_timer(
        self, kind: str, numbers: Sequence[Msisdn], limit: int
    ) -> list[list[Receipt]]:
        """Those of the newest receipts that have a timer, in three round trips."""
        listed = self._newest_ids(numbers, limit)
        requests: list[Command] = [
            ("ZMSCORE", self._keys.timers(self._keys.shard(number)),
             *(timer_member(Timer(kind, number, each)) for each in ids))
            for number, ids in zip(numbers, listed, strict=True) if ids
        ]  # fmt: skip
        scores = iter(self._connection.execute(*requests))
        return self._found([
            [each for each, score in zip(ids, next(scores), strict=True) if score is not None]
            if ids else [] for ids in listed
        ])  # fmt: skip

    def _newest_ids(self, numbers: Sequence[Msisdn], limit: int) -> list[list[str]]:
        keys = [self._keys.receipts(number) for number in numbers]
        listed = self._connection.execute(*(("LRANGE", key, 0, limit - 1) for key in keys))
        return [self._keys.listed_ids(*each) for each in zip(numbers, listed, strict=True)]

    def _found(self, listed: Sequence[Sequence[str]]) -> list[list[Receipt]]:
        """The receipts of several lists of ids, without those that have expired."""
        found = iter(self.receipts(chain.from_iterable(listed)))
        return [[r for r in islice(found, len(ids)) if r is not None] for ids in listed]

    def history(self, number: Msisdn, limit: int, skip: int = 0) -> list[AuditEntry]:
        """Entries of a customer's chain of consent behind the newest ``skip``, newest first."""
        window = (-skip - limit, -skip - 1)
        (found,) = self._connection.execute(("LRANGE", self._keys.consent(number), *window))
        return [decode(AuditEntry, raw) for raw in reversed(found)]


def _snapshot(wanted: ReportQuery, values: Iterable[bytes | None]) -> Snapshot:
    customer, recipient, trace, stranger, answer = values
    known, receipt = decode_record(MessageTrace, stranger), decode_record(Receipt, answer)
    text = (wanted.message_id, wanted.sender, wanted.recipient)
    return Snapshot(
        wanted.sender,
        decode_record(Subscription, customer) or Subscription(wanted.sender),
        trace=decode_record(MessageTrace, trace) or (receipt.full_text_trace if receipt else None),
        stranger_trace=StrangerTrace(known.named(*text)) if known else None,
        recipient=decode_record(Subscription, recipient),
        receipt=receipt,
    )


def _committed(reply: list[bytes]) -> CommitResult:
    status, *answer = reply
    return CommitResult(CommitStatus(status.decode()), decode(Reply, answer[0]) if answer else None)
