"""Tables of the page Today: the numbers of each chart, with their labels in one language."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from receipts.model.figure import LONGER, SECONDS_TO_RECEIPT
from receipts.model.vocabulary import Channel, Language
from receipts.staff.figures.provinces import OTHER, ProvinceFigures
from receipts.staff.figures.service import PeriodFigures
from receipts.staff.figures.sums import CANCELLED, CLOSED, OPENED, Sums

#: A text of the catalogue by its key, with parameters.
Translate = Callable[..., str]

_MOVEMENTS = (OPENED, CANCELLED, CLOSED)
_CALL_STEPS, _CALL_ENDS = ("begun", "menu", "choice", "served"), ("silence", "wrong", "agent")
_NOT_UNDERSTOOD = frozenset({"unknown", "near", "elsewhere", "limited"})


class Row(NamedTuple):
    """A label, and a number for each further column."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumberTable:
    """A table of numbers; ``head`` names all columns, that of the labels first."""

    name: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    #: A sentence under the heading, where there is one.
    note: str = ""
    #: Whether rows without a number are drawn, but not listed.
    is_sparse: bool = False


class FigureTables:
    """Builds the tables of one period."""

    def __init__(
        self, figures: PeriodFigures, provinces: ProvinceFigures, t: Translate, language: Language
    ) -> None:
        self._sums, self._slots = figures.sums, figures.slots
        self._is_hourly = len(figures.days) == 1
        self._provinces, self._t, self._language = provinces, t, language

    def named(self) -> dict[str, NumberTable]:
        """All tables by name."""
        built = (
            self._reports(), self._results(), self._waits(), self._moves(), self._at_home(),
            self._calls(), self._call_ends(), self._texts(), self._web(), self._ended(),
        )  # fmt: skip
        return {table.name: table for table in built}

    def _table(
        self, name: str, columns: Sequence[str], rows: Iterable[Row],
        note: str = "",
    ) -> NumberTable:  # fmt: skip
        head = tuple(self._t(f"column.{column}") for column in columns)
        return NumberTable(name, head, tuple(rows), note)

    def _reports(self) -> NumberTable:
        first = "hour" if self._is_hourly else "day"
        rows = (Row(label, counts) for label, counts in self._slots.items())
        table = self._table("reports", (first, "with_receipt", "without"), rows)
        return replace(table, is_sparse=self._is_hourly)

    def _results(self) -> NumberTable:
        t, sums = self._t, self._sums
        rows = [Row(t(f"outcome.{name}"), (count,)) for name, count in sums.outcomes().items()]
        rows += [Row(t(f"reason.{name}"), (count,)) for name, count in sums.reasons().items()]
        refused = sums.refused_lines()
        note = t("results.refused", count=f"{refused:,}") if refused else ""
        return self._table("results", ("result", "reports"), rows, note)

    def _waits(self) -> NumberTable:
        found = self._sums.waits()
        classes = [*map(str, SECONDS_TO_RECEIPT), LONGER]
        rows = (Row(self._wait(name), (found.get(name, 0),)) for name in classes)
        note = ""
        if total := sum(found.values()):
            half, most = (self._wait(_class_at(found, classes, total * s)) for s in (0.5, 0.95))
            note = self._t("waits.note", half=half, most=most)
        return self._table("waits", ("wait", "receipts"), rows, note)

    def _wait(self, name: str) -> str:
        if name == LONGER:
            return self._t("wait.longer")
        return self._t("wait.within", span=span(int(name), self._t))

    def _moves(self) -> NumberTable:
        found = [by_channel(self._sums, movement) for movement in _MOVEMENTS]
        rows = (
            Row(self._t(f"channel.{channel}"), tuple(counts.get(channel, 0) for counts in found))
            for channel in Channel
        )
        return self._table("moves", ("channel", *_MOVEMENTS), rows)

    def _at_home(self) -> NumberTable:
        by_home = [
            self._provinces.by_province(by_tariff(self._sums, movement)) for movement in _MOVEMENTS
        ]
        codes = dict.fromkeys(code for counts in by_home for code in counts)
        rows = (
            Row(self.province(code), tuple(counts.get(code, 0) for counts in by_home))
            for code in codes
        )
        return self._table("at_home", ("province", *_MOVEMENTS), rows)

    def province(self, code: str) -> str:
        """The name of a province, or of those that the rule book no longer has."""
        if code == OTHER:
            return self._t("province.other")
        return self._provinces.name(code, self._language)

    def _calls(self) -> NumberTable:
        found = self._sums.calls()
        rows = (Row(self._t(f"call.{step}"), (found.get(step, 0),)) for step in _CALL_STEPS)
        return self._table("calls", ("step", "calls"), rows)

    def _call_ends(self) -> NumberTable:
        found = self._sums.calls()
        names = ("refused", *_CALL_ENDS)
        rows = (Row(self._t(f"call.{name}"), (found[name],)) for name in names if name in found)
        return self._table("call_ends", ("call_end", "calls"), rows)

    def _texts(self) -> NumberTable:
        found = self._sums.texts().items()
        known = [(result, n) for (meaning, result), n in found if meaning not in _NOT_UNDERSTOOD]
        steps = {
            "received": sum(n for _, n in found),
            "understood": sum(n for _, n in known),
            "asked": sum(n for result, n in known if result == "asked"),
            "changed": sum(n for result, n in known if result == "changed"),
        }
        rows = (Row(self._t(f"text.{step}"), (count,)) for step, count in steps.items())
        limited = sum(n for (meaning, _), n in found if meaning == "limited")
        note = self._t("texts.limited", count=f"{limited:,}") if limited else ""
        return self._table("texts", ("step", "texts"), rows, note)

    def _web(self) -> NumberTable:
        found = self._sums.web()
        steps = (("code", "web.code"), ("signed_in", "web.signed_in"), ("no_code", "web.no_code"))
        rows = (Row(self._t(key), (found.get(step, 0),)) for step, key in steps)
        return self._table("web", ("step", "times"), rows)

    def _ended(self) -> NumberTable:
        rows = (Row(name, counts) for name, counts in self._sums.ended().items())
        return self._table("ended", ("provider", "arrived", "not_arrived"), rows)


def by_channel(sums: Sums, movement: str) -> dict[str, int]:
    """Movements by channel."""
    found: dict[str, int] = {}
    for (channel, _), count in sums.moves(movement).items():
        found[channel] = found.get(channel, 0) + count
    return found


def by_tariff(sums: Sums, movement: str) -> dict[str, int]:
    """Movements by tariff."""
    found: dict[str, int] = {}
    for (_, tariff), count in sums.moves(movement).items():
        found[tariff] = found.get(tariff, 0) + count
    return found


def span(seconds: int, t: Translate) -> str:
    """A time in seconds, minutes or hours."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return t(f"span.{unit}", count=seconds // size)
    return t("span.seconds", count=seconds)


def _class_at(found: Mapping[str, int], classes: Sequence[str], least: float) -> str:
    """The first class up to which there are at least so many."""
    total = 0
    for name in classes:
        total += found.get(name, 0)
        if total >= least:
            return name
    return classes[-1]
