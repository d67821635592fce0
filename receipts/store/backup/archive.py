"""The file of a backup: gzip of a header, the keys with their values, totals and a digest."""

import datetime as dt
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct as Packed
from typing import IO

import msgspec

from receipts.store.backup.rdb import KeyRecord
from receipts.store.codec import decode, encode

_MAGIC = b"sms-receipt backup 1\n"

#: Length of a key, end in Unix milliseconds, length of a value. A key of length 0 ends the keys.
_HEAD = Packed(">HQQ")
_END = _HEAD.pack(0, 0, 0)

#: Longer values come from a damaged file: no server takes them.
_LONGEST_VALUE = 512 * 1024 * 1024
_LONGEST_LINE = 10_000

#: Fast, and half the size; slower levels gain a few percent.
_COMPRESSION = 1


class BackupFileError(Exception):
    """A file that is no whole backup, or that cannot be written; the message names it."""


class BackupHeader(msgspec.Struct, frozen=True):
    """The store of a backup. ``begun`` is by the machine's clock, ``service_time`` the service's.

    All changes that were acknowledged before ``begun`` are in the file.
    """

    schema: int
    shards: int
    begun: dt.datetime
    service_time: dt.datetime
    release: str
    servers: int
    #: The id of the store's archive of older receipts, which is not in the file.
    archive: str = ""


class BackupTotals(msgspec.Struct, frozen=True):
    """The contents of a backup. Changes acknowledged after ``ended`` are not in it."""

    keys: int
    customers: int
    receipts: int
    ended: dt.datetime


class BackupWriter:
    """Writes the file; the reader refuses one without its end."""

    def __init__(self, file: IO[bytes], header: BackupHeader) -> None:
        self._file = gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0)
        self._digest = hashlib.sha256()
        self.keys = self.customers = self.receipts = 0
        self._write(_MAGIC + encode(header) + b"\n")

    def add(self, record: KeyRecord) -> None:
        """Add one key."""
        self.keys += 1
        self.customers += b"}:sub:" in record.key
        self.receipts += b"}:receipt:" in record.key
        head = _HEAD.pack(len(record.key), record.expires_ms, len(record.value))
        self._write(head + record.key + record.value)

    def close(self, ended: dt.datetime) -> BackupTotals:
        """Write totals and digest."""
        totals = BackupTotals(self.keys, self.customers, self.receipts, ended)
        self._write(_END + encode(totals) + b"\n")
        self._file.write(self._digest.hexdigest().encode() + b"\n")
        self._file.close()
        return totals

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file of mode 600 that gets its name once it is whole and on disk.

    Raises BackupFileError if there is a file of this name, and OSError.
    """
    if path.exists():
        raise BackupFileError(f"{path} exists already: name a new file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces a file that came meanwhile.
        os.link(part, path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


class BackupReader:
    """Reads the file. Every method raises BackupFileError for one that is no whole backup."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._damage_named(), gzip.open(path) as file:
            self.header = self._header(file, hashlib.sha256())

    def verify(self) -> BackupTotals:
        """Read the whole file, and return its totals."""
        for _ in self.records():
            pass
        return self.totals

    def records(self) -> Iterator[KeyRecord]:
        """All keys; behind the last one the file is known to be whole."""
        digest = hashlib.sha256()
        with self._damage_named(), gzip.open(self._path) as file:
            self._header(file, digest)
            while (head := self._take(file, _HEAD.size, digest)) != _END:
                key_length, expires_ms, length = _HEAD.unpack(head)
                if length > _LONGEST_VALUE:
                    raise self._damaged()
                key = self._take(file, key_length, digest)
                yield KeyRecord(key, expires_ms, self._take(file, length, digest))
            line = file.readline(_LONGEST_LINE)
            digest.update(line)
            self.totals = decode(BackupTotals, line)
            if file.readline(_LONGEST_LINE) != digest.hexdigest().encode() + b"\n" or file.read(1):
                raise self._damaged()

    def _header(self, file: gzip.GzipFile, digest: "hashlib._Hash") -> BackupHeader:
        magic = file.readline(len(_MAGIC))
        if magic != _MAGIC:
            raise BackupFileError(f"{self._path} is not a backup that this release can read")
        line = file.readline(_LONGEST_LINE)
        digest.update(magic + line)
        return decode(BackupHeader, line)

    def _take(self, file: gzip.GzipFile, count: int, digest: "hashlib._Hash") -> bytes:
        data = file.read(count)
        if len(data) != count:
            raise self._damaged()
        digest.update(data)
        return data

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except gzip.BadGzipFile as error:
            raise BackupFileError(f"{self._path} is not a backup: {error}") from error
        except (EOFError, zlib.error, msgspec.DecodeError) as error:
            raise self._damaged() from error

    def _damaged(self) -> BackupFileError:
        return BackupFileError(
            f"{self._path} is damaged or cut short: use another copy. The store is unchanged"
        )
