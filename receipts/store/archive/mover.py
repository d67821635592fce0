"""Moves older receipts from the store to the archive, and deletes months that are kept no longer.

A receipt is on disk in the archive before it leaves the store. A mover that is killed leaves it in
both, and the next one takes it from the store.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from receipts.model.calendar import month_of, month_start, next_month
from receipts.model.message import MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.reports.text_identity import is_found_by_its_reports
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.register import ArchiveRegister
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from statemachines.receipt import ENDED

#: Keys that one SCAN passes, and customers whose oldest receipt is looked at in one round trip.
_SCAN_COUNT, _CUSTOMERS = 5_000, 200

#: Entries of a customer's list that are read in one round trip, which are moved together.
_ENTRIES = 200

#: Customers of a shard whose receipts are written in one transaction of each file.
_TOGETHER = 20


class ArchiveMissingError(Exception):
    """The folder is not the archive of this store; the message says what to do."""


class ArchiveMover:
    """Moves receipts, a shard at a time under its lock.

    Methods raise StoreUnavailableError, ArchiveMissingError and the errors of the archive's files.
    """

    def __init__(
        self,
        connection: RedisConnection,
        keys: KeySchema,
        store: RedisStore,
        folder: ArchiveFolder,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._connection, self._keys, self._store = connection, keys, store
        self._folder, self._now = folder, now
        self._register = ArchiveRegister(connection, keys)

    def run(self, rest: Callable[[], object] = lambda: None) -> Iterator[int]:
        """Pass the whole store once; yields the receipts that each piece of the work has moved.

        ``rest`` is called between two pieces.
        """
        self.open()
        for shard_of, numbers in self._customers():
            moved = self._move(shard_of, numbers)
            rest()
            yield moved
        self.delete_old_months()

    def open(self) -> None:
        """Make the folder at first use; later on, check that it is the store's own."""
        known, found = self._register.name(), self._folder.name()
        # Without months, it may be of a process that was killed before it could adopt it.
        if not known and not (found and self._folder.months()):
            self._register.adopt(self._folder.create())
        elif known != found:
            state = "is that of another store" if found else "is missing or empty"
            raise ArchiveMissingError(
                f"the archive {self._folder.path} {state}: set ARCHIVE_DIR to the store's own, "
                "mount it, or copy it back. To go on with this folder in its place: "
                "`sms-receipt archive --start-anew`"
            )

    def start_anew(self) -> str:
        """Make the folder the store's own after the loss of the old one; its id."""
        name = self._folder.create()
        for shard in range(self._keys.shards):
            there = {m: self._folder.file(m, shard).count() for m in self._folder.months(shard)}
            for month in self._register.counts(shard).keys() | there.keys():
                self._register.set_count(shard, month, there.get(month, 0))
        self._register.adopt(name)
        return name

    def delete_old_months(self) -> list[str]:
        """Delete the months whose last receipt has passed its retention; their names."""
        kept = dt.timedelta(seconds=self._store.retention.receipts)
        old = [m for m in self._folder.months() if next_month(month_start(m)) + kept < self._now()]
        for month in old:
            for shard in range(self._keys.shards):
                with self._folder.lock(shard):
                    self._folder.file(month, shard).path.unlink(missing_ok=True)
                    self._register.set_count(shard, month, 0)
            self._folder.remove(month)
        return old

    @property
    def _before(self) -> dt.datetime:
        return self._now() - dt.timedelta(seconds=self._store.retention.receipts_in_store)

    def _customers(self) -> Iterator[tuple[int, list[Msisdn]]]:
        """Customers with receipts to move, some of one shard at a time."""
        cursor = 0
        while True:
            cursor, names = self._connection.scan(cursor, "{s*}:receipts:*", _SCAN_COUNT)
            numbers = [Msisdn("+" + name.decode().rpartition(":")[2]) for name in names]
            by_shard: dict[int, list[Msisdn]] = {}
            for start in range(0, len(numbers), _CUSTOMERS):
                for number in self._due(numbers[start : start + _CUSTOMERS]):
                    by_shard.setdefault(self._keys.shard(number), []).append(number)
            for shard, due in by_shard.items():
                for start in range(0, len(due), _TOGETHER):
                    yield shard, due[start : start + _TOGETHER]
            if cursor == 0:
                return

    def _due(self, numbers: Sequence[Msisdn]) -> list[Msisdn]:
        """Those whose oldest listed receipt is old enough, or has expired."""
        lists = (self._keys.receipts(number) for number in numbers)
        oldest = self._connection.execute(*(("LINDEX", name, -1) for name in lists))
        named = zip(numbers, oldest, strict=True)
        ids = [name for n, raw in named for name in self._keys.listed_ids(n, [raw or b""])]
        found = self._store.receipts(ids)
        before = self._before
        return [
            number
            for number, raw, receipt in zip(numbers, oldest, found, strict=True)
            if raw and (receipt is None or receipt.created_at < before)
        ]

    def _move(self, shard: int, numbers: Iterable[Msisdn]) -> int:
        """Move all that is due of some customers of a shard."""
        moved, places = 0, dict.fromkeys(numbers, _ENTRIES)
        while places:
            with self._folder.lock(shard):
                found = {number: self._entries(number, start) for number, start in places.items()}
                ready = {number: due for number, (due, _) in found.items() if due}
                self._archive(shard, ready)
                moved += self._take_from_store(ready)
            places = {
                number: places[number] + _ENTRIES - len(due)
                for number, (due, is_last) in found.items()
                if not is_last
            }
        return moved

    def _entries(self, number: Msisdn, start: int) -> tuple[list[Receipt], bool]:
        """The due ones of the entries up to a position, and whether all older ones were seen."""
        window = self._store.receipt_window(number, _ENTRIES, start)
        before, entries = self._before, [each for each in window.entries if each is not None]
        old = [each for each in entries if each.created_at < before]
        due = [each for each in old if each.state in ENDED and each.kind is not MessageKind.CODE]
        due += self._returned([each for each in old if each.state not in ENDED])
        return due, window.newest >= window.length or len(old) < len(entries)

    def _returned(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Receipts that a restore brought back in an earlier state than they were archived in."""
        by_month: dict[str, list[Receipt]] = {}
        for each in receipts:
            by_month.setdefault(month_of(each.created_at), []).append(each)
        found: list[Receipt] = []
        for month, those in by_month.items():
            file = self._folder.file(month, self._keys.shard(those[0].number))
            known = file.find(each.id for each in those) if file.path.exists() else {}
            found += [r for r in those if r.id in known and known[r.id].version >= r.version]
        return found

    def _archive(self, shard: int, ready: dict[Msisdn, list[Receipt]]) -> None:
        by_month: dict[str, dict[Msisdn, list[Receipt]]] = {}
        for number, receipts in ready.items():
            for each in receipts:
                month = by_month.setdefault(month_of(each.created_at), {})
                month.setdefault(number, []).append(each)
        for name, by_customer in by_month.items():
            self._folder.new_file(name, shard).add(by_customer)

    def _take_from_store(self, ready: dict[Msisdn, list[Receipt]]) -> int:
        """Take receipts from the store, unless they have changed: the next pass moves these."""
        changes = [
            ChangeSet(number, archived=tuple(receipts), kept_traces=self._traces_of(receipts))
            for number, receipts in ready.items()
        ]
        results = self._store.commit_all(changes) if changes else []
        return sum(
            len(change.archived)
            for change, result in zip(changes, results, strict=True)
            if result.status is CommitStatus.COMMITTED
        )

    def _traces_of(self, receipts: Sequence[Receipt]) -> tuple[tuple[MessageTrace, int], ...]:
        """Traces that are kept longer than their receipt is in the store, with the time left.

        They tell a repeated report from a new one, where it would not be looked up in the archive.
        """
        retention, now = self._store.retention, self._now()
        kept = max(retention.trails, retention.claims)
        found: list[tuple[MessageTrace, int]] = []
        for each in receipts:
            trace, age = each.full_text_trace, now - each.created_at
            left = kept - int(age.total_seconds())
            if trace is not None and left > 0 and not is_found_by_its_reports(each, trace):
                found.append((replace(trace, version=1), left))
        names = [self._keys.trail(t.sender, t.recipient, t.message_id) for t, _ in found]
        known = self._connection.values(names) if names else []
        return tuple(each for each, raw in zip(found, known, strict=True) if raw is None)
