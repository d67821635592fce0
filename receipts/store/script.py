"""Changes in the words of the script: what to check, what to write, and under which keys."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from receipts.model import (
    Audit,
    Call,
    Charge,
    Owner,
    Receipt,
    Subscription,
    Talk,
    Trail,
    month_of,
)
from receipts.ports import Change, Stored, Timer
from receipts.store.keys import GROUP, Keys
from receipts.store.records import packed, stored

_DAY = 86_400

#: Entries kept of one customer's chain of consent: more than anybody orders in three years.
_LONGEST_CHAIN = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """How long things are remembered, in seconds."""

    claims: int = 3 * _DAY
    trails: int = 7 * _DAY
    talks: int = _DAY
    calls: int = _DAY
    receipts: int = 180 * _DAY
    log: int = 3 * 366 * _DAY
    receipts_listed: int = 100


class Script:
    """The keys and instructions of changes in one shard, for commit.lua."""

    def __init__(self, keys: Keys, kept: Kept, changes: Sequence[Change]) -> None:
        self._keys, self._kept = keys, kept
        self.shard = keys.shard(changes[0].number)
        self.names: list[str] = []
        self._places: dict[str, int] = {}
        self.words: list[bytes | str | int | float] = []
        for change in changes:
            head = len(self.words)
            self._change = change
            self.words += ("change", 0, 0, "")
            self._write()
            self.words[head + 2] = (len(self.words) - head) // 4 - 1

    def _say(self, word: str, key: str, a: str | float = "", b: bytes | str | float = "") -> None:
        place = self._places.get(key)
        if place is None:
            self.names.append(key)
            place = self._places[key] = len(self.names)
        self.words += (word, place, a, b)

    def _write(self) -> None:
        change, number = self._change, self._change.number
        if change.claim is not None:
            claim = self._keys.claim(number, change.claim)
            self._say("claim", claim, self._kept.claims, packed(change.answer))
        for record in change.records:
            self._record(record)
        for charge in change.charges:
            self._charge(charge)
        for entry in change.audit:
            self._audit(entry)
        self._timers()
        self._outbox()

    def _outbox(self) -> None:
        change = self._change
        for receipt_id in change.post:
            self._say("append", self._keys.outbox(self.shard), "id", receipt_id)
        for posted in change.done:
            self._say("done", self._keys.outbox(posted.shard), posted.entry, GROUP)
        for reason in change.count:
            self._say("count", self._keys.counts(self.shard), reason, 1)

    def _timers(self) -> None:
        key = self._keys.timers(self.shard)
        if self._change.fired is not None:
            self._say("ring", key, member(self._change.fired))
        for timer in self._change.untimers:
            self._say("unset", key, member(timer))
        for timer in self._change.timers:
            at = timer.at or dt.datetime.max.replace(tzinfo=dt.UTC)
            self._say("set", key, at.timestamp(), member(timer))

    def _record(self, record: Stored) -> None:
        key, keep = self._place(record)
        self._say("guard", key, record.version - 1)
        self._say("put", key, keep, stored(record, record.version))
        if isinstance(record, Receipt) and record.version == 1:
            listed = self._keys.receipts(record.number)
            self._say("list", listed, self._kept.receipts_listed, record.id)
            self._say("expire", listed, self._kept.receipts)

    def _place(self, record: Stored) -> tuple[str, int]:
        keys, kept = self._keys, self._kept
        match record:
            case Subscription():
                return keys.subscription(record.number), 0
            case Receipt():
                return keys.receipt(self.shard, record.id), kept.receipts
            case Trail():
                return keys.trail(record.sender, record.friend, record.message_id), kept.trails
            case Talk():
                return keys.talk(record.number), kept.talks
            case Owner():
                return keys.owner(record.number), 0
            case Call():
                return keys.call(record.number, record.sid), kept.calls

    def _charge(self, charge: Charge) -> None:
        key = self._keys.charges(charge.number, charge.month)
        self._say("once", key, charge.id, packed(charge))
        self._say("expire", key, self._kept.log)
        charged = self._keys.charged(self.shard, charge.month)
        self._say("member", charged, charge.number)
        self._say("expire", charged, self._kept.log)
        # What was agreed is kept for as long as anything is charged by it, and the term after.
        self._say("expire", self._keys.consent(charge.number), self._kept.log)

    def _audit(self, entry: Audit) -> None:
        key = self._keys.audit(self.shard, month_of(entry.at))
        self._say("append", key, "entry", packed(entry))
        self._say("expire", key, self._kept.log)
        chain = self._keys.consent(entry.number)
        self._say("last", chain, _LONGEST_CHAIN, packed(entry))
        self._say("expire", chain, self._kept.log)


def member(timer: Timer) -> str:
    """A timer as it lies in the sorted set."""
    return f"{timer.kind}|{timer.number}|{timer.subject}"
