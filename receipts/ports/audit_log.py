"""The port of the logs that auditors read: acts of staff, looks at customers, changes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from receipts.model.charge import AuditEntry, StaffLookup
from receipts.model.staff import StaffAct

LogRecord = StaffAct | StaffLookup | AuditEntry


class LogKind(StrEnum):
    """A log by month."""

    ACTS = "acts"
    LOOKUPS = "lookups"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Records of a log, newest first, and where the older ones begin."""

    records: tuple[LogRecord, ...]
    #: Position for the next page, None at the end of the month.
    older: int | None = None


class AuditLog(Protocol):
    """Reads logs in bounded work. Every method raises StoreUnavailableError."""

    def newest(
        self,
        kind: LogKind,
        month: str,
        fits: Callable[[LogRecord], bool],
        limit: int,
        before: int | None = None,
    ) -> LogPage:
        """The newest records that fit, up to ``limit`` or a few more of one moment.

        A page may be short or empty though older records fit: one call reads a bounded number.
        """

    def count(self, kind: LogKind, month: str) -> int:
        """The number of records of a month."""

    def part(
        self, kind: LogKind, month: str, begin: str, limit: int
    ) -> tuple[list[LogRecord], str]:
        """Up to ``limit`` records of a month in the order of the export, and the next part's begin.

        The first part begins at an empty text, and behind the last one is an empty text.
        """
