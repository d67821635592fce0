"""Health of each sender, judged by the ends of its newest receipts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from receipts.delivery.results import NO_CODE
from receipts.ports.changes import DeliveryResult
from receipts.providers.failure_codes import explain

#: A sender fails as a whole when at least this many of its newest receipts have ended, at most
#: 20 of them are looked at, and nine of ten did not arrive.
_LEAST_ENDS, _FAILING_PERCENT = 10, 90

#: Codes of a provider that have a metric of their own; the others are summed up.
_MOST_CODES, OTHER_CODES = 40, "other"


@dataclass(frozen=True, slots=True)
class SenderHealth:
    """The ends of a provider's newest receipts: how many there are, and failures by code."""

    provider: str
    ended: int
    codes: Mapping[str, int]

    @classmethod
    def from_results(cls, provider: str, results: Sequence[DeliveryResult]) -> "SenderHealth":
        """The health by the newest results."""
        codes = Counter(each.code for each in results if each.code)
        return cls(provider, len(results), dict(codes.most_common()))

    @property
    def failed(self) -> int:
        """How many did not arrive."""
        return sum(self.codes.values())

    @property
    def is_failing(self) -> bool:
        """Whether nearly all of them did not arrive."""
        enough = self.ended >= _LEAST_ENDS
        return enough and self.failed * 100 >= self.ended * _FAILING_PERCENT

    def causes(self) -> str:
        """The codes of the failures, the most frequent first, with their meanings."""
        return "; ".join(
            f"{count} by {code}: {explain(self.provider, code)}"
            if code != NO_CODE
            else f"{count} without a code: see note in sms-receipt receipts NUMBER --json"
            for code, count in self.codes.items()
        )


def bounded(failures: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Failures by provider and code, with rare codes summed up under ``OTHER_CODES``."""
    total: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    for (provider, code), count in sorted(failures.items(), key=lambda each: (-each[1], each[0])):
        seen[provider] += 1
        total[provider, code if seen[provider] <= _MOST_CODES else OTHER_CODES] += count
    return dict(total)
