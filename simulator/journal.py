"""What the network acknowledged is in this file before the acknowledgement leaves."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

Record = dict[str, Any]


class JournalTaken(RuntimeError):
    """Another network is already writing in the same data folder."""


class Journal:
    """Append-only: one JSON object a line, written through before `append` returns.

    A write reaches the operating system, which outlives kill -9 of this process. It is not forced
    to the disk: the pretend network promises to survive its own death, not the machine's.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "journal.jsonl"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise JournalTaken(f"another network is running with the data in {folder}") from None
        self._lock = Lock()
        self._encode = msgspec.json.Encoder().encode

    def records(self) -> Iterator[Record]:
        """Yield every whole record in order; a last line torn by a crash is cut off first."""
        self._cut_torn_end()
        decode = msgspec.json.Decoder(Record).decode
        with self._path.open("rb") as lines:
            for line in lines:
                yield decode(line)

    def append(self, kind: str, record: Record) -> None:
        """Write one record whole, or raise."""
        line = self._encode({"record": kind, **record}) + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._file, line) :]

    def close(self) -> None:
        """Let another network have the folder."""
        os.close(self._file)

    def _cut_torn_end(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.ftruncate(self._file, whole)
