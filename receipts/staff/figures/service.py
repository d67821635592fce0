"""Reads figures of days and months in few round trips, however many customers there are."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from receipts.model.calendar import SHANGHAI, month_before, month_of
from receipts.model.figure import MOVES, STANDING, unknown_of
from receipts.model.vocabulary import Intent
from receipts.ports.clock import Clock
from receipts.ports.store import BulkReader
from receipts.staff.figures.provinces import ProvinceFigures, ProvinceMonth
from receipts.staff.figures.sums import Sums

#: Months for which figures are kept, the current one too.
MONTHS_KEPT = 36

_ONE_DAY, _ONE_WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
_TEXTS_SHOWN = 50

#: The intent of the keyword most like a text, and that keyword; None without a likeness.
NearestWish = Callable[[str], tuple[Intent, str] | None]


class Period(StrEnum):
    """Days that are shown together."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class UnknownText:
    """A text that was not understood, with its digits masked, and the wish most like it."""

    text: str
    count: int
    wish: Intent | None
    keyword: str


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """The days of a period, their sums, and reports with and without a receipt by hour or day."""

    days: tuple[str, ...]
    sums: Sums
    slots: Mapping[str, tuple[int, int]]


class FiguresService:
    """Figures for staff. Every method raises StoreUnavailableError."""

    def __init__(
        self, reader: BulkReader, clock: Clock, provinces: ProvinceFigures, nearest: NearestWish
    ) -> None:
        self._reader, self._clock, self._nearest = reader, clock, nearest
        self.provinces = provinces

    def period(self, period: Period) -> PeriodFigures:
        """The figures of today, of yesterday, or of the last seven days."""
        today = self._clock.now().astimezone(SHANGHAI).date()
        first, count = today, 1
        if period is Period.YESTERDAY:
            first = today - _ONE_DAY
        elif period is Period.WEEK:
            first, count = today - _ONE_WEEK + _ONE_DAY, 7
        days = tuple((first + index * _ONE_DAY).isoformat() for index in range(count))
        each = self._reader.figures(days)
        sums = Sums(_added(each))
        slots = sums.by_hour()
        if count > 1:
            slots = {day[5:]: _whole_day(found) for day, found in zip(days, each, strict=True)}
        return PeriodFigures(days, sums, slots)

    def unknown_texts(self) -> list[UnknownText]:
        """The texts of this week and the last that were not understood, the most frequent first."""
        now = self._clock.now()
        weeks = [unknown_of(at) for at in (now - _ONE_WEEK, now)]
        found = Counter(_added(self._reader.figures(weeks))).most_common(_TEXTS_SHOWN)
        return [self._with_wish(text, count) for text, count in found]

    def _with_wish(self, text: str, count: int) -> UnknownText:
        wish, keyword = self._nearest(text) or (None, "")
        return UnknownText(text, count, wish, keyword)

    def months(self) -> list[str]:
        """The months whose figures are kept, newest first."""
        this = month_of(self._clock.now())
        return [month_before(this, count) for count in range(MONTHS_KEPT)]

    def month(self, month: str) -> list[ProvinceMonth]:
        """The figures of a month by province, with the customers at its end or now."""
        later = [each for each in self.months() if each > month]
        moves = [MOVES + each for each in later]
        standing, whole, *since = self._reader.figures([STANDING, month, *moves])
        return self.provinces.month(Sums(whole), Sums(standing), [Sums(each) for each in since])


def _whole_day(counts: Mapping[str, int]) -> tuple[int, int]:
    given, none = zip(*Sums(counts).by_hour().values(), strict=True)
    return sum(given), sum(none)


def _added(each: list[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counts in each:
        total.update(counts)
    return dict(total)
