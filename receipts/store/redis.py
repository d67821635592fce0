"""The store on Redis: one read, one script on one slot."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import islice

from redis.exceptions import NoScriptError

from receipts.deciding import only_claims, writes
from receipts.model import (
    Access,
    Call,
    Charge,
    Kind,
    Msisdn,
    Receipt,
    Subscription,
    Talk,
    Trail,
)
from receipts.ports import Answer, Change, Committed, Held, Verdict, Wanted
from receipts.store.keys import Keys
from receipts.store.records import answer, packed, restored, unpacked
from receipts.store.script import Kept, Script
from receipts.store.server import Command, Server

_SCRIPT = files("receipts.store").joinpath("commit.lua").read_text()


#: What scripts answered, and what was read along with them.
_Told = tuple[list[list[list[bytes]]], list[bytes | None]]


class RedisStore:
    """All that the business remembers. A commit made twice is safe: its claim or versions tell."""

    def __init__(self, server: Server, keys: Keys, kept: Kept | None = None) -> None:
        self._server, self._client = server, server.client
        self._keys, self._kept = keys, kept or Kept()
        self._sha = ""

    def ping(self) -> None:
        """Raises StoreUnavailable unless the server answers."""
        self._server.ask(self._client.ping)

    def keep_for(self, kept: Kept) -> None:
        """From now on, remember things for other lengths of time."""
        self._kept = kept

    # -- one read, one commit ----------------------------------------------------------------

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt for this customer, made from what it is about."""
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
        """One round trip: the customer and what else the event needs."""
        keys = self._keys
        wanted = (
            keys.subscription(number),
            keys.claim(number, claim) if claim else None,
            keys.talk(number) if talk else None,
            keys.call(number, call) if call else None,
            keys.access(number) if access else None,
        )
        charges = [("HVALS", keys.charges(number, month)) for month in months]
        values, *charged = self._server.talk(("MGET", *filter(None, wanted)), *charges)
        found = iter(values)
        customer, answered, talked, called, entered = [
            next(found) if name else None for name in wanted
        ]
        return Held(
            number,
            restored(Subscription, customer) or Subscription(number),
            answered=answer(answered),
            talk=restored(Talk, talked),
            call=restored(Call, called),
            charges=_by_time(charged) if months else None,
            access=restored(Access, entered),
        )

    def _values(self, names: dict[str, str]) -> dict[str, bytes | None]:
        if not names:
            return {}
        return dict(zip(names, self._server.values(list(names.values())), strict=True))

    def read_all(self, wanted: Sequence[Wanted]) -> list[Held]:
        """One round trip for many reports, in the order asked."""
        names = [self._wanted(each) for each in wanted]
        found = self._values({name: name for each in names for name in each})
        return [self._held(*pair, found) for pair in zip(wanted, names, strict=True)]

    def _wanted(self, wanted: Wanted) -> tuple[str, ...]:
        keys, sender, friend = self._keys, wanted.sender, wanted.friend
        people = (keys.subscription(sender), keys.subscription(friend))
        receipt = self._receipt_key(wanted.receipt_id) if wanted.receipt_id else None
        return (*people, keys.trail(sender, friend, wanted.message_id), *filter(None, (receipt,)))

    @staticmethod
    def _held(wanted: Wanted, names: tuple[str, ...], found: dict[str, bytes | None]) -> Held:
        customer, friend, trail, *receipt = (found[name] for name in names)
        return Held(
            wanted.sender,
            restored(Subscription, customer) or Subscription(wanted.sender),
            trail=restored(Trail, trail),
            friend=restored(Subscription, friend),
            receipt=restored(Receipt, receipt[0]) if receipt else None,
        )

    def commit(self, change: Change) -> Committed:
        """One round trip: all of it or nothing, on disk when it returns."""
        # Nothing to write is nothing to ask, unless what it was decided from may yet be lost.
        if not (self._server.replicated or writes(change)):
            return _DONE
        if change.claim is not None and only_claims(change):
            return self._claimed(change.number, change.claim, change.answer)
        script = Script(self._keys, self._kept, [change])
        ((reply,),), _ = self._server.ask(self._run, [script], ())
        return _committed(reply)

    def _claimed(self, number: Msisdn, claim: str, told: Answer) -> Committed:
        """What only marks its event as taken, as most texts do, is whole by one command."""
        name, until = self._keys.claim(number, claim), ("EX", self._kept.claims)
        (seen,) = self._server.talk(("SET", name, packed(told), *until, "NX", "GET"))
        return _DONE if seen is None else Committed(Verdict.SEEN, answer(seen))

    def commit_all(self, changes: Sequence[Change]) -> list[Committed]:
        """Several changes, each on its own, in one round trip."""
        return self.attempt(changes)[0]

    def attempt(
        self, changes: Sequence[Change], wanted: Sequence[Wanted] = ()
    ) -> tuple[list[Committed], list[Held]]:
        """The same, and in the same round trip what to decide anew from where one of them fails.

        Changes of one shard go to the script together: it is called, and the disk is waited for,
        once a shard.
        """
        all_of_them = self._server.replicated
        places: dict[int, list[int]] = {}
        for place, change in enumerate(changes):
            if all_of_them or writes(change):
                places.setdefault(self._keys.shard(change.number), []).append(place)
        scripts = [
            Script(self._keys, self._kept, [changes[place] for place in shared])
            for shared in places.values()
        ]
        names = [self._wanted(each) for each in wanted]
        reads = [name for each in names for name in each]
        found, values = self._server.ask(self._run, scripts, reads) if scripts else ([], [])
        ends = [_DONE] * len(changes)
        for shared, replies in zip(places.values(), found, strict=True):
            for place, reply in zip(shared, replies, strict=True):
                ends[place] = _committed(reply)
        if not wanted or all(end is _DONE for end in ends):
            return ends, []
        held = dict(zip(reads, values, strict=True))
        return ends, [self._held(*pair, held) for pair in zip(wanted, names, strict=True)]

    def _load(self) -> None:
        self._sha = self._client.script_load(_SCRIPT)

    def _run(self, scripts: Sequence[Script], reads: Sequence[str]) -> _Told:
        if not self._sha:
            self._load()
        try:
            return self._evaluate(scripts, reads)
        except NoScriptError:
            # A server that was started anew has forgotten the script; nothing was run.
            self._load()
            return self._evaluate(scripts, reads)

    def _evaluate(self, scripts: Sequence[Script], reads: Sequence[str]) -> _Told:
        commands: list[Command] = [
            ("EVALSHA", self._sha, len(script.keys), *script.keys, *script.words)
            for script in scripts
        ]
        if not reads:
            return self._server.exchange(commands), []
        # On a cluster they may lie on several nodes.
        apart = self._server.replicated
        commands += [("GET", name) for name in reads] if apart else [("MGET", *reads)]
        told = self._server.exchange(commands)
        found, values = told[: len(scripts)], told[len(scripts) :]
        return found, values if apart else values[0]

    # -- looking things up -------------------------------------------------------------------

    def receipts(self, ids: Iterable[str]) -> list[Receipt | None]:
        """Receipts by id, in the order asked; None for an id that is not ours or is gone."""
        wanted = list(ids)
        names = [self._receipt_key(receipt_id) for receipt_id in wanted]
        found = self._values({name: name for name in names if name})
        return [restored(Receipt, found.get(name)) if name else None for name in names]

    def _receipt_key(self, receipt_id: str) -> str | None:
        shard = self._keys.shard_of_receipt(receipt_id)
        return None if shard is None else self._keys.receipt(shard, receipt_id)

    def receipts_of(self, number: Msisdn, limit: int, kind: Kind | None) -> list[Receipt]:
        """A customer's newest receipts first."""
        (listed,) = self._server.talk(("LRANGE", self._keys.receipts(number), 0, -1))
        found = self.receipts(_text(receipt_id) for receipt_id in listed)
        wanted = [r for r in found if r is not None and (kind is None or r.kind is kind)]
        return wanted[:limit]

    def newest(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest things sent to several customers, newest first, in the order asked."""
        keys = [self._keys.receipts(number) for number in numbers]
        listed = self._server.talk(*(("LRANGE", key, 0, limit - 1) for key in keys))
        found = iter(self.receipts(_text(each) for ids in listed for each in ids))
        return [[r for r in islice(found, len(ids)) if r is not None] for ids in listed]

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges of some months, oldest first."""
        keys = [self._keys.charges(number, month) for month in months]
        return list(_by_time(self._server.talk(*(("HVALS", key) for key in keys))))


def _by_time(found: Iterable[list[bytes]]) -> tuple[Charge, ...]:
    charges = [unpacked(Charge, raw) for values in found for raw in values]
    return tuple(sorted(charges, key=lambda charge: (charge.at, charge.id)))


_DONE = Committed(Verdict.DONE)


def _committed(reply: list[bytes]) -> Committed:
    if reply[0] == b"done":
        return _DONE
    verdict = Verdict(reply[0].decode())
    return Committed(verdict, answer(reply[1]) if verdict is Verdict.SEEN else None)


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
