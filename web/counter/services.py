"""What the pages of the counter need, and the visit of a request."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.receipt_search import ReceiptSearch
from receipts.model.counter import CounterVisit
from receipts.model.vocabulary import Language
from receipts.ports.clock import Clock
from receipts.staff.counter.acts import CounterActs
from receipts.staff.counter.identity import ResidentId
from receipts.staff.counter.visits import CounterVisits, VisitRefusedError
from receipts.wording.catalogue import Catalogue
from statemachines.counter_visit import COUNTER_VISIT, VisitEvent, VisitState
from web.counter.texts import CounterTexts
from web.counter.visit_access import current_visit
from web.portal.view_models import AccountPresenter
from web.staff.rendering import StaffSite, page_language

#: The page on which a visit goes on, by its state.
_PAGE_OF = {
    VisitState.FOUND: "identity",
    VisitState.ID_CHECKED: "keypad",
    VisitState.FIRST_VALUE: "visit_password",
    VisitState.IDENTIFIED: "customer",
    VisitState.LOCKED: "locked",
}

#: A page of one visit.
VisitView = Callable[[CounterVisit], AnyResponse]


@dataclass(frozen=True, slots=True)
class CounterServices:
    """Dependencies of the pages."""

    site: StaffSite
    visits: CounterVisits
    acts: CounterActs
    presenter: AccountPresenter
    receipts: ReceiptSearch
    texts: CounterTexts
    clock: Clock
    #: Parameters of all texts: the service's own numbers.
    params: dict[str, str]
    count_refusal: Callable[[str], None]
    #: Reads an identity number. Raises IdRefusedError.
    read_id: Callable[[str], ResidentId]

    @property
    def portal_texts(self) -> Catalogue:
        """Texts of the portal, for tables that both have."""
        return self.texts.portal

    def in_visit(
        self, view: VisitView, step: VisitEvent | None = None
    ) -> Callable[[str], AnyResponse]:
        """A view of one visit, for the clerk that began it and in states that allow the step.

        Another clerk is refused; a visit in another state goes on where it is.
        """

        def run(visit_id: str) -> AnyResponse:
            visit = self.visit(visit_id)
            if step is not None and COUNTER_VISIT.fire(visit.state, step).refused:
                return self.go_on(visit)
            try:
                return view(visit)
            except VisitRefusedError:
                # Another tab has changed it since.
                return self.go_on(self.visit(visit_id))

        return run

    def visit(self, visit_id: str) -> CounterVisit:
        """The clerk's own visit. Raises Forbidden; one that has ended leads to the start."""
        return current_visit(self.visits, visit_id, self.count_refusal)

    def go_on(self, visit: CounterVisit) -> AnyResponse:
        """A redirect to the page on which the visit goes on."""
        page = _PAGE_OF.get(visit.state)
        if page is None:
            return self.site.see_other("start", why="ended")
        return self.site.see_other(page, visit_id=visit.id)

    def page(
        self, template: str, visit: CounterVisit | None = None, status: int = 200, **context: object
    ) -> Response:
        """A page; ``s`` renders texts that the counter shares with the portal."""
        language = page_language()
        return self.site.page(
            f"counter/{template}",
            status,
            visit=visit,
            s=lambda key, **more: self.texts.render(key, language, **(self.params | more)),
            **context,
        )

    def text(self, key: str, language: Language, **params: object) -> str:
        """A text of these pages."""
        return self.texts.render(key, language, **(self.params | params))


def form_url(serial: str) -> str:
    """The address of an act's printable form."""
    return url_for("counter.act_form", serial=serial)
