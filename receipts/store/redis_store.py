"""The store on Redis: one read of a snapshot, one script for a change."""

from collections.abc import Iterable, Sequence
from itertools import islice

from receipts.model.charge import Charge
from receipts.model.customer import Access, Call, Subscription, Talk
from receipts.model.message import Trail
from receipts.model.receipt import Kind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Answer, Change, Committed, Verdict, only_claims, writes
from receipts.ports.store import Held, Wanted
from receipts.store.codec import decode, decode_answer, decode_record, encode
from receipts.store.commit_script import CommitScript, RetentionSeconds
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema


class RedisStore:
    """All records of the business. Every method raises StoreUnavailable.

    A commit is safe to repeat: its idempotency key or its versions tell.
    """

    def __init__(
        self,
        connection: RedisConnection,
        keys: KeySchema,
        retention: RetentionSeconds | None = None,
    ) -> None:
        self._connection, self._keys = connection, keys
        self._retention = retention or RetentionSeconds()

    def ping(self) -> None:
        """Raises StoreUnavailable unless the server answers."""
        self._connection.ping()

    def keep_for(self, retention: RetentionSeconds) -> None:
        """Use other retention times from now on."""
        self._retention = retention

    # -- one read, one commit ----------------------------------------------------------------

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a customer's receipt, the same for the same seed."""
        return self._keys.receipt_id(number, seed)

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
        """The customer and the other records that an event needs, in one round trip."""
        keys = self._keys
        names = (
            keys.subscription(number),
            keys.claim(number, claim) if claim else None,
            keys.talk(number) if talk else None,
            keys.call(number, call) if call else None,
            keys.access(number) if access else None,
        )
        charges = [("HVALS", keys.charges(number, month)) for month in months]
        values, *charged = self._connection.execute(("MGET", *filter(None, names)), *charges)
        found = iter(values)
        customer, answered, talked, called, entered = [
            next(found) if name else None for name in names
        ]
        return Held(
            number,
            decode_record(Subscription, customer) or Subscription(number),
            answered=decode_answer(answered),
            talk=decode_record(Talk, talked),
            call=decode_record(Call, called),
            charges=_by_time(charged) if months else None,
            access=decode_record(Access, entered),
        )

    def _values(self, names: Iterable[str]) -> dict[str, bytes | None]:
        wanted = list(dict.fromkeys(names))
        return dict(zip(wanted, self._connection.values(wanted), strict=True))

    def read_all(self, wanted: Sequence[Wanted]) -> list[Held]:
        """The snapshots for many reports in one round trip, in order."""
        names = [self._names(each) for each in wanted]
        found = self._values(name for each in names for name in each)
        return [
            _snapshot(each, [found[name] for name in those])
            for each, those in zip(wanted, names, strict=True)
        ]

    def _names(self, wanted: Wanted) -> tuple[str, ...]:
        keys, sender, friend = self._keys, wanted.sender, wanted.friend
        people = (keys.subscription(sender), keys.subscription(friend))
        receipt = self._receipt_key(wanted.receipt_id) if wanted.receipt_id else None
        return (*people, keys.trail(sender, friend, wanted.message_id), *filter(None, (receipt,)))

    def commit(self, change: Change) -> Committed:
        """Apply a change whole or not at all, in one round trip; it is on disk on return."""
        # An empty change still waits for the replica to have the state behind its decision.
        if not (self._connection.replicated or writes(change)):
            return _DONE
        if change.claim is not None and only_claims(change):
            return self._claimed(change.number, change.claim, change.answer)
        script = CommitScript(self._keys, self._retention, [change])
        ((reply,),) = self._connection.execute(script.command)
        return _committed(reply)

    def _claimed(self, number: Msisdn, claim: str, reply: Answer) -> Committed:
        """Set an idempotency key alone, as most texts do, by one command without a script."""
        name, expiry = self._keys.claim(number, claim), ("EX", self._retention.claims)
        (seen,) = self._connection.execute(("SET", name, encode(reply), *expiry, "NX", "GET"))
        return _DONE if seen is None else Committed(Verdict.SEEN, decode_answer(seen))

    def commit_all(self, changes: Sequence[Change]) -> list[Committed]:
        """Apply several changes, each whole or not at all, in one round trip.

        Changes of a shard share one script, so the disk is waited for once a shard.
        """
        by_shard: dict[int, list[int]] = {}
        for index, change in enumerate(changes):
            if self._connection.replicated or writes(change):
                by_shard.setdefault(self._keys.shard(change.number), []).append(index)
        scripts = [
            CommitScript(self._keys, self._retention, [changes[index] for index in indexes])
            for indexes in by_shard.values()
        ]
        results = [_DONE] * len(changes)
        replies = self._connection.execute(*(script.command for script in scripts))
        for indexes, reply in zip(by_shard.values(), replies, strict=True):
            for index, each in zip(indexes, reply, strict=True):
                results[index] = _committed(each)
        return results

    # -- queries -----------------------------------------------------------------------------

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts by id, in order; None for an id of another system or an expired one."""
        names = [self._receipt_key(receipt_id) for receipt_id in ids]
        found = self._values(name for name in names if name)
        return [decode_record(Receipt, found.get(name)) if name else None for name in names]

    def _receipt_key(self, receipt_id: str) -> str | None:
        shard = self._keys.shard_of_receipt(receipt_id)
        return None if shard is None else self._keys.receipt(shard, receipt_id)

    def receipts_of(self, number: Msisdn, limit: int, kind: Kind | None) -> list[Receipt]:
        """A customer's receipts, newest first."""
        (listed,) = self._connection.execute(("LRANGE", self._keys.receipts(number), 0, -1))
        found = self.receipts(receipt_id.decode() for receipt_id in listed)
        wanted = [r for r in found if r is not None and (kind is None or r.kind is kind)]
        return wanted[:limit]

    def newest(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest receipts and notices of several customers, newest first, in order."""
        keys = [self._keys.receipts(number) for number in numbers]
        listed = self._connection.execute(*(("LRANGE", key, 0, limit - 1) for key in keys))
        found = iter(self.receipts(each.decode() for ids in listed for each in ids))
        return [[r for r in islice(found, len(ids)) if r is not None] for ids in listed]

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges of some months, oldest first."""
        keys = [self._keys.charges(number, month) for month in months]
        return list(_by_time(self._connection.execute(*(("HVALS", key) for key in keys))))


def _snapshot(wanted: Wanted, values: Sequence[bytes | None]) -> Held:
    customer, friend, trail, *receipt = values
    return Held(
        wanted.sender,
        decode_record(Subscription, customer) or Subscription(wanted.sender),
        trail=decode_record(Trail, trail),
        friend=decode_record(Subscription, friend),
        receipt=decode_record(Receipt, receipt[0]) if receipt else None,
    )


def _by_time(replies: Iterable[list[bytes]]) -> tuple[Charge, ...]:
    charges = [decode(Charge, raw) for values in replies for raw in values]
    return tuple(sorted(charges, key=lambda charge: (charge.at, charge.id)))


_DONE = Committed(Verdict.DONE)


def _committed(reply: list[bytes]) -> Committed:
    if reply[0] == b"done":
        return _DONE
    verdict = Verdict(reply[0].decode())
    return Committed(verdict, decode_answer(reply[1]) if verdict is Verdict.SEEN else None)
