"""Reconciliation: every report gives a receipt or has a reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from receipts.delivery.results import FAILED
from receipts.model.figure import REFUSED_LINES, SENT_COUNTER

#: Counters of new reports, of those that gave a receipt, and of lines of the feed that were no
#: report. Every other counter is a reason, but those of receipts that left or failed.
REPORTS, RECEIPTS, REFUSED = "reports", "receipts", REFUSED_LINES


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Totals of new reports, receipts, reasons for none, and refused lines of the feed."""

    reports: int
    receipts: int
    reasons: dict[str, int]
    refused: int = 0

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """Totals from the store's counters."""
        named, others = {REPORTS, RECEIPTS, REFUSED}, (FAILED, SENT_COUNTER)
        own = (n for n in sorted(counts) if n not in named and not n.startswith(others))
        reasons = {name: counts[name] for name in own}
        return cls(counts.get(REPORTS, 0), counts.get(RECEIPTS, 0), reasons, counts.get(REFUSED, 0))

    @property
    def missing(self) -> int:
        """Reports without a receipt and without a reason: 0 unless a counter is lost."""
        return self.reports - self.receipts - sum(self.reasons.values())
