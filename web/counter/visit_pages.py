"""Pages that begin a visit: find a number, check identity cards, key the service password."""

from collections.abc import Iterable
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.service_passwords import PasswordStatus
from receipts.model.counter import CounterVisit, IdentityMode
from receipts.model.invisible import plain_digits
from receipts.model.staff import Right
from receipts.staff.counter.identity import IdRefusedError, ResidentId
from statemachines.counter_visit import COUNTER_VISIT, VisitEvent
from web import forms
from web.counter.services import CounterServices
from web.counter.visit_access import current_clerk
from web.portal.session import parse_number
from web.staff.access import StaffRoute
from web.staff.rendering import page_language

_POST = ("POST",)
_LONGEST_INPUT = 64

#: Reasons why a visit is over, as the address of the first page names them.
_REASONS = frozenset({"ended", "done"})


class VisitPages:
    """The way to an identified customer; no page shows data of one before."""

    def __init__(self, counter: CounterServices) -> None:
        self._counter = counter

    def routes(self) -> Iterable[StaffRoute]:
        """The routes, all for clerks."""
        wrap, right, visit = self._counter.in_visit, Right.SERVE_CUSTOMERS, "/visit/<visit_id>"
        check, key = VisitEvent.CHECK_ID, VisitEvent.PASSWORD_RIGHT
        yield StaffRoute("/", "start", right, self.start, in_navigation=True)
        yield StaffRoute("/find", "find", right, self.find, _POST)
        yield StaffRoute(f"{visit}/identity", "identity", right, wrap(self.identity, check))
        yield StaffRoute(
            f"{visit}/identity", "check_ids", right, wrap(self.check_ids, check), _POST
        )
        yield StaffRoute(f"{visit}/keypad", "keypad", right, wrap(self.keypad, key))
        yield StaffRoute(
            f"{visit}/keypad", "enter_password", right, wrap(self.enter_password), _POST
        )
        yield StaffRoute(f"{visit}/locked", "locked", right, wrap(self.locked))
        yield StaffRoute(f"{visit}/end", "end", right, wrap(self.end), _POST)

    def start(self) -> Response:
        """Ask for the customer's number."""
        why = request.args.get("why", "")
        done = self._text(f"counter.over_{why}") if why in _REASONS else ""
        return self._counter.page("find.html", done=done, typed="")

    def find(self) -> Response | AnyResponse:
        """Begin a visit of a number; the answer is the same for each number."""
        typed = request.form.get("number", "")[:_LONGEST_INPUT]
        number = parse_number(typed, self._counter.presenter.policy.is_trial_person)
        if number is None:
            return self._counter.page(
                "find.html", None, HTTPStatus.BAD_REQUEST,
                wrong=self._text("counter.bad_number"), typed=typed,
            )  # fmt: skip
        return self._counter.go_on(self._counter.visits.start(number, current_clerk()))

    def identity(self, visit: CounterVisit) -> Response:
        """Ask for the mode of identity and the numbers on the identity cards."""
        return self._counter.page("identity.html", visit, mode=visit.mode, errors={})

    def check_ids(self, visit: CounterVisit) -> Response | AnyResponse:
        """Check the form of the numbers; typed ones are not shown again."""
        mode = request.form.get("mode", "")
        if mode not in set(IdentityMode):
            raise BadRequest("mode")
        errors: dict[str, str] = {}
        owner = self._id("owner", errors)
        is_agent = mode == IdentityMode.AGENT
        agent = self._id("agent", errors) if is_agent else None
        if owner and owner == agent:
            errors["agent"] = self._text("counter.id_same")
        if owner is None or errors:
            status = HTTPStatus.BAD_REQUEST
            return self._counter.page("identity.html", visit, status, mode=mode, errors=errors)
        self._counter.visits.check_ids(visit, IdentityMode(mode), owner, agent)
        return self._counter.site.see_other("keypad", visit_id=visit.id)

    def _id(self, field: str, errors: dict[str, str]) -> ResidentId | None:
        typed = request.form.get(field, "")
        try:
            return self._counter.read_id(typed)
        except IdRefusedError as refused:
            errors[field] = self._text(f"counter.id_{refused.key}")
            return None

    def keypad(self, visit: CounterVisit) -> Response:
        """The owner's page: one field for the service password."""
        return self._counter.page("keypad.html", visit)

    def enter_password(self, visit: CounterVisit) -> Response | AnyResponse:
        """Check the password; a wrong card and a wrong password are answered alike."""
        nonce = forms.sent_nonce()
        if nonce is None:
            raise BadRequest("once")
        password = plain_digits(request.form.get("service_password", "")[:_LONGEST_INPUT])
        status = self._counter.visits.enter_password(visit, password, nonce)
        if status is PasswordStatus.MUST_CHANGE:
            return self._counter.site.see_other("visit_password", visit_id=visit.id)
        now = self._counter.visit(visit.id)
        may_try = not COUNTER_VISIT.fire(now.state, VisitEvent.PASSWORD_RIGHT).refused
        return self._refused(now, "counter.not_proven") if may_try else self._counter.go_on(now)

    def _refused(self, visit: CounterVisit, key: str) -> Response:
        status = HTTPStatus.BAD_REQUEST
        return self._counter.page("keypad.html", visit, status, wrong=self._text(key))

    def locked(self, visit: CounterVisit) -> Response:
        """Tell that the tries of this visit are used up."""
        return self._counter.page("locked.html", visit)

    def end(self, visit: CounterVisit) -> AnyResponse:
        """End the visit."""
        self._counter.visits.end(visit)
        return self._counter.site.see_other("start", why="done")

    def _text(self, key: str) -> str:
        return self._counter.text(key, page_language())
