"""Simulates the bills of a month under proposed tariffs, in bounded memory."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from receipts.charging.tariffs import first_charge_at, tariff_on
from receipts.model.calendar import SHANGHAI, month_start, next_month
from receipts.rulebook.schema import RuleBook, Tariff


@dataclass(frozen=True, slots=True)
class Usage:
    """A customer's month: delivered receipts, and the opening if in or after that month."""

    province: str
    receipts: int
    opened: dt.datetime | None = None


@dataclass(slots=True)
class BillHistogram:
    """The number of bills by amount in fen."""

    by_fen: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """The number of bills."""
        return self.by_fen.total()

    @property
    def total(self) -> int:
        """The sum of all bills, in fen."""
        return sum(fen * count for fen, count in self.by_fen.items())

    @property
    def average(self) -> float:
        """The mean bill, in fen."""
        return self.total / self.count if self.count else 0.0

    @property
    def highest(self) -> int:
        """The highest bill, in fen; 0 without bills."""
        return max(self.by_fen, default=0)

    def below(self, share: float) -> int:
        """The quantile of the bills in fen: 0.5 is the median; 0 without bills."""
        seen = 0
        for fen, count in sorted(self.by_fen.items()):
            seen += count
            if seen >= share * self.count:
                return fen
        return 0


@dataclass(slots=True)
class TariffComparison:
    """Bills under the tariffs in force and under proposed ones, with counts of changed bills."""

    now: BillHistogram = field(default_factory=BillHistogram)
    then: BillHistogram = field(default_factory=BillHistogram)
    more: int = 0
    less: int = 0

    @property
    def same(self) -> int:
        """The number of unchanged bills."""
        return self.now.count - self.more - self.less

    def add(self, now: int, then: int) -> None:
        """Add the two bills of one customer."""
        self.now.by_fen[now] += 1
        self.then.by_fen[then] += 1
        self.more += then > now
        self.less += then < now


def simulate(
    usages: Iterable[Usage], month: str, now: RuleBook, then: RuleBook
) -> dict[str, TariffComparison]:
    """A month by province: its tariffs in ``now``, compared with the last ones in ``then``.

    Provinces are in the order of ``now``; a province missing in ``then`` costs nothing there.
    """
    begins = month_start(month)
    ends = next_month(begins)
    current = {code: tariff_on(province, begins) for code, province in now.provinces.items()}
    planned = {code: province.tariffs[-1] for code, province in then.provinces.items()}
    comparisons = {code: TariffComparison() for code in now.provinces}

    def bill_fen(book: RuleBook, tariff: Tariff | None, usage: Usage) -> int:
        cap_fen = book.limits_in(usage.province).monthly_cap_fen
        return monthly_bill_fen(tariff, cap_fen, usage, month) if tariff else 0

    for usage in usages:
        code = usage.province
        if code in comparisons and not (usage.opened and usage.opened >= ends):
            bills = bill_fen(now, current[code], usage), bill_fen(then, planned.get(code), usage)
            comparisons[code].add(*bills)
    return {code: found for code, found in comparisons.items() if found.now.count}


def monthly_bill_fen(tariff: Tariff, cap_fen: int, usage: Usage, month: str) -> int:
    """A customer's bill of a month under one tariff, without charges in a trial.

    If a trial ends within the month, its receipts are assumed evenly spread over the days.
    """
    begins = month_start(month)
    ends = next_month(begins)
    opened = charged_from = begins
    if usage.opened:
        opened = max(usage.opened, begins)
        charged_from = max(begins, first_charge_at(tariff, usage.opened))
    if charged_from >= ends:
        return 0
    first, last = _day(opened), _day(ends)
    receipts = usage.receipts * (last - _day(charged_from)).days // max(1, (last - first).days)
    charged = max(0, receipts - tariff.free_receipts)
    return min(tariff.monthly_fen, cap_fen) + charged * tariff.per_receipt_fen


def _day(at: dt.datetime) -> dt.date:
    return at.astimezone(SHANGHAI).date()
