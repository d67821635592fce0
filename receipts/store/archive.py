"""Long looks through everything: in batches, in bounded memory, beside the service at work."""

from collections.abc import Iterator, Sequence
from typing import Any

from receipts.model import Audit, Charge, Msisdn, Owner, Receipt, Subscription
from receipts.store.keys import Keys
from receipts.store.records import restored, unpacked
from receipts.store.server import Server

#: How many customers, or log entries, one round trip brings.
BATCH = 500

#: How many keys one step of a look through everything passes: a millisecond of the server's time.
_STEP = 5_000


class RedisArchive:
    """All customers, charges and audit entries. Every method raises StoreUnavailable."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server, self._keys = server, keys
        self._client: Any = server.client

    @staticmethod
    def passed(cursor: int) -> float:
        """How much of ``customers`` lies before a cursor, from 0 to 1.

        The server counts in the bits of a cursor from the highest to the lowest of its table, so
        the cursor read backwards is a fraction, whatever the table's size.
        """
        return int(f"{cursor:064b}"[::-1], 2) / 2**64 if cursor else 1.0

    def customers(self, cursor: int = 0) -> Iterator[tuple[int, list[Subscription]]]:
        """All customers in batches, each with the cursor that goes on behind it; 0 is the end.

        One changed meanwhile may come twice; none that is there throughout is left out.
        """
        while True:
            cursor, names = self._scanned(cursor)
            yield cursor, self._subscriptions(names)
            if cursor == 0:
                return

    def _scanned(self, cursor: int) -> tuple[int, list[bytes]]:
        found = self._server.ask(lambda: self._client.scan(cursor, match="{s*}:sub:*", count=_STEP))
        return int(found[0]), list(found[1])

    def _subscriptions(self, names: Sequence[bytes | str]) -> list[Subscription]:
        if not names:
            return []
        values = self._server.ask(lambda: self._client.mget(names))
        return [found for raw in values if (found := restored(Subscription, raw)) is not None]

    def of(self, numbers: Sequence[Msisdn]) -> list[Subscription]:
        """Many customers in one round trip, in the order asked; an unknown one is a fresh one."""
        names = [self._keys.subscription(number) for number in numbers]
        values = self._server.ask(lambda: self._client.mget(names)) if names else []
        found = (restored(Subscription, raw) for raw in values)
        return [s or Subscription(n) for s, n in zip(found, numbers, strict=True)]

    def owners(self, numbers: Sequence[Msisdn]) -> dict[Msisdn, Owner]:
        """What proves who owns these numbers, in one round trip; none asked, none made."""
        names = [self._keys.owner(number) for number in numbers]
        values = self._server.ask(lambda: self._client.mget(names)) if names else []
        found = (restored(Owner, raw) for raw in values)
        return {n: held or Owner(n) for held, n in zip(found, numbers, strict=True)}

    def charged(self, numbers: Sequence[Msisdn], month: str, charge_id: str) -> list[bool]:
        """Which of many customers have a charge already, in the order asked, in one round trip."""

        def ask() -> list[int]:
            pipe = self._client.pipeline(transaction=False)
            for number in numbers:
                pipe.hexists(self._keys.charges(number, month), charge_id)
            return list(pipe.execute())

        return [bool(found) for found in self._server.ask(ask)] if numbers else []

    def charges(self, month: str) -> Iterator[list[Charge]]:
        """All charges of a month, in batches of customers, each batch by number and time."""
        for shard in range(self._keys.shards):
            members = self._members(self._keys.charged(shard, month))
            for start in range(0, len(members), BATCH):
                yield self.charges_of(members[start : start + BATCH], month)

    def _members(self, key: str) -> list[Msisdn]:
        found = self._server.ask(lambda: self._client.smembers(key))
        return sorted(Msisdn(member.decode()) for member in found)

    def charges_of(self, numbers: Sequence[Msisdn], month: str) -> list[Charge]:
        """The charges of many customers in one round trip, by number and time."""

        def ask() -> list[list[bytes]]:
            pipe = self._client.pipeline(transaction=False)
            for number in numbers:
                pipe.hvals(self._keys.charges(number, month))
            return list(pipe.execute())

        found = [unpacked(Charge, raw) for values in self._server.ask(ask) for raw in values]
        return sorted(found, key=lambda charge: (charge.number, charge.at, charge.id))

    def audit(self, month: str) -> Iterator[list[Audit]]:
        """The audit log of a month, a shard at a time in batches, oldest first in each."""
        for shard in range(self._keys.shards):
            start = "-"
            while entries := self._entries(self._keys.audit(shard, month), start):
                yield [unpacked(Audit, fields[b"entry"]) for _, fields in entries]
                start = f"({entries[-1][0].decode()}"

    def _entries(self, key: str, start: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        return list(self._server.ask(lambda: self._client.xrange(key, start, count=BATCH)))

    def consent(self, number: Msisdn) -> list[Audit]:
        """A customer's chain of consent, oldest first."""
        key = self._keys.consent(number)
        found = self._server.ask(lambda: self._client.lrange(key, 0, -1))
        return [unpacked(Audit, raw) for raw in found]

    def counts(self) -> dict[str, int]:
        """How many reports there were, and what came of them, since the store was first used."""

        def ask() -> list[dict[bytes, bytes]]:
            pipe = self._client.pipeline(transaction=False)
            for shard in range(self._keys.shards):
                pipe.hgetall(self._keys.counts(shard))
            return list(pipe.execute())

        total: dict[str, int] = {}
        for counted in self._server.ask(ask):
            for name, count in counted.items():
                total[name.decode()] = total.get(name.decode(), 0) + int(count)
        return total

    def unsure(self, limit: int = 1) -> tuple[int, list[Receipt]]:
        """How many receipts may or may not have gone out, and the oldest of them."""

        def ask() -> list[Any]:
            pipe = self._client.pipeline(transaction=False)
            for shard in range(self._keys.shards):
                pipe.zcard(self._keys.unsure(shard))
                pipe.zrange(self._keys.unsure(shard), 0, limit - 1, withscores=True)
            return list(pipe.execute())

        found = self._server.ask(ask)
        aged = [(at, shard, name) for shard, each in enumerate(found[1::2]) for name, at in each]
        names = [self._keys.receipt(shard, n.decode()) for _, shard, n in sorted(aged)[:limit]]
        values = self._server.ask(lambda: self._client.mget(names)) if names else []
        return sum(found[::2]), [r for raw in values if (r := restored(Receipt, raw)) is not None]

    def note(self, name: str, value: str | None = None) -> str | None:
        """A note to oneself across runs, such as how far a long look has got; set when given."""
        key = f"note:{name}"
        if value is None:
            held = self._server.ask(lambda: self._client.get(key))
            return held.decode() if held is not None else None
        self._server.ask(lambda: self._client.set(key, value))
        return value

    def incarnation(self) -> str:
        """Which running server this is: a cursor is good for as long as it runs."""
        found = self._server.ask(lambda: self._client.info("server"))
        return str(found["run_id"])
