"""One file of the archive: a shard's receipts of a month, in compressed blocks by customer.

SQLite writes it: a transaction is in the file whole or not at all, also after a power cut.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.store.archive.codec import pack, unpack

#: Version of the tables and of the records in the blocks.
FORMAT = 1

#: "SMSR" in the header of each file.
_APPLICATION = 0x534D5352

#: Receipts of a full block: about 6 KB compressed, and a millisecond to read.
BLOCK = 100

#: Seconds that a reader waits for a writer's transaction, which takes milliseconds.
_WAIT_SECONDS = 10.0

_TABLES = """
CREATE TABLE block (id INTEGER PRIMARY KEY, number TEXT NOT NULL, first REAL NOT NULL,
                    last REAL NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX of_customer ON block (number, first, id, last, count);
CREATE TABLE receipt (key INTEGER PRIMARY KEY, block INTEGER NOT NULL);
"""


class ArchiveFormatError(Exception):
    """A file of the archive that this release cannot read."""


class Block(NamedTuple):
    """A run of one customer's receipts in the order of time; times in seconds since 1970."""

    id: int
    first: float
    last: float
    size: int


class MonthFile:
    """A file; one writer at a time, any number of readers.

    Methods raise ``sqlite3.Error``, ``OSError`` and ArchiveFormatError, those that return receipts
    ``zlib.error`` and ``msgspec.MsgspecError`` too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, by_customer: dict[Msisdn, list[Receipt]]) -> None:
        """Add receipts in one transaction, on disk on return; one that it has stays once.

        Of two states of a receipt, the one with the higher version stays.
        """
        _create(self.path)
        with self._writing() as file:
            for number, receipts in by_customer.items():
                _Customer(file, number).add(receipts)
        # Each time: the process that made the file may have been killed before it did this.
        sync_folder(self.path.parent)
        sync_folder(self.path.parent.parent)

    def blocks(self, number: Msisdn) -> list[Block]:
        """The blocks of a customer, oldest first."""
        with self._reading() as file:
            return _blocks(file, number)

    def read(self, block: int) -> list[Receipt]:
        """The receipts of a block, oldest first; none of a block that has gone."""
        with self._reading() as file:
            return _read(file, block)

    def find(self, ids: Iterable[str]) -> dict[str, Receipt]:
        """Receipts by id."""
        with self._reading() as file:
            places = ((each, _place(file, each)) for each in ids)
            blocks: dict[int, set[str]] = {}
            for each, place in places:
                if place is not None:
                    blocks.setdefault(place, set()).add(each)
            found = (r for block in blocks for r in _read(file, block) if r.id in blocks[block])
            return {receipt.id: receipt for receipt in found}

    def count(self, numbers: Sequence[Msisdn] | None = None) -> int:
        """The number of receipts, of all customers or of some."""
        with self._reading() as file:
            if numbers is None:
                (total,) = file.execute("SELECT TOTAL(count) FROM block").fetchone()
                return int(total)
            return sum(block.size for each in numbers for block in _blocks(file, each))

    def damage(self) -> str:
        """The first fault of a whole check; empty for a sound file."""
        with self._reading() as file:
            (found,) = file.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return str(found)
            listed = 0
            for block, count in file.execute("SELECT id, count FROM block").fetchall():
                if len(_read(file, block)) != count:
                    return f"block {block} has another number of receipts"
                listed += count
            (keys,) = file.execute("SELECT COUNT(*) FROM receipt").fetchone()
            return "" if keys == listed else f"{listed} receipts, {keys} in the index"

    def rewrite_without(self, numbers: Sequence[Msisdn]) -> None:
        """Replace the file by one that never had these customers' receipts, on disk on return.

        To delete rows would leave copies of them in free parts of pages and in the journal.
        """
        part = self.path.with_name(f".{self.path.name}.part")
        part.unlink(missing_ok=True)
        with self._reading():  # rolls a torn write of the old file back
            pass
        _create(part)
        gone = [(str(each),) for each in numbers]
        with closing(_connected(part)) as file:
            file.execute("PRAGMA synchronous = OFF")
            file.execute("ATTACH ? AS old", (f"file:{self.path}?mode=rw",))
            file.execute("CREATE TEMP TABLE gone (number TEXT PRIMARY KEY)")
            file.execute("BEGIN")
            file.executemany("INSERT OR IGNORE INTO gone VALUES (?)", gone)
            file.execute(
                "INSERT INTO main.block SELECT * FROM old.block WHERE number NOT IN gone"
                " ORDER BY id"
            )
            file.execute(
                "INSERT INTO main.receipt SELECT * FROM old.receipt WHERE block IN"
                " (SELECT id FROM main.block) ORDER BY key"
            )
            file.execute("COMMIT")
        _sync(part)
        part.replace(self.path)
        sync_folder(self.path.parent)

    def copy_to(self, path: Path) -> None:
        """Copy a moment of the file to another path, on disk on return."""
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
        with self._reading() as file, closing(sqlite3.connect(part)) as copy:
            file.backup(copy)
        _sync(part)
        part.replace(path)
        sync_folder(path.parent)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(_connected(self.path)) as file:
            file.execute("PRAGMA journal_mode = TRUNCATE")
            file.execute("PRAGMA synchronous = EXTRA")
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # Writable, so that SQLite can roll back the journal of a writer that was killed.
        with closing(_connected(self.path)) as file:
            (version,) = file.execute("PRAGMA user_version").fetchone()
            _check(version, self.path)
            file.execute("PRAGMA query_only = ON")
            file.execute("BEGIN")
            yield file


class _Customer:
    """One customer's blocks within a transaction."""

    def __init__(self, file: sqlite3.Connection, number: Msisdn) -> None:
        self._file, self._number = file, number

    def add(self, receipts: Sequence[Receipt]) -> None:
        """Merge receipts into the blocks of their time."""
        blocks = _blocks(self._file, self._number)
        merged: dict[int, list[Receipt]] = {}
        for receipt in receipts:
            place, own = _place(self._file, receipt.id), {block.id for block in blocks}
            at = receipt.created_at.timestamp()
            if place not in own:
                earlier = [block.id for block in blocks if block.first <= at]
                first = blocks[0].id if blocks else 0
                place = earlier[-1] if earlier else first
            merged.setdefault(place, []).append(receipt)
        for place, new in merged.items():
            self._merge(place, new)

    def _merge(self, place: int, new: Sequence[Receipt]) -> None:
        kept = {each.id: each for each in (_read(self._file, place) if place else ())}
        for each in new:
            if each.id not in kept or kept[each.id].version < each.version:
                kept[each.id] = each
        ordered = sorted(kept.values(), key=lambda receipt: (receipt.created_at, receipt.id))
        for start in range(0, len(ordered), BLOCK):
            self._write(place if start == 0 else 0, ordered[start : start + BLOCK])

    def _write(self, place: int, receipts: Sequence[Receipt]) -> None:
        first, last = (receipts[index].created_at.timestamp() for index in (0, -1))
        row = (str(self._number), first, last, len(receipts), pack(receipts))
        written = self._file.execute(
            "INSERT OR REPLACE INTO block (id, number, first, last, count, data)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (place or None, *row),
        )
        block = written.lastrowid
        keys = [(_key(each.id), block) for each in receipts]
        self._file.executemany("INSERT OR REPLACE INTO receipt VALUES (?, ?)", keys)


def _create(path: Path) -> None:
    """Make an empty file with its tables, unless it has them."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(_connected(path)) as file:
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if version:
            _check(version, path)
            return
        file.execute("PRAGMA page_size = 8192")
        file.execute("PRAGMA journal_mode = TRUNCATE")
        file.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION};"
            f" PRAGMA user_version = {FORMAT}; COMMIT;"
        )


def _connected(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, _WAIT_SECONDS, isolation_level=None, uri=True)


def _check(version: int, path: Path) -> None:
    if version != FORMAT:
        raise ArchiveFormatError(f"{path} has format {version}, this release reads {FORMAT}")


def _blocks(file: sqlite3.Connection, number: Msisdn) -> list[Block]:
    found = file.execute(
        "SELECT id, first, last, count FROM block WHERE number = ? ORDER BY first, id",
        (str(number),),
    )
    return [Block(*row) for row in found]


def _read(file: sqlite3.Connection, block: int) -> list[Receipt]:
    found = file.execute("SELECT data FROM block WHERE id = ?", (block,)).fetchone()
    return unpack(found[0]) if found else []


def _place(file: sqlite3.Connection, receipt_id: str) -> int | None:
    found = file.execute("SELECT block FROM receipt WHERE key = ?", (_key(receipt_id),)).fetchone()
    return int(found[0]) if found else None


def _key(receipt_id: str) -> int:
    """64 bits of an id's digest."""
    digest = blake2b(receipt_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Put the names of a folder's files on disk."""
    _sync(path)
