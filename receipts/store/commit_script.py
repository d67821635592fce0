"""Translate changes into the instructions and keys of commit.lua."""

import datetime as dt
import hashlib
from collections.abc import Sequence

from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import AuditEntry, Charge
from receipts.model.counter import CounterActReference
from receipts.model.customer import CallLog
from receipts.model.figure import (
    FEN,
    UNKNOWN_TEXTS_KEPT,
    Figure,
    count_of,
    day_of,
    sums_of,
    unknown_of,
)
from receipts.model.message import MessageTrace, StrangerTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.ports.changes import ChangeSet, Record
from receipts.store.charge_reader import sum_of
from receipts.store.codec import StoredCharge, encode, encode_record, pack, timer_member
from receipts.store.keys import GROUP, KeySchema
from receipts.store.pipeline import Command, load_script
from receipts.store.retention import RetentionSeconds, key_and_seconds
from receipts.store.sealed_text import TextSealer
from receipts.store.text_index import MARGIN_SECONDS, WEEK_SECONDS, packed, packed_by_id
from statemachines.receipt import ReceiptState

#: The SHA-1 of the script that applies changes.
COMMIT_SHA = load_script("commit.lua")
_DAY = 86_400

_Word = bytes | str | float
_Sums = tuple[tuple[str, ...], tuple[Figure, ...]]  # counters and figures

#: Entries kept of one customer's consent chain, more than three years of orders bring.
LONGEST_CHAIN = 1000

#: The newest ends of receipts kept by shard and provider, and failed ones kept by shard for staff.
RESULTS_KEPT, FAILURES_KEPT = 20, 100

#: Digests kept of events that changed one customer, as some bring no audit entry; read in 0.1 ms.
_MOST_ACTS, _DIGEST_BYTES = 4 * LONGEST_CHAIN, 8

#: Looks by staff and calls of the last day in a customer's own lists, acts of a day in a shop's.
_LOOKS_LISTED, _CALLS_LISTED, _MOST_ACTS_A_DAY = 1_000, 1_000, 2_000


class CommitScript:
    """The call of commit.lua for several changes with keys on one server."""

    def __init__(
        self,
        keys: KeySchema,
        retention: RetentionSeconds,
        changes: Sequence[ChangeSet],
        sealer: TextSealer,
    ) -> None:
        self._keys, self._retention, self._sealer = keys, retention, sealer
        # The first change's shard has the counts of all: readers sum all shards.
        self._shard = self._counting = keys.shard(changes[0].number)
        self.names: dict[str, int] = {}  # the index of each key that instructions name, from 1
        self._words: list[_Word] = []
        #: The key of a day's figures by moment.
        self._days: dict[dt.datetime, str] = {}
        #: Numbers of the sums that changes share; a change alone has its own.
        self._shared: dict[_Sums, int] | None = {} if len(changes) > 1 else None
        for change in changes:
            self._change, self._shard = change, keys.shard(change.number)
            head = self._begin("change")
            self._write()
            self._end(head)
        for sums, number in (self._shared or {}).items():
            head = self._begin("shared", number)
            self._add_sums(*sums)
            self._end(head)

    @property
    def command(self) -> Command:
        """The call. A script without writes names a key too, to be routed to its shard."""
        names = tuple(self.names) or (self._keys.outbox(self._counting),)
        return ("EVALSHA", COMMIT_SHA, len(names), *names, *self._words)

    def _begin(self, name: str, number: _Word = "") -> int:
        """Add an instruction that says how many follow, once they have ended."""
        self._words += (name, 0, 0, number)
        return len(self._words)

    def _end(self, head: int) -> None:
        self._words[head - 2] = (len(self._words) - head) // 4

    def _add(self, instruction: str, key: str, a: _Word = "", b: _Word = "") -> None:
        index = self.names.setdefault(key, len(self.names) + 1)
        self._words += (instruction, index, a, b)

    def _write(self) -> None:
        change, number = self._change, self._change.number
        if change.idempotency_key is not None:
            idempotency_key = self._keys.claim(number, change.idempotency_key)
            self._add("claim", idempotency_key, self._retention.claims, encode(change.reply))
            if change.is_act:
                self._act(change.idempotency_key)
        for record in change.records:
            self._record(record)
        for record in change.erased:
            self._erase(record)
        self._archive()
        self._index()
        for charge in change.charges:
            self._charge(charge)
        for entry in change.audit:
            self._audit(entry)
        for lookup in change.lookups:
            key = self._keys.lookups(self._shard, month_of(lookup.at))
            self._add("append", key, "entry", encode(lookup))
            self._add("expire", key, self._retention.log)
            own = self._keys.looks(lookup.number)
            self._add("last", own, _LOOKS_LISTED, encode(lookup))
            self._add("expire", own, self._retention.log)
        self._figures()
        self._timers()
        self._outbox()

    def _index(self) -> None:
        seconds = self._retention.trails + MARGIN_SECONDS
        for text in self._change.indexed:
            self._add("recent", self._keys.texts(text.sender), seconds, packed(text))
            key, entry = packed_by_id(self._keys, self._shard, text)
            self._add("pair", key, seconds + WEEK_SECONDS, entry)
        for text in self._change.unindexed:
            self._add("erase", self._keys.texts(text.sender))
            key, entry = packed_by_id(self._keys, self._shard, text)
            self._add("unpair", key, "", entry)

    def _figures(self) -> None:
        keys, shard, change = self._keys, self._shard, self._change
        sums = (change.counters, change.figures)
        if self._shared is not None and change.counters:
            # The reports of a batch arrive at one moment, with few results and no running figure.
            number = self._shared.setdefault(sums, len(self._shared) + 1)
            self._words += ("share", 0, number, "")
        else:
            self._add_sums(*sums)
        if (unknown := change.unknown_text) is not None:
            most = -(-UNKNOWN_TEXTS_KEPT // keys.shards)
            self._add("text", keys.figures(shard, unknown_of(unknown.at)), most, unknown.name)

    def _add_sums(self, counters: Sequence[str], figures: Sequence[Figure]) -> None:
        keys, shard = self._keys, self._shard
        for reason in counters:
            self._add("count", keys.counts(self._counting), reason, 1)
        for each in figures:
            sums = [keys.figures(shard, name) for name in sums_of(each)]
            for key in sums or (self._day_key(each.at),):
                self._add("figure", key, each.name, each.amount)
            if counted := count_of(each):
                self._add("count", keys.counts(self._counting), counted, each.amount)

    def _day_key(self, at: dt.datetime) -> str:
        """The key of a day's figures; the script adds to its month too, which is named here."""
        if at not in self._days:
            day = self._days[at] = self._keys.figures(self._counting, day_of(at))
            self.names.setdefault(day[: -len("-01")], len(self.names) + 1)
        return self._days[at]

    def _act(self, event: str) -> None:
        """Refuse an event whose claim has expired, for as long as its audit entry is kept."""
        acts = self._keys.acts(self._change.number)
        digest = hashlib.blake2b(event.encode(), digest_size=_DIGEST_BYTES).digest()
        self._add("unique", acts, _MOST_ACTS, digest)
        self._add("expire", acts, self._retention.log)

    def _outbox(self) -> None:
        change = self._change
        for receipt_id in change.outbox:
            self._add("append", self._keys.outbox(self._shard), "id", receipt_id)
        for parked in change.deferred:
            self._add("guard", self._keys.receipt(self._shard, parked.receipt_id), parked.version)
            waiting = self._keys.waiting(self._shard, parked.queue)
            self._add("set", waiting, parked.since.timestamp(), parked.receipt_id)
        for entry in change.acked:
            outbox = self._keys.outbox(entry.shard, late=entry.deferred)
            self._add("done", outbox, entry.entry, GROUP)
        for result in change.results:
            results = self._keys.results(self._shard, result.provider)
            ended = f"{result.at.timestamp()} {result.code}"
            self._add("list", results, RESULTS_KEPT, ended)
            if result.code and result.receipt_id:
                failed = f"{ended} {result.provider} {result.receipt_id}"
                self._add("list", self._keys.failures(self._shard), FAILURES_KEPT, failed)

    def _timers(self) -> None:
        key = self._keys.timers(self._shard)
        if (fired := self._change.fired_timer) is not None:
            self._add("ring", key, timer_member(fired), fired.at.timestamp() if fired.at else "")
        for joined in self._change.joined_timers:
            self._add("ring", key, timer_member(joined))
        for timer in self._change.cancelled_timers:
            self._add("unset", key, timer_member(timer))
        for timer in self._change.timers:
            at = timer.at or dt.datetime.max.replace(tzinfo=dt.UTC)
            self._add("set", key, at.timestamp(), timer_member(timer))

    def _record(self, record: Record) -> None:
        key, seconds = key_and_seconds(self._keys, self._retention, self._shard, record)
        kept: Record | MessageTrace = record
        if isinstance(record, StrangerTrace):
            kept = record.anonymous()
        elif isinstance(record, Receipt):
            kept = self._sealer.seal(record)
        self._add("save", key, seconds, encode_record(kept, record.version))
        if isinstance(record, CallLog) and record.version == 1:
            calls = self._keys.calls(record.number)
            self._add("last", calls, _CALLS_LISTED, record.sid)
            self._add("expire", calls, seconds)
        # A passcode is in no list, and expires within the hour.
        if isinstance(record, Receipt) and record.kind is not MessageKind.CODE:
            self._listed(record)

    def _erase(self, record: Record) -> None:
        key, _ = key_and_seconds(self._keys, self._retention, self._shard, record)
        if isinstance(record, MessageTrace):
            self._add("guard", key, record.version)
        self._add("erase", key)
        if isinstance(record, CallLog):
            self._add("erase", self._keys.calls(record.number))
        if isinstance(record, Receipt):
            self._add("unlist", self._keys.receipts(record.number), self._keys.listed(record.id))
            self._add("unset", self._keys.unsure(self._shard), record.id)
            self._add("unset", self._keys.retrying(self._shard), record.id)

    def _archive(self) -> None:
        keys, change = self._keys, self._change
        for receipt in change.archived:
            self._add("guard", keys.receipt(self._shard, receipt.id), receipt.version)
            self._erase(receipt)
            self._add("count", keys.archived(self._shard), month_of(receipt.created_at), 1)
        for trace, seconds in change.kept_traces:
            key, _ = key_and_seconds(keys, self._retention, self._shard, trace)
            self._add("save", key, seconds, encode_record(trace, 1))
        if change.erases_archive:
            self._add("set", keys.erasing(self._shard), 0, change.number)

    def _listed(self, receipt: Receipt) -> None:
        """Update the lists of the customer's receipts and of those with an unknown outcome."""
        if receipt.version == 1:
            listed, kept = self._keys.receipts(receipt.number), self._retention
            self._add("list", listed, kept.receipts_listed, self._keys.listed(receipt.id))
            self._add("expire", listed, kept.receipts)
        elif receipt.state is ReceiptState.UNSURE:
            asked_at = receipt.requested_at or receipt.created_at
            self._add("set", self._keys.unsure(self._shard), asked_at.timestamp(), receipt.id)
        elif receipt.send_log:  # most receipts have no failed or doubtful step, and cost no look
            self._add("unset", self._keys.unsure(self._shard), receipt.id)
        if receipt.send_log and receipt.digest is None:
            retrying = self._keys.retrying(self._shard)
            if receipt.state is ReceiptState.DUE:
                self._add("set", retrying, receipt.created_at.timestamp(), receipt.id)
            else:
                self._add("unset", retrying, receipt.id)

    def _charge(self, charge: Charge) -> None:
        key = self._keys.charges(charge.number, charge.month)
        self._add("once", key, charge.id, pack(StoredCharge.of(charge)))
        self._add("sum", key, *sum_of(charge))
        order = self._keys.charge_order(charge.number, charge.month)
        self._add("order", order, charge.at.timestamp(), charge.id)
        fee = f"{FEN}|{charge.tariff}|{charge.kind}"
        self._add("fee", self._day_key(charge.at), fee, charge.fen)
        charged = self._keys.charged(self._shard, charge.month)
        self._add("member", charged, charge.number)
        # The evidence of consent outlives the last charge by the full retention.
        evidence = (self._keys.consent(charge.number), self._keys.acts(charge.number))
        for each in (key, order, charged, *evidence):
            self._add("expire", each, self._retention.log)

    def _audit(self, entry: AuditEntry) -> None:
        key, written = self._keys.audit(self._shard, month_of(entry.at)), encode(entry)
        self._add("append", key, "entry", written)
        self._add("expire", key, self._retention.log)
        if entry.serial:
            self._counter_act(entry)
        chain = self._keys.consent(entry.number)
        self._add("last", chain, LONGEST_CHAIN, written)
        self._add("expire", chain, self._retention.log)

    def _counter_act(self, entry: AuditEntry) -> None:
        day = entry.at.astimezone(SHANGHAI).date()
        act = encode(CounterActReference.of(entry))
        by_serial = self._keys.counter_forms(self._shard, day)
        by_shop = self._keys.counter_acts(self._shard, day, entry.shop)
        self._add("once", by_serial, entry.serial, act)
        self._add("last", by_shop, _MOST_ACTS_A_DAY, act)
        for key in (by_serial, by_shop):
            self._add("expire", key, self._retention.log)
