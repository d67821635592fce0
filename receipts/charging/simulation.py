"""What a month would have cost under other tariffs: who would pay more, who less, and how much.

Bills are kept as counts an amount, so a million customers take no more memory than a thousand.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from receipts.charging.tariffs import first_charge_at, tariff_on
from receipts.model.calendar import SHANGHAI, month_start, next_month
from receipts.rulebook.schema import RuleBook, Tariff


@dataclass(frozen=True, slots=True)
class Usage:
    """One customer's month: where, how many delivered receipts, and when it opened if lately."""

    province: str
    receipts: int
    opened: dt.datetime | None = None


@dataclass(slots=True)
class BillHistogram:
    """Many bills, by their amount in fen."""

    by_fen: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many bills there are."""
        return self.by_fen.total()

    @property
    def total(self) -> int:
        """All of them together, in fen."""
        return sum(fen * count for fen, count in self.by_fen.items())

    @property
    def average(self) -> float:
        """What a bill comes to, in fen."""
        return self.total / self.count if self.count else 0.0

    @property
    def highest(self) -> int:
        """The dearest of all."""
        return max(self.by_fen, default=0)

    def below(self, share: float) -> int:
        """The amount that this share of bills does not exceed: 0.5 is the median."""
        seen = 0
        for fen, count in sorted(self.by_fen.items()):
            seen += count
            if seen >= share * self.count:
                return fen
        return 0


@dataclass(slots=True)
class TariffComparison:
    """The bills of some customers as they are and as they would be."""

    now: BillHistogram = field(default_factory=BillHistogram)
    then: BillHistogram = field(default_factory=BillHistogram)
    more: int = 0
    less: int = 0

    @property
    def same(self) -> int:
        """How many would pay what they pay."""
        return self.now.count - self.more - self.less

    def add(self, now: int, then: int) -> None:
        """One more customer."""
        self.now.by_fen[now] += 1
        self.then.by_fen[then] += 1
        self.more += then > now
        self.less += then < now


def simulate(
    usages: Iterable[Usage], month: str, now: RuleBook, then: RuleBook
) -> dict[str, TariffComparison]:
    """A month under the tariffs that were in force, and under the last ones of another book.

    By province, in the order of today's book; one that the other book lacks costs nothing there.
    """
    found = {code: TariffComparison() for code in now.provinces}
    tariffs = {code: _tariffs(code, month, now, then) for code in found}
    for usage in usages:
        comparison = found.get(usage.province)
        if comparison is None or (usage.opened and usage.opened >= next_month(month_start(month))):
            continue
        today, planned = tariffs[usage.province]
        comparison.add(
            monthly_bill_fen(today, now.limits_in(usage.province).monthly_cap_fen, usage, month),
            monthly_bill_fen(planned, then.limits_in(usage.province).monthly_cap_fen, usage, month)
            if planned
            else 0,
        )
    return {code: comparison for code, comparison in found.items() if comparison.now.count}


def _tariffs(code: str, month: str, now: RuleBook, then: RuleBook) -> tuple[Tariff, Tariff | None]:
    planned = then.province(code)
    return (
        tariff_on(now.provinces[code], month_start(month)),
        planned.tariffs[-1] if planned else None,
    )


def monthly_bill_fen(tariff: Tariff, cap_fen: int, usage: Usage, month: str) -> int:
    """A customer's month under one tariff.

    In a trial nothing is charged; where one ends within the month, the receipts are taken to be
    spread evenly over the days with the service.
    """
    begins = month_start(month)
    ends = next_month(begins)
    opened = max(usage.opened, begins) if usage.opened else begins
    charged_from = opened
    if usage.opened:
        charged_from = max(begins, first_charge_at(tariff, usage.opened))
    if charged_from >= ends:
        return 0
    first, last = _day(opened), _day(ends)
    receipts = usage.receipts * (last - _day(charged_from)).days // max(1, (last - first).days)
    charged = max(0, receipts - tariff.free_receipts)
    return min(tariff.monthly_fen, cap_fen) + charged * tariff.per_receipt_fen


def _day(at: dt.datetime) -> dt.date:
    return at.astimezone(SHANGHAI).date()
