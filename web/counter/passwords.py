"""Pages of a visit on which the owner chooses a service password, or gets a first value by text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.counter import CounterVisit
from receipts.model.staff import Right
from receipts.ports.changes import Reply
from receipts.staff.counter.identity import IdRefusedError, ResidentId
from receipts.staff.counter.passwords import CounterPasswords
from receipts.staff.counter.visits import CounterVisits, VisitRefusedError
from web import forms
from web.counter.visit_access import current_visit, to_start
from web.staff.access import StaffRoute
from web.staff.rendering import StaffSite, page_language

#: Reads an identity number. Raises IdRefusedError.
ReadId = Callable[[str], ResidentId]


@dataclass(frozen=True, slots=True)
class PasswordPages:
    """Choose or reset the service password of a visit's customer."""

    site: StaffSite
    visits: CounterVisits
    passwords: CounterPasswords
    read_id: ReadId
    count_refusal: Callable[[str], None]

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        serve, rule = Right.SERVE_CUSTOMERS, "/visit/<visit_id>/password"
        yield StaffRoute(rule, "visit_password", serve, self.form)
        yield StaffRoute(rule, "choose_password", serve, self.choose, ("POST",))
        yield StaffRoute("/visit/<visit_id>/reset", "reset_password", serve, self.reset, ("POST",))

    def form(self, visit_id: str) -> Response | AnyResponse:
        """Ask for the identity number and, on the owner's keypad, for a new password."""
        return self._page(current_visit(self.visits, visit_id, self.count_refusal))

    def choose(self, visit_id: str) -> Response | AnyResponse:
        """Set the password that the owner has keyed twice."""
        visit = current_visit(self.visits, visit_id, self.count_refusal)
        new, again = request.form.get("new", "")[:16], request.form.get("again", "")[:16]
        if new != again:
            return self._page(visit, "password.differ")
        return self._act(
            visit,
            lambda owner, nonce: self.passwords.choose(visit, owner, new, nonce, page_language()),
        )

    def reset(self, visit_id: str) -> Response | AnyResponse:
        """Text a first value to the number."""
        visit = current_visit(self.visits, visit_id, self.count_refusal)
        return self._act(
            visit, lambda owner, nonce: self.passwords.reset(visit, owner, nonce, page_language())
        )

    def _act(
        self, visit: CounterVisit, act: Callable[[ResidentId, str], Reply]
    ) -> Response | AnyResponse:
        nonce = forms.sent_nonce()
        if nonce is None:
            raise BadRequest("once")
        try:
            owner = self.read_id(request.form.get("owner_id", ""))
        except IdRefusedError as refused:
            return self._page(visit, f"password.id_{refused.key}")
        try:
            reply = act(owner, nonce)
        except VisitRefusedError:
            to_start()
        ((key, _),) = reply.messages
        if not reply.next:
            return self._page(visit, f"said.{key}")
        return self.site.page(
            "counter/password_done.html", visit=visit, serial=reply.next, said=f"said.{key}"
        )

    def _page(self, visit: CounterVisit, wrong: str = "") -> Response:
        return self.site.page(
            "counter/password.html",
            400 if wrong else 200,
            visit=visit,
            wrong=self.site.text(wrong) if wrong else "",
        )
