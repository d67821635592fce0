"""Bytes in the store of a receipt with all that comes with it, of a stranger's text, of a customer.

`python -m tests.bench.receipt_bytes 100000 10000`: receipts, and customers who share them. The
product's own services work in this process on a server of their own: a report of the feed, the end
of the flash's wait, the provider's acceptance with the charge, and the provider's report.
"""

import datetime as dt
import itertools
import sys
import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from app.clock import SystemClock
from app.storage.clients import retention_seconds
from receipts.delivery.digest import DIGEST, DigestBuilder
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.ports.provider import Capabilities, Provider, ProviderStatus
from receipts.reports.service import ReportService
from receipts.rulebook.loader import load_rule_book
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.reader import FileReceiptArchive
from receipts.store.archive.register import ArchiveRegister
from receipts.store.check.shapes import named
from receipts.store.codec import decode, decode_record, encode, encode_record
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.local_server import running_server_url
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.bench import report
from tests.bench.events import recipient
from tests.bench.local_store import SHARDS, local_store
from tests.bench.product import number, subscriber
from tests.support.sending import mark_sending

#: The goals in bytes: a receipt, a subscriber, a stranger's text after two hours.
RECEIPT, SUBSCRIBER, STRANGER = 450, 250, 0

#: Receipts in the store of each customer of a carrier (``tests.bench.reckoning``): a month's.
_OF_CARRIER = 62

#: Reports of one batch; no customer has two in it, as those would share a text.
_BATCH = 500

#: Retention of strangers' texts, in seconds, that stands for two hours.
_STRANGERS_KEPT = 2

#: What the keys of each kind hold; all others are constant.
_PARTS = {
    "receipt": "record, with the trace of the text",
    "trail": "trace of its own",
    "charges": "charge",
    "charged": "list of customers with charges",
    "receipts": "list of the customer's receipts",
    "texts": "index of texts by sender",
    "mids": "index of texts by message id",
}


class _Carrier:
    """A provider by name: nothing is sent."""

    name = "kannel"
    capabilities = Capabilities(flash=True, reports=True, lookup=False)


class Bytes:
    """The product's services on a store of their own, and what that store takes."""

    def __init__(self, client: Any, customers: int, province: str | None) -> None:  # noqa: ANN401
        self.client, self._customers, self._province = client, customers, province
        connection, self.keys = RedisConnection(client), KeySchema(SHARDS, "a secret of the bench")
        self._outbox = RedisOutbox(connection, self.keys)
        self._outbox.open()
        book, self._clock = load_rule_book(None), SystemClock()
        self.store = RedisStore(connection, self.keys, retention_seconds(book.retention))
        register, folder = ArchiveRegister(connection, self.keys), ArchiveFolder(Path("archive"))
        archive = FileReceiptArchive(register, folder, self._clock.now)  # stays empty
        self._reports = ReportService(self.store, archive, book, NumberingPlan(), self._clock)
        carrier = cast("Provider", _Carrier())
        self._lifecycle = ReceiptLifecycle(Router([carrier], [carrier]), book.sending, self._clock)
        doubts = self._lifecycle.perhaps_sent
        self._digests = DigestBuilder(self.store, book.sending, self._clock, doubts)
        self._ids = itertools.count(0x7F6E_0000)
        client.config_set("appendfsync", "no")
        client.config_set("auto-aof-rewrite-percentage", 0)

    def used(self) -> int:
        """Bytes that the server has allocated."""
        return int(self.client.info("memory")["used_memory"])

    def appended(self) -> int:
        """Bytes of the file that is appended to."""
        return int(self.client.info("persistence")["aof_current_size"])

    def subscribe(self) -> None:
        """Write the customers."""
        for start in range(0, self._customers, _BATCH):
            those = map(subscriber, range(start, min(self._customers, start + _BATCH)))
            if self._province:
                those = (replace(each, tariff="SX-1", province=self._province,
                                 network=Network.CHINA_MOBILE) for each in those)  # fmt: skip
            self._commit([ChangeSet(each.number, records=(each,)) for each in those])

    def report(self, texts: Sequence[int]) -> None:
        """Reports on texts of customers by number, one of each."""
        now = self._clock.now()
        done = now.replace(microsecond=0)
        self._reports.ingest_batch([
            DeliveryReport(
                f"{next(self._ids):x}", number(index), Msisdn(recipient(index * 13)),
                MessageStatus.DELIVERED, "DELIVRD 000", now, done=ReportedTime(done),
                submitted=ReportedTime(done - dt.timedelta(seconds=3 + index % 50)),
            )
            for index in texts
        ])  # fmt: skip

    def settle(self) -> None:
        """Send all that waits: each receipt is accepted, charged and reported as delivered."""
        later = self._clock.now() + dt.timedelta(minutes=1)
        timers = self._outbox.due_timers(later, 10 * _BATCH)
        self._digests.build([each for each in timers if each.kind == DIGEST], together=True)
        lifecycle = self._lifecycle
        while entries := self._outbox.fetch("bench", _BATCH, 0):
            ids = [entry.receipt_id for entry in entries]
            due = zip(self._receipts(ids), entries, strict=True)
            self._commit([mark_sending(lifecycle, *each) for each in due])
            marked = self._receipts(ids)
            self._commit([lifecycle.accepted(r, r.id, e)
                          for r, e in zip(marked, entries, strict=True)])  # fmt: skip
            status = (ProviderStatus.DELIVERED, "type 1 DELIVRD 000", None)
            self._commit([lifecycle.apply_status(r, *status) for r in self._receipts(ids)])

    def _receipts(self, ids: Sequence[str]) -> list[Receipt]:
        return [each for each in self.store.receipts(ids) if each is not None]

    def _commit(self, changes: Sequence[ChangeSet]) -> None:
        results = self.store.commit_all(changes)
        assert all(each.status is CommitStatus.COMMITTED for each in results)

    def receipts(self, count: int) -> None:
        """So many receipts from report to fate, the customers in turn."""
        batch = min(_BATCH, self._customers)
        for start in range(0, count, batch):
            self.report([each % self._customers for each in range(start, start + batch)])
            self.settle()

    def kinds(self) -> Counter[str]:
        """Bytes by kind of key, as MEMORY USAGE counts them: without the tables of all keys."""
        found: Counter[str] = Counter()
        names, pipe = list(self.client.scan_iter(count=5000)), self.client.pipeline(False)
        for name in names:
            pipe.memory_usage(name, samples=0)
        for name, size in zip(names, pipe.execute(), strict=True):
            known = named(name)
            found[known.match.string.partition(":")[0] if known else ""] += size or 0
        return found


@contextmanager
def measured(customers: int, province: str | None = None) -> Iterator[Bytes]:
    """A new server with its services."""
    with local_store() as folder, connected(running_server_url(folder)) as client:
        yield Bytes(client, customers, province)


def _of_receipts(count: int, customers: int, province: str | None) -> dict[str, float]:
    """Bytes a receipt by part, in all, and appended to the file."""
    with measured(customers, province) as ours:
        ours.subscribe()
        ours.receipts(min(_BATCH, customers))  # what each store has once
        used, kinds, appended = ours.used(), ours.kinds(), ours.appended()
        ours.receipts(count)
        in_all, written = ours.used() - used, ours.appended() - appended
        more = ours.kinds() - kinds
        rows = {text: more[kind] / count for kind, text in _PARTS.items()}
        rows["tables of keys and ends, and the rest"] = in_all / count - sum(rows.values())
        return rows | {"in all": in_all / count, "appended to the file": written / count}


def _receipts_table(count: int, customers: int) -> str:
    cases = {
        f"{count:,} of {customers:,} customers": (count, customers, None),
        "each with a charge": (count, customers, "CN-SX"),
        f"{count // 4:,} of {count // 4:,} customers": (count // 4, count // 4, None),
        f"{_OF_CARRIER} of each customer": (count, max(1, count // _OF_CARRIER), None),
    }
    found = {name: _of_receipts(*case) for name, case in cases.items()}
    rows = [(part, *(f"{case[part]:,.0f}" for case in found.values()))
            for part in next(iter(found.values()))]  # fmt: skip
    rows.append((f"at most {RECEIPT}", *(_judged(each["in all"], RECEIPT)
                                         for each in found.values())))  # fmt: skip
    return report.grid(("bytes a receipt", *found), rows)


def _judged(value: float, most: float) -> str:
    return "met" if round(value) <= most else f"{value - most:,.0f} over"


def _others_table(count: int) -> str:
    """A subscriber, and a stranger's text before and after its end."""
    with measured(count) as ours:
        before = ours.used()
        ours.subscribe()
        customer = (ours.used() - before) / count
    with measured(count) as ours:
        kept = ours.store.retention
        ours.store.retention = with_fields(kept, strangers=_STRANGERS_KEPT)
        ours.report(range(_BATCH))
        _until_ended(ours)
        before, ours.store.retention = ours.used(), kept
        for start in range(_BATCH, _BATCH + count, _BATCH):
            ours.report(range(start, start + _BATCH))
        fresh = (ours.used() - before) / count
        for name in ours.client.scan_iter("*:x:*", count=5000):
            ours.client.expire(name, _STRANGERS_KEPT)
        _until_ended(ours)
        ended = (ours.used() - before) / count
    return report.grid(("bytes", "", "target", ""), [
        ("a subscriber", f"{customer:,.0f}", f"{SUBSCRIBER}", _judged(customer, SUBSCRIBER)),
        ("a stranger's text, at once", f"{fresh:,.0f}", "", ""),
        ("the same, ended", f"{ended:,.1f}", f"{STRANGER}", _judged(ended, STRANGER)),
    ])  # fmt: skip


def _until_ended(ours: Bytes) -> None:
    """Wait for the end of all strangers' texts, at most a minute."""
    for _ in range(120):
        time.sleep(0.5)
        if not any(True for _ in ours.client.scan_iter("*:x:*", count=5000)):
            return


def _codec_table() -> str:
    """Encoding and decoding of a receipt at its end."""
    with measured(_BATCH) as ours:
        ours.subscribe()
        ours.receipts(_BATCH)
        receipt = ours.store.recent_by_customer([number(1)], 1)[0][0]
    packed, json = encode_record(receipt, receipt.version), encode(receipt)
    rows = [
        ("packed, as stored", f"{len(packed)}", _micros(lambda: encode_record(receipt, 4)),
         _micros(lambda: decode_record(Receipt, packed))),
        ("JSON", f"{len(json)}", _micros(lambda: encode(receipt)),
         _micros(lambda: decode(Receipt, json))),
    ]  # fmt: skip
    return report.grid(("a receipt's record", "bytes", "µs to encode", "µs to decode"), rows)


def _micros(case: Callable[[], object]) -> str:
    rounds = 1_000
    return f"{min(timeit.repeat(case, number=rounds, repeat=25)) / rounds * 1e6:.2f}"


def page(count: int, customers: int) -> str:
    """All tables."""
    tables = (_receipts_table(count, customers), _others_table(customers), _codec_table())
    return "\n\n".join(tables)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        wanted = [int(each) for each in sys.argv[1:]]
        print(page(*(wanted or (100_000, 10_000))))
