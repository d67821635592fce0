"""The doors of the hall for a customer: how it stands, wishes, lists."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, request, url_for
from msgspec.structs import replace
from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language
from receipts.ports.store import StoreUnavailableError
from web.portal import session
from web.portal.actions import ActionRequest
from web.portal.login import LoginPages
from web.portal.rendering import PageRenderer, PortalServices, closed_to_others, trouble

#: Answers to a yes that came too late for its offer.
_AFRESH = frozenset({"offer_again", "trial_ends"})

_SEE_OTHER = HTTPStatus.SEE_OTHER.value


def hall_doors(hall: PortalServices) -> Blueprint:
    """``/hall/…``; the application's guards decide which request reaches which page."""
    blueprint = Blueprint(
        "hall", __name__, url_prefix="/hall", template_folder="templates", static_folder="static"
    )
    LoginPages(hall).mount(blueprint)
    AccountPages(hall).mount(blueprint)
    blueprint.after_request(closed_to_others)

    @blueprint.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return trouble(hall, error.code or HTTPStatus.BAD_REQUEST)

    @blueprint.errorhandler(StoreUnavailableError)
    def out_of_reach(_: StoreUnavailableError) -> Response:
        return trouble(hall, HTTPStatus.SERVICE_UNAVAILABLE)

    return blueprint


class AccountPages:
    """The pages for whoever is signed in, and the one door for their wishes."""

    def __init__(self, hall: PortalServices) -> None:
        self._hall, self._sights = hall, hall.sights

    def mount(self, blueprint: Blueprint) -> None:
        """Open these doors."""
        blueprint.post("/wish", endpoint="wish")(self.wish)
        blueprint.get("/", endpoint="standing")(self.standing)
        blueprint.get("/open", endpoint="offer")(self.offer)
        blueprint.get("/confirm", endpoint="confirm")(self.confirm)
        blueprint.get("/cancel", endpoint="cancel")(self.cancel)
        blueprint.get("/receipts", endpoint="receipts")(self.receipts)
        blueprint.get("/charges", endpoint="charges")(self.charges)
        blueprint.get("/services", endpoint="services")(self.services)
        blueprint.get("/<path:elsewhere>", endpoint="nowhere")(self.nowhere)

    def wish(self) -> AnyResponse:
        """Take a wish; its answer is told on a page that may be fetched again."""
        number, event = self._hall.caller(), session.sent_nonce()
        name, given = request.form.get("wish", ""), request.form.get("given", "")
        if event is None or name not in self._hall.wishes.names:
            raise BadRequest("wish")
        spoken = self._sights.language(self._sights.customer(number), session.preferred_language())
        answer = self._hall.wishes.take(ActionRequest(number, name, given, event, spoken))
        if answer.language:
            session.set_language(Language(answer.language))
        where = f"hall.{answer.next or 'standing'}"
        return redirect(url_for(where, done=event), _SEE_OTHER)

    def standing(self) -> Response:
        """How the customer stands, and what may be wished for."""
        page, customer = self._entered()
        seen = self._sights.standing(customer, page.language)
        provinces = self._sights.provinces(page.language) if seen.asks_province else []
        return page.show("standing.html", seen=seen, told=self._told(page), provinces=provinces)

    def offer(self) -> Response | AnyResponse:
        """Price, first charge and how to cancel, before anything is ordered."""
        page, customer = self._entered()
        # What is offered now is told, not an order that was made under other rules.
        params = self._sights.offer(replace(customer, order=None), page.language)
        if params is None or not self._may("open", customer, page):
            return _to_standing()
        return page.show("open.html", offer=params)

    def confirm(self) -> Response | AnyResponse:
        """The order that waits, for its second yes."""
        page, customer = self._entered()
        waits = self._sights.waits(customer)
        params = self._sights.offer(customer, page.language) if waits else None
        if params is None:
            return _to_standing(_done())
        # The offer itself stands on the page; that it is a fresh one must be said.
        again = {key: text for key, text in self._told(page).items() if key in _AFRESH}
        return page.show("confirm.html", offer=params, told=again)

    def cancel(self) -> Response | AnyResponse:
        """What a cancel would come to, before it is done."""
        page, customer = self._entered()
        if not self._may("cancel", customer, page):
            return _to_standing()
        return page.show("cancel.html", said=self._sights.cancelling(customer, page.language))

    def receipts(self) -> Response:
        """The last receipts."""
        page, customer = self._entered()
        lines = self._sights.receipts(customer.number, page.language)
        return page.show("receipts.html", lines=lines)

    def charges(self) -> Response:
        """What was charged, and why."""
        page, customer = self._entered()
        months = self._sights.charges(customer.number, page.language)
        why = self._sights.agreed(customer, page.language)
        return page.show("charges.html", months=months, why=why)

    def services(self) -> Response:
        """All monthly services, to cancel one or all: what 0000 lists."""
        page, customer = self._entered()
        return page.show("services.html", seen=self._sights.standing(customer, page.language))

    def nowhere(self, elsewhere: str) -> Response:
        """There is no such page."""
        raise NotFound(elsewhere)

    def _entered(self) -> tuple[PageRenderer, Subscription]:
        number = self._hall.caller()
        customer = self._sights.customer(number)
        language = self._sights.language(customer, session.preferred_language())
        return PageRenderer(self._hall, language, number), customer

    def _may(self, action: str, customer: Subscription, page: PageRenderer) -> bool:
        return action in self._sights.standing(customer, page.language).wishes

    def _told(self, page: PageRenderer) -> dict[str, str]:
        done = _done()
        return self._sights.answered(page.number, done) if page.number and done else {}


def _done() -> str | None:
    """The event whose answer a page tells."""
    return session.valid_nonce(request.args.get("done", ""))


def _to_standing(done: str | None = None) -> AnyResponse:
    return redirect(url_for("hall.standing", done=done), _SEE_OTHER)
