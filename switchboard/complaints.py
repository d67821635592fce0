"""The lines of a list that were refused, written beside it: `FILE:LINE: what — fix`."""

import os
from collections.abc import Iterable
from pathlib import Path

#: A list with more wrong lines than this is wrong as a whole: the rest are only counted.
MOST_WRITTEN = 10_000


class Complaints:
    """A file of refused lines, which exists only when there are any."""

    def __init__(self, about: Path) -> None:
        self._about = about
        self.path = about.with_name(about.name + ".errors")
        self.size = 0

    def begin(self, size: int) -> None:
        """Keep the first ``size`` bytes: what came after them will be refused again."""
        self.size = 0
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            self.size = min(size, self.path.stat().st_size)
            os.truncate(self.path, self.size)

    def add(self, refused: Iterable[tuple[int, str]], before: int) -> None:
        """More refused lines, on disk when this returns; ``before`` were refused earlier."""
        told = []
        for count, (line, wrong) in enumerate(sorted(refused), start=before):
            if count < MOST_WRITTEN:
                told.append(f"{self._about}:{line}: {wrong}\n")
            elif count == MOST_WRITTEN:
                told.append("… more lines were refused than are listed here\n")
        if told:
            # It tells of customers: nobody but its owner may read it.
            self.path.touch(mode=0o600)
            with self.path.open("ab") as file:
                file.write("".join(told).encode())
                file.flush()
                os.fsync(file.fileno())
                self.size = file.tell()
