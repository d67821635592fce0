"""The supervisor's page: figures of the shop's clerks and agents, with the acts behind them."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, request

from receipts.model.calendar import SHANGHAI
from receipts.model.staff import Right
from receipts.staff.counter.supervision import Supervision
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite

#: Days that the page can be shown for.
_DAYS = (1, 7, 31)

#: Acts on a page.
_ACTS = 100


@dataclass(frozen=True, slots=True)
class SupervisePages:
    """Figures of the supervisor's own shop."""

    site: StaffSite
    supervision: Supervision

    def routes(self) -> Iterable[StaffRoute]:
        """The route of the page."""
        right = Right.SUPERVISE_COUNTER
        yield StaffRoute("/supervise", "supervise", right, self.figures, in_navigation=True)

    def figures(self) -> Response:
        """Figures of one, seven or 31 days; of one clerk or agent the acts."""
        asked = request.args.get("days", "")
        days = int(asked) if asked in {str(each) for each in _DAYS} else _DAYS[1]
        clerk, agent = request.args.get("clerk", ""), request.args.get("agent", "")
        figures = self.supervision.figures(signed_in().shop, days)
        acts = [
            (act, f"{act.at.astimezone(SHANGHAI):%m-%d %H:%M}", self._name(act.act))
            for act in figures.acts
            if (not clerk or act.clerk == clerk) and (not agent or act.agent == agent)
        ]
        return self.site.page(
            "counter/supervise.html",
            figures=figures,
            rules=self.supervision.rules,
            days=days,
            choices=_DAYS,
            clerk=clerk,
            agent=agent,
            acts=acts[:_ACTS],
            more=max(0, len(acts) - _ACTS),
        )

    def _name(self, act: str) -> str:
        key = f"act.{act}"
        return self.site.text(key) if key in self.site.catalogue else act
