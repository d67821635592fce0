"""The first page of the console: the state of the service, and the figures of its days."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from receipts.model.staff import Right
from receipts.staff.figures.service import FiguresService, Period
from receipts.staff.figures.status import ServiceStatus
from receipts.staff.figures.sums import CANCELLED, OPENED, Sums
from web.console.figures import charts
from web.console.figures.tables import FigureTables, span
from web.staff.access import StaffRoute
from web.staff.rendering import StaffSite, page_language

#: Seconds from one refresh to the next, and how many there are before the page waits for a click:
#: a page that is left alone must not keep its session open for ever.
REFRESH_SECONDS, REFRESHES = 30, 40

_COUNT = re.compile(r"[0-9]{1,2}", re.ASCII)


class TodayPage:
    """Figures of today, yesterday or a week, in a bounded number of round trips."""

    def __init__(
        self,
        site: StaffSite,
        figures: FiguresService,
        status: Callable[[], ServiceStatus],
    ) -> None:
        self._site, self._figures, self._status = site, figures, status

    def routes(self) -> Iterable[StaffRoute]:
        """The page, and its charts as images."""
        right = Right.VIEW_FIGURES
        yield StaffRoute("/", "start", right, self.today, in_navigation=True)
        yield StaffRoute("/chart/<drawing>.svg", "chart", right, self.chart)

    def today(self) -> Response:
        """The page; it asks for itself again while it is live."""
        period, left = _period(), _refreshes_left()
        service, status, t = self._figures, self._status(), self._site.text
        figures = service.period(period)
        page = self._site.page(
            "console/today.html",
            period=period.value,
            periods=[each.value for each in Period],
            days=figures.days,
            tables=FigureTables(figures, service.provinces, t, page_language()).named(),
            charts=charts.KINDS,
            totals=_totals(figures.sums, status),
            sending=status,
            troubles=[self._trouble(key, params) for key, params in status.troubles()],
            oldest=span(int(status.oldest_seconds), t),
            unknown=service.unknown_texts(),
            live=left > 0,
            all_refreshes=REFRESHES,
        )
        if left:
            address = url_for(".start", period=period.value, live=left - 1)
            page.headers["Refresh"] = f"{REFRESH_SECONDS}; url={address}"
        return page

    def _trouble(self, key: str, params: dict[str, Any]) -> str:
        t = self._site.text
        numbers = {name: f"{n:,}" if isinstance(n, int) else n for name, n in params.items()}
        if "seconds" in params:
            numbers["age"] = span(params["seconds"], t)
        return t(f"trouble_now.{key}", **numbers)

    def chart(self, drawing: str) -> Response:
        """A chart of the period as SVG. Raises NotFound for a name that has none."""
        period = _period()
        if drawing not in charts.KINDS:
            raise NotFound(drawing)
        service, t = self._figures, self._site.text
        tables = FigureTables(service.period(period), service.provinces, t, page_language())
        drawn = charts.chart(tables.named()[drawing], t(f"table.{drawing}"))
        response = Response(drawn, content_type="image/svg+xml; charset=utf-8")
        response.headers["Content-Security-Policy"] = charts.policy()
        return response


def _totals(sums: Sums, status: ServiceStatus) -> dict[str, int]:
    """The figures at the top of the page."""
    return {
        "reports": sum(sums.outcomes().values()) + sum(sums.reasons().values()),
        "receipts": sum(sums.sent().values()),
        "waiting": status.waiting,
        OPENED: sum(sums.moves(OPENED).values()),
        CANCELLED: sum(sums.moves(CANCELLED).values()),
    }


def _period() -> Period:
    """The period that the address names. Raises BadRequest for another word."""
    word = request.args.get("period", Period.TODAY.value)
    if word not in set(Period):
        raise BadRequest("period")
    return Period(word)


def _refreshes_left() -> int:
    """How often the page will ask for itself again, by its address; 0 pauses it."""
    word = request.args.get("live", str(REFRESHES))
    return min(int(word), REFRESHES) if _COUNT.fullmatch(word) else 0
