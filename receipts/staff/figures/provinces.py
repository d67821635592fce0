"""Figures of a month by province; the tariffs of the figures name the provinces."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from receipts.charging.trial_people import trial_version
from receipts.model.charge import ChargeKind
from receipts.model.vocabulary import Language
from receipts.rulebook.schema import RuleBook
from receipts.staff.figures.sums import CANCELLED, CLOSED, OPENED, Sums
from statemachines.subscription import SubscriptionState

#: In place of a province: tariffs that are no longer in the rule book.
OTHER = ""

#: Customers with the service and paused ones, movements of the month, and receipts sent.
COUNTS = ("customers", "paused", OPENED, CANCELLED, CLOSED, "receipts")

_STANDING: dict[str, str] = {
    SubscriptionState.ACTIVE: "customers",
    SubscriptionState.ENDING: "customers",
    SubscriptionState.SUSPENDED: "paused",
}


@dataclass(slots=True)
class ProvinceMonth:
    """One province in one month; amounts are in fen."""

    code: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    fen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ChargeKind, 0))

    def add(self, name: str, count: int) -> None:
        """Add to a count; a name that is none of ``COUNTS`` is left out."""
        if name in self.counts:
            self.counts[name] += count

    @property
    def total_fen(self) -> int:
        """Charges less credits."""
        return sum(self.fen.values())

    @property
    def is_empty(self) -> bool:
        """Whether all figures are 0."""
        return not any((*self.counts.values(), *self.fen.values()))


class ProvinceFigures:
    """Provinces of a rule book, each found by its tariffs."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._home = {
            tariff.version: code
            for code, province in book.provinces.items()
            for tariff in province.tariffs
        } | {trial_version(code): code for code in book.provinces}

    def name(self, code: str, language: Language) -> str:
        """The name of a province."""
        return self._book.name(code, language)

    def by_province(self, by_tariff: Mapping[str, int]) -> dict[str, int]:
        """Figures by province in place of tariff, those of the rule book first."""
        found: Counter[str] = Counter()
        for tariff, amount in by_tariff.items():
            found[self._home.get(tariff, OTHER)] += amount
        return {code: found[code] for code in (*self._book.provinces, OTHER) if found[code]}

    def month(self, month: Sums, now: Sums, since: Sequence[Sums]) -> list[ProvinceMonth]:
        """A month's figures: the customers at its end are those of now less later movements."""
        rows = {code: ProvinceMonth(code) for code in (*self._book.provinces, OTHER)}
        customers = Counter(now.customers())
        for later in since:
            customers.subtract(later.customers())
        for (tariff, state), count in customers.items():
            self._row(rows, tariff).add(_STANDING.get(state, ""), count)
        for movement in (OPENED, CANCELLED, CLOSED):
            for (_, tariff), count in month.moves(movement).items():
                self._row(rows, tariff).add(movement, count)
        for tariff, count in month.sent_by_tariff().items():
            self._row(rows, tariff).add("receipts", count)
        for (tariff, kind), fen in month.fen_by_tariff().items():
            self._row(rows, tariff).fen[kind] += fen
        return [row for code, row in rows.items() if code != OTHER or not row.is_empty]

    def _row(self, rows: Mapping[str, ProvinceMonth], tariff: str) -> ProvinceMonth:
        return rows[self._home.get(tariff, OTHER)]


def together(rows: Sequence[ProvinceMonth]) -> ProvinceMonth:
    """All provinces as one."""
    total = ProvinceMonth("all")
    for row in rows:
        for name, count in row.counts.items():
            total.add(name, count)
        for kind, fen in row.fen.items():
            total.fen[kind] += fen
    return total
