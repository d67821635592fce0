"""Changes in the words of the script: what to check, what to write, and under which keys."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from receipts.model import (
    Access,
    Audit,
    Call,
    Charge,
    Kind,
    Owner,
    Receipt,
    Subscription,
    Talk,
    Trail,
)
from receipts.months import month_of
from receipts.ports import Change, Stored, Timer
from receipts.store.keys import GROUP, Keys
from receipts.store.records import packed, stored
from statemachines.receipt import ReceiptState

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
    #: Longer than any visit, and than the day in which codes are counted.
    access: int = 2 * _DAY
    codes: int = 3600
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

    @property
    def keys(self) -> list[str]:
        """The keys it is about; where it does nothing, one that says its shard."""
        return self.names or [self._keys.outbox(self.shard)]

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
        for record in change.rests_on:
            self._say("guard", self._place(record)[0], record.version)
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
        for parked in change.park:
            self._say("guard", self._keys.receipt(self.shard, parked.receipt_id), parked.version)
            waiting = self._keys.waiting(self.shard, parked.lane)
            self._say("set", waiting, parked.since.timestamp(), parked.receipt_id)
        for posted in change.done:
            outbox = self._keys.outbox(posted.shard, late=posted.late)
            self._say("done", outbox, posted.entry, GROUP)
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
        self._say("save", key, keep, stored(record, record.version))
        # A code is nobody's to look up, and gone within the hour.
        if isinstance(record, Receipt) and record.kind is not Kind.CODE:
            self._listed(record)

    def _listed(self, receipt: Receipt) -> None:
        """The lists a receipt stands on: its customer's, and the one of those nobody is sure of."""
        if receipt.version == 1:
            listed = self._keys.receipts(receipt.number)
            self._say("list", listed, self._kept.receipts_listed, receipt.id)
            self._say("expire", listed, self._kept.receipts)
        elif receipt.state is ReceiptState.UNSURE:
            asked_at = receipt.asked_at or receipt.created_at
            self._say("set", self._keys.unsure(self.shard), asked_at.timestamp(), receipt.id)
        else:
            self._say("unset", self._keys.unsure(self.shard), receipt.id)

    def _place(self, record: Stored) -> tuple[str, int]:  # noqa: PLR0911 - one a kind
        keys, kept = self._keys, self._kept
        match record:
            case Subscription():
                return keys.subscription(record.number), 0
            case Receipt():
                keep = kept.codes if record.kind is Kind.CODE else kept.receipts
                return keys.receipt(self.shard, record.id), keep
            case Trail():
                return keys.trail(record.sender, record.friend, record.message_id), kept.trails
            case Talk():
                return keys.talk(record.number), kept.talks
            case Owner():
                return keys.owner(record.number), 0
            case Access():
                return keys.access(record.number), kept.access
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
        key, written = self._keys.audit(self.shard, month_of(entry.at)), packed(entry)
        self._say("append", key, "entry", written)
        self._say("expire", key, self._kept.log)
        chain = self._keys.consent(entry.number)
        self._say("last", chain, _LONGEST_CHAIN, written)
        self._say("expire", chain, self._kept.log)


def member(timer: Timer) -> str:
    """A timer as it lies in the sorted set."""
    return f"{timer.kind}|{timer.number}|{timer.subject}"
