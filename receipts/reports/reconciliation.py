"""Reconciliation: every report gives a receipt or has a reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

#: Counters of new reports and of those that gave a receipt. Every other counter is a reason.
REPORTS, RECEIPTS = "reports", "receipts"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Totals of new reports, receipts, and reasons for none."""

    reports: int
    receipts: int
    reasons: dict[str, int]

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """Totals from the store's counters."""
        reasons = {n: c for n, c in sorted(counts.items()) if n not in {REPORTS, RECEIPTS}}
        return cls(counts.get(REPORTS, 0), counts.get(RECEIPTS, 0), reasons)

    @property
    def missing(self) -> int:
        """Reports without a receipt and without a reason: 0 unless a counter is lost."""
        return self.reports - self.receipts - sum(self.reasons.values())
