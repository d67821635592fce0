"""Do the counts add up: every report gave a receipt or has a reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

#: Counted for each report that said something new, and for each that gave a receipt. Each other
#: count is a reason for none.
REPORTS, RECEIPTS = "reports", "receipts"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of all reports so far."""

    reports: int
    receipts: int
    reasons: dict[str, int]

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """The reckoning of the store's counts."""
        reasons = {n: c for n, c in sorted(counts.items()) if n not in {REPORTS, RECEIPTS}}
        return cls(counts.get(REPORTS, 0), counts.get(RECEIPTS, 0), reasons)

    @property
    def missing(self) -> int:
        """Reports of which nobody can say what came; always 0, or something is very wrong."""
        return self.reports - self.receipts - sum(self.reasons.values())
