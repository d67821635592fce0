"""The reject file of an import, beside the list: a line `FILE:LINE: error — fix` each."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

#: Lines written at most; further refused lines are only counted.
MOST_WRITTEN = 10_000

_REST = "fix these and import the list again for the rest"


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RejectFile:
    """A file of refused lines, which exists only when there are any."""

    def __init__(self, imported: Path) -> None:
        self._imported = imported
        self.path = imported.with_name(imported.name + ".errors")
        self.size = 0

    def described(self, refused: int) -> str:
        """Where the refused lines are listed, and how many of them if not all are."""
        if refused <= MOST_WRITTEN:
            return f"see {self.path}"
        return f"see {self.path} for {MOST_WRITTEN} of {refused}; {_REST}"

    def begin(self, size: int) -> None:
        """Keep the first ``size`` bytes; the lines after them are refused again by this run."""
        self.size = 0
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            self.size = min(size, self.path.stat().st_size)
            os.truncate(self.path, self.size)

    def add(self, refused: Iterable[tuple[int, str]], before: int) -> None:
        """Write refused lines (number, error), on disk on return; ``before`` were written earlier.

        Raises OSError.
        """
        lines = []
        for count, (line, error) in enumerate(sorted(refused), start=before):
            if count < MOST_WRITTEN:
                lines.append(f"{_one_line(f'{self._imported}:{line}: {error}')}\n")
            elif count == MOST_WRITTEN:
                more = f"… more lines were rejected than the {MOST_WRITTEN} listed here; {_REST}\n"
                lines.append(more)
        if lines:
            # It holds data of customers: only its owner may read it.
            self.path.touch(mode=0o600)
            with self.path.open("ab") as file:
                file.write("".join(lines).encode("utf-8", "replace"))
                file.flush()
                os.fsync(file.fileno())
                self.size = file.tell()


def _one_line(text: str) -> str:
    """The text without line ends and other controls, which a list may put into a value."""
    return _CONTROLS.sub("\ufffd", text)
