"""The console's page of provinces: a month's figures, and the same as a file for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response, request
from werkzeug.exceptions import BadRequest

from receipts.model.charge import ChargeKind
from receipts.model.staff import Right
from receipts.staff.figures.provinces import COUNTS, OTHER, ProvinceMonth, together
from receipts.staff.figures.service import FiguresService
from web.staff.access import StaffRoute
from web.staff.rendering import StaffSite, page_language

#: First characters of a text that a spreadsheet reads as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ProvincesPage:
    """Figures of a month by province, in one round trip."""

    def __init__(self, site: StaffSite, figures: FiguresService) -> None:
        self._site, self._figures = site, figures

    def routes(self) -> Iterable[StaffRoute]:
        """The page, and the file."""
        right = Right.VIEW_FIGURES
        yield StaffRoute("/provinces", "provinces", right, self.provinces, in_navigation=True)
        yield StaffRoute("/provinces.csv", "provinces_csv", right, self.export)

    def provinces(self) -> Response:
        """The table of a month."""
        month = self._month()
        rows = self._figures.month(month)
        return self._site.page(
            "console/provinces.html",
            month=month,
            months=self._figures.months(),
            head=self._head(),
            rows=[(self._name(row.code), _cells(row)) for row in rows],
            total=_cells(together(rows)),
        )

    def export(self) -> Response:
        """The table of a month as CSV, which Excel opens as it is."""
        month = self._month()
        rows = self._figures.month(month)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([self._site.text("column.province"), *self._head()])
        for row in rows:
            writer.writerow([_plain(self._name(row.code)), *_numbers(row)])
        total = self._site.text("provinces.all")
        writer.writerow([total, *_numbers(together(rows))])
        response = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
        name = f"provinces-{month}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _month(self) -> str:
        """The month of the address, by default the current one. Raises BadRequest."""
        months = self._figures.months()
        month = request.args.get("month", months[0])
        if month not in months:
            raise BadRequest("month")
        return month

    def _head(self) -> list[str]:
        names = (*COUNTS, *ChargeKind, "total")
        return [self._site.text(f"month.{name}") for name in names]

    def _name(self, code: str) -> str:
        if code == OTHER:
            return self._site.text("province.other")
        return self._figures.provinces.name(code, page_language())


def _cells(row: ProvinceMonth) -> list[str]:
    """Counts, and amounts in yuan, as people read them."""
    counts = (f"{row.counts[name]:,}" for name in COUNTS)
    return [*counts, *(f"{fen / 100:,.2f}" for fen in _amounts(row))]


def _numbers(row: ProvinceMonth) -> Sequence[str | int]:
    """Counts, and amounts in yuan, as programs read them."""
    counts = (row.counts[name] for name in COUNTS)
    return [*counts, *(f"{fen / 100:.2f}" for fen in _amounts(row))]


def _amounts(row: ProvinceMonth) -> list[int]:
    return [*(row.fen[kind] for kind in ChargeKind), row.total_fen]


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
