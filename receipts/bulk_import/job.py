"""Imports of an operator's list: in batches, in bounded memory, resumed after a stop."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from receipts.bulk_import.apply import ImportHandler, SourceLine, StoredCustomer
from receipts.bulk_import.csv_reader import CsvFile, CsvLine
from receipts.bulk_import.rejects import RejectFile
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import CollectionRow, CustomerRow, Row
from receipts.model.charge import Charge
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.ports.store import BulkReader, ContentionError, Store

#: Lines committed together, in two round trips and one for the checkpoint; a third for digests,
#: or for the charges of a month of collections.
BATCH = 1000
#: Commits of a customer that changes each time between read and commit.
_ROUNDS = 40

Batch = dict[Msisdn, tuple[int, Row]]


class ImportProgress(msgspec.Struct, frozen=True):
    """The checkpoint of an import; ``complaints`` is the length of the reject file in bytes."""

    offset: int
    line: int = 1
    lines: int = 0
    changed: int = 0
    refused: int = 0
    complaints: int = 0
    done: bool = False

    @property
    def known(self) -> int:
        """Lines that changed no customer."""
        return self.lines - self.changed - self.refused


class ImportJob:
    """The import of one list; the same contents are imported once, under any file name."""

    def __init__(
        self, file: CsvFile, lists: ImportHandler, store: Store, archive: BulkReader
    ) -> None:
        self._file, self._lists, self._store, self._archive = file, lists, store, archive
        self._name = f"import:{file.listing.name}:{file.contents}"
        self.rejects = RejectFile(file.path)
        self.progress = ImportProgress(file.begins, file.header_line)
        self._refused: list[tuple[int, str]] = []
        self._lines = 0

    def before(self) -> ImportProgress | None:
        """The checkpoint of an earlier run with these contents."""
        noted = self._archive.checkpoint(self._name)
        return msgspec.json.decode(noted, type=ImportProgress) if noted else None

    def run(self, begun: ImportProgress | None) -> Iterator[ImportProgress]:
        """Import the rest; yield the checkpoint of each batch on disk, where the next run resumes.

        Raises StoreUnavailableError, ContentionError or OSError.
        """
        self.progress = begun or ImportProgress(self._file.begins, self._file.header_line)
        self.rejects.begin(self.progress.complaints)
        batch: Batch = {}
        last = CsvLine(self.progress.line, self.progress.offset, {})
        for count, line in enumerate(self._file.lines(last.end, last.number), start=1):
            row = self._read(line)
            earlier = batch.get(row.number) if row is not None else None
            # A batch has one row of a number: the second is decided after the first.
            if earlier is not None and earlier[1] != row:
                yield self._flush(batch, last)
            self._lines += 1
            if row is not None:
                batch.setdefault(row.number, (line.number, row))
            last = line
            if len(batch) == BATCH or count % BATCH == 0:
                yield self._flush(batch, last)
        yield self._flush(batch, last, done=True)

    def _read(self, line: CsvLine) -> Row | None:
        if line.wrong:
            self._refused.append((line.number, line.wrong))
            return None
        try:
            return self._file.listing.read(line.cells)
        except RowError as error:
            self._refused.append((line.number, str(error)))
            return None

    def _flush(self, batch: Batch, last: CsvLine, *, done: bool = False) -> ImportProgress:
        """Write a batch: first its customers, then the refused lines, then the checkpoint."""
        changed, previous = self._commit(batch), self.progress
        self.rejects.add(self._refused, previous.refused)
        self.progress = replace(
            previous,
            offset=last.end,
            line=last.number,
            lines=previous.lines + self._lines,
            changed=previous.changed + changed,
            refused=previous.refused + len(self._refused),
            complaints=self.rejects.size,
            done=done,
        )
        self._archive.checkpoint(self._name, msgspec.json.encode(self.progress).decode())
        batch.clear()
        self._refused, self._lines = [], 0
        return self.progress

    def _commit(self, batch: Batch) -> int:
        """Decide and commit every row of the batch; return the number of customers changed."""
        changed, waiting = 0, dict(batch)
        for _ in range(_ROUNDS):
            if not waiting:
                return changed
            changes = self._decide(waiting)
            committed = self._store.commit_all(changes) if changes else []
            ends = {c.number: end.status for c, end in zip(changes, committed, strict=True)}
            changed += sum(verdict is CommitStatus.COMMITTED for verdict in ends.values())
            lost = {n for n, verdict in ends.items() if verdict is CommitStatus.CONFLICT}
            waiting = {number: each for number, each in waiting.items() if number in lost}
        raise ContentionError("the same customers were changed by others again and again")

    def _decide(self, batch: Mapping[Msisdn, tuple[int, Row]]) -> list[ChangeSet]:
        rows = {number: row for number, (_, row) in batch.items()}
        proving = [n for n, row in rows.items() if isinstance(row, CustomerRow) and row.proves]
        owners, changes = self._archive.credentials(proving), []
        charges = self._charges([row for row in rows.values() if isinstance(row, CollectionRow)])
        for customer in self._archive.subscriptions(list(batch)):
            number, row = batch[customer.number]
            origin = SourceLine(self._file.path.name, self._file.contents, number)
            stored = StoredCustomer(
                customer, owners.get(customer.number), charges.get(customer.number, ())
            )
            try:
                change = self._lists.decide(row, stored, origin)
            except RowError as error:
                self._refused.append((number, str(error)))
            else:
                changes += [change] if change.records else []
        return changes

    def _charges(self, rows: Iterable[CollectionRow]) -> Mapping[Msisdn, Sequence[Charge]]:
        """Charges of the month of each collection, in one round trip a month."""
        numbers, charges = defaultdict(list), defaultdict(list)
        for row in rows:
            numbers[row.month].append(row.number)
        for month, those in numbers.items():
            for charge in self._archive.charges_of(those, month):
                charges[charge.number].append(charge)
        return charges
