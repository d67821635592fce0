"""Reads the archive by customer and by receipt id, and erases customers from it."""

import datetime as dt
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import structlog

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.receipt_archive import ArchivedReceipts
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.month_file import ArchiveFormatError, Block
from receipts.store.archive.register import ArchiveRegister

_log = structlog.get_logger()

#: All that a missing, foreign or damaged file raises.
DAMAGE = (sqlite3.Error, OSError, ArchiveFormatError, zlib.error, msgspec.MsgspecError)


class _Run(NamedTuple):
    """A block with its month and the number of receipts before it."""

    month: str
    block: Block
    before: int


class FileReceiptArchive:
    """The archive in a folder. Every method raises StoreUnavailableError."""

    def __init__(
        self, register: ArchiveRegister, folder: ArchiveFolder, oldest: Callable[[], dt.datetime]
    ) -> None:
        """``oldest`` is the end of the retention: older receipts are not shown."""
        self._register, self._folder, self._oldest = register, folder, oldest

    def of(self, number: Msisdn) -> "CustomerArchive | None":
        """A customer's receipts; None if no file may have one."""
        shard = self._register.shard(number)
        months = self._months(shard)
        if not months or self._register.is_erasing(number):
            return None
        return CustomerArchive(self._folder, number, shard, months, self._oldest())

    def find(self, ids: Sequence[str]) -> ArchivedReceipts:
        """Those of some receipts that are in the archive."""
        by_shard: dict[int, list[str]] = {}
        for each in ids:
            shard = self._register.shard_of_receipt(each)
            if shard is not None:
                by_shard.setdefault(shard, []).append(each)
        found: dict[str, Receipt] = {}
        unreadable: set[str] = set()
        oldest = self._oldest()
        for shard, wanted in by_shard.items():
            for month, is_there in reversed(self._months(shard).items()):
                with reported(month, unreadable):
                    if not is_there:
                        raise FileNotFoundError(month)
                    found |= self._folder.file(month, shard).find(wanted)
        erasing = self._register.erasing(each.number for each in found.values())
        shown = {
            name: each
            for name, each in found.items()
            if each.number not in erasing and each.created_at >= oldest
        }
        return ArchivedReceipts(shown, tuple(sorted(unreadable)))

    def erase(self, number: Msisdn) -> int | None:
        """Erase all customers of a shard whose erasure is committed, and count this one's."""
        shard = self._register.shard(number)
        pending = self._register.pending(shard)
        if number not in pending:
            return 0
        try:
            return self._erase(shard, pending, number)
        except DAMAGE as error:
            _log.error("an erasure does not reach the archive", shard=shard, error=str(error))
            return None

    def erase_pending(self, shard: int) -> bool:
        """Erase the pending customers of a shard; False if they stay, with a line in the log."""
        pending = self._register.pending(shard)
        return not pending or self.erase(pending[0]) is not None

    def _erase(self, shard: int, pending: Sequence[Msisdn], counted: Msisdn) -> int:
        months, erased = self._months(shard), 0
        if not all(months.values()):
            missing = ", ".join(month for month, is_there in months.items() if not is_there)
            raise FileNotFoundError(f"the archive of {missing} is missing")
        if months:
            with self._folder.lock(shard):
                for month in months:
                    file = self._folder.file(month, shard)
                    if file.count(pending):
                        erased += file.count([counted])
                        file.rewrite_without(pending)
                        self._register.set_count(shard, month, file.count())
        self._register.erased(shard, pending)
        return erased

    def _months(self, shard: int) -> dict[str, bool]:
        """The months of a shard, oldest first, and whether their file is there."""
        expected = self._register.counts(shard)
        try:
            there = set(self._folder.months(shard)) if self._is_ours() else set()
        except OSError:
            there = set()
        return {m: m in there for m in sorted(there | {m for m, n in expected.items() if n > 0})}

    def _is_ours(self) -> bool:
        return self._folder.name() == self._register.name() != ""


class CustomerArchive:
    """One customer's receipts in the archive, for one request."""

    def __init__(
        self,
        folder: ArchiveFolder,
        number: Msisdn,
        shard: int,
        months: dict[str, bool],
        oldest: dt.datetime,
    ) -> None:
        self._folder, self._shard, self._oldest = folder, shard, oldest
        self._unreadable: set[str] = set()
        self._runs: list[_Run] = []
        self._read: dict[tuple[str, int], Sequence[Receipt | None]] = {}
        self._months = [month for month, is_there in months.items() if is_there]
        self._unreadable.update(months.keys() - set(self._months))
        total = 0
        for month in self._months:
            blocks: list[Block] = []
            with reported(month, self._unreadable):
                blocks = folder.file(month, shard).blocks(number)
            for block in blocks:
                self._runs.append(_Run(month, block, total))
                total += block.size
        self.length = total

    @property
    def newest_at(self) -> float | None:
        """The time of the newest, in seconds since 1970."""
        return max((run.block.last for run in self._runs), default=None)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The months that could not be read, as far as they were wanted."""
        return tuple(sorted(self._unreadable))

    def window(self, newest: int, limit: int) -> Sequence[Receipt | None]:
        """Up to ``limit`` receipts from a position to older ones; None for a damaged or old one."""
        least, found = max(0, newest - limit), list[Receipt | None]()
        for run in reversed(self._runs):
            if run.before >= newest:
                continue
            if run.before + run.block.size <= least:
                break
            receipts = self._receipts(run)
            found += receipts[max(0, least - run.before) : newest - run.before][::-1]
        return [each if each and each.created_at >= self._oldest else None for each in found]

    def not_after(self, moment: dt.datetime) -> int:
        """The number of receipts that are no younger than a moment."""
        at, count = moment.timestamp(), 0
        for run in self._runs:
            if run.block.last <= at:
                count += run.block.size
            elif run.block.first <= at:
                found = self._receipts(run)
                count += sum(each is None or each.created_at <= moment for each in found)
        return count

    def find(self, ids: Iterable[str]) -> dict[str, Receipt]:
        """Those of some receipts that are in the archive."""
        wanted, found = list(ids), dict[str, Receipt]()
        for month in self._months:
            with reported(month, self._unreadable):
                found |= self._folder.file(month, self._shard).find(wanted)
        return found

    def _receipts(self, run: _Run) -> Sequence[Receipt | None]:
        """The receipts of a run; None for each of a damaged block."""
        place = (run.month, run.block.id)
        if place not in self._read:
            missing: list[Receipt | None] = [None] * run.block.size
            self._read[place] = missing
            with reported(run.month, self._unreadable):
                found = self._folder.file(run.month, self._shard).read(run.block.id)
                self._read[place] = [*found, *missing][: run.block.size]
        return self._read[place]


@contextmanager
def reported(month: str, unreadable: set[str]) -> Iterator[None]:
    """Note a month whose file cannot be read, and log why."""
    try:
        yield
    except DAMAGE as error:
        unreadable.add(month)
        _log.error("the archive cannot be read", month=month, error=str(error))
