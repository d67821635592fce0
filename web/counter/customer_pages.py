"""Pages of an identified customer: the subscription, and the acts of the clerk for it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request
from msgspec.structs import replace
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.charging.charges import months_kept
from receipts.delivery.receipt_search import ReceiptFilter
from receipts.model.counter import CounterVisit
from receipts.model.customer import Subscription
from receipts.model.staff import Right
from receipts.model.vocabulary import Language
from receipts.ports.changes import Reply
from receipts.staff.counter.acts import OPEN_BY_FORM, OPEN_BY_TEXT, CounterAct
from statemachines.counter_visit import VisitEvent
from web import forms
from web.counter.services import CounterServices, VisitView, form_url
from web.forms import page_number
from web.portal.charge_pages import month_tables
from web.portal.receipt_pages import listed_months, position, receipt_row
from web.staff.access import StaffRoute
from web.staff.rendering import page_language

#: The page that shows an act's result; others are shown on the customer's page.
_PAGE_AFTER = {
    OPEN_BY_TEXT: "confirm",
    OPEN_BY_FORM: "confirm",
    "receipts": "receipts",
    "charges": "charges",
    "list_all": "services",
}

#: Months on a page of charges, and lines of each.
_MONTHS, _LINES = 6, 30

_LONGEST_ARGUMENT = 64
_NAME = re.compile(r"[a-z_]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DoneAct:
    """An act as its page tells it: the message to the customer, serial number, and form."""

    message: str
    serial: str
    form: str


class CustomerPages:
    """Pages of an identified customer."""

    def __init__(self, counter: CounterServices) -> None:
        self._counter = counter

    def routes(self) -> Iterable[StaffRoute]:
        """The routes, all for clerks and in identified visits only."""
        right, visit = Right.SERVE_CUSTOMERS, "/visit/<visit_id>"

        def route(path: str, name: str, view: VisitView) -> StaffRoute:
            wrapped = self._counter.in_visit(view, VisitEvent.ACT)
            return StaffRoute(visit + path, name, right, wrapped)

        yield route("", "customer", self.customer)
        yield route("/offer", "offer", self.offer)
        yield route("/confirm", "confirm", self.confirm)
        yield route("/cancel", "cancel", self.cancel)
        yield route("/services", "services", self.services)
        yield route("/receipts", "receipts", self.receipts)
        yield route("/charges", "charges", self.charges)
        # An act that is repeated after the visit has ended still gets its first reply.
        act = self._counter.in_visit(self.act)
        yield StaffRoute(f"{visit}/act", "act", right, act, ("POST",))

    def act(self, visit: CounterVisit) -> AnyResponse:
        """Run an act and redirect to the page with its result."""
        nonce, act = forms.sent_nonce(), request.form.get("act", "")
        argument = request.form.get("given", "")[:_LONGEST_ARGUMENT]
        if nonce is None or not _NAME.fullmatch(act) or act not in self._counter.acts.names:
            raise BadRequest("act")
        self._counter.acts.run(visit, CounterAct(visit.id, act, argument, nonce, page_language()))
        page = _PAGE_AFTER.get(act, "customer")
        return self._counter.site.see_other(page, visit_id=visit.id, done=nonce)

    def customer(self, visit: CounterVisit) -> Response:
        """The subscription, with the acts that would change it."""
        language, customer = page_language(), self._customer(visit)
        account = self._counter.presenter.account(customer, language)
        provinces = self._counter.presenter.provinces(language) if account.asks_province else []
        return self._page(
            "customer.html", visit, held=account, provinces=provinces,
            language=self._counter.presenter.policy.language(customer),
        )  # fmt: skip

    def offer(self, visit: CounterVisit) -> Response | AnyResponse:
        """Price, first charge and cancellation, and the ways to confirm."""
        language, customer = page_language(), self._customer(visit)
        # The current offer, not that of a request made under an earlier tariff.
        offer = self._counter.acts.offer_params(replace(customer, order=None), language)
        if offer is None or "open" not in self._counter.acts.available(customer, language):
            return self._to_customer(visit)
        ways = self._counter.acts.ways_to_confirm(visit, customer)
        return self._page("offer.html", visit, offer=offer, ways=ways)

    def confirm(self, visit: CounterVisit) -> Response | AnyResponse:
        """The request that waits for the owner's confirmation."""
        language, customer = page_language(), self._customer(visit)
        offer = self._counter.acts.offer_params(customer, language)
        if offer is None or not self._counter.presenter.has_pending_order(customer):
            return self._to_customer(visit, request.args.get("done"))
        ways = self._counter.acts.ways_to_confirm(visit, customer)
        return self._page("confirm.html", visit, offer=offer, ways=ways)

    def cancel(self, visit: CounterVisit) -> Response | AnyResponse:
        """The effect of a cancellation, before it is confirmed."""
        language, customer = page_language(), self._customer(visit)
        if "cancel" not in self._counter.acts.available(customer, language):
            return self._to_customer(visit)
        effect = self._counter.presenter.cancellation_effect(customer, language)
        return self._page("cancel.html", visit, effect=effect, customer=customer)

    def services(self, visit: CounterVisit) -> Response:
        """The customer's subscriptions, as keyword 0000 lists them."""
        account = self._counter.presenter.account(self._customer(visit), page_language())
        return self._page("services.html", visit, held=account)

    def receipts(self, visit: CounterVisit) -> Response:
        """A page of receipts, newest first."""
        counter, language, now = self._counter, page_language(), self._counter.clock.now()
        older, newer = (position(name) for name in ("older", "newer"))
        found = (
            counter.receipts.page(visit.number, ReceiptFilter(), older)
            if newer is None
            else counter.receipts.newer_page(visit.number, ReceiptFilter(), newer)
        )
        rows = [receipt_row(counter.portal_texts, each, now, language) for each in found.receipts]
        unreadable = listed_months(found.unreadable, language)
        return self._page("receipts.html", visit, rows=rows, page=found, unreadable=unreadable)

    def charges(self, visit: CounterVisit) -> Response:
        """A page of the months with charges, newest first, and the consent to them."""
        presenter, language, index = self._counter.presenter, page_language(), page_number()
        kept = months_kept(presenter.policy.book, self._counter.clock.now())[::-1]
        charged = presenter.store.charged_months(visit.number, kept)
        shown = charged[(index - 1) * _MONTHS : index * _MONTHS]
        ledgers = presenter.store.ledgers(visit.number, shown, _LINES)
        texts = self._counter.portal_texts
        return self._page(
            "charges.html", visit, index=index, is_more=len(charged) > index * _MONTHS,
            months=month_tables(texts, presenter.queries, ledgers, language),
            consent=presenter.consent(self._customer(visit), language),
        )  # fmt: skip

    def _customer(self, visit: CounterVisit) -> Subscription:
        return self._counter.presenter.customer(visit.number)

    def _to_customer(self, visit: CounterVisit, done: str | None = None) -> AnyResponse:
        named = {"done": done} if done else {}
        return self._counter.site.see_other("customer", visit_id=visit.id, **named)

    def _page(self, template: str, visit: CounterVisit, **context: object) -> Response:
        context["act"] = self._done(visit)
        return self._counter.page(template, visit, HTTPStatus.OK, **context)

    def _done(self, visit: CounterVisit) -> DoneAct | None:
        """The act whose form the address names."""
        nonce = forms.valid_nonce(request.args.get("done", ""))
        reply: Reply | None = self._counter.acts.reply(visit, nonce) if nonce else None
        if reply is None or not reply.next:
            return None
        language = Language(reply.language)
        return DoneAct(
            self._counter.acts.text(reply.messages, language), reply.next, form_url(reply.next)
        )
