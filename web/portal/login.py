"""Login pages: number, passcode, session, logout."""

import math
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language, Msisdn
from web import forms
from web.portal import session
from web.portal.passcodes import CodeResult
from web.portal.rendering import MAX_TYPED, PageRenderer, PortalServices, see_other

#: Pages that a visitor stays on after a change of the language.
_FOR_VISITORS = frozenset({"code", "help", "password_sign_in"})


class LoginPages:
    """Log in and out. No page reveals whether a number holds the service or is a trial person's."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal = portal

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/sign-in")(self.sign_in)
        blueprint.post("/code")(self.send_code)
        blueprint.get("/code")(self.code)
        blueprint.post("/enter")(self.enter)
        blueprint.post("/language")(self.language)
        blueprint.post("/sign-out")(self.sign_out)

    def sign_in(self) -> Response:
        """Ask for the number."""
        return self._form("sign_in.html")

    def send_code(self) -> Response | AnyResponse:
        """Text a passcode to the number, which stays in the cookie and out of the URL."""
        typed = request.form.get("number")
        may_know = self._portal.passcodes.may_know
        asked = None if typed is None else session.parse_number(typed, may_know)
        number = session.pending_number() if typed is None else asked
        if number is None:
            return self._again("sign_in.no_number", typed)
        nonce, visitor = forms.sent_nonce(), forms.visitor()
        if nonce is None or not forms.is_own_nonce(nonce):
            raise BadRequest("once")
        if not self._portal.code_limits.is_first(nonce):
            # A second click gets the page of the first; a form from before gets a fresh one.
            repeated = number == session.pending_number()
            return see_other("code") if repeated else self._again("sign_in.used", typed)
        if wait := self._portal.code_limits.wait_seconds(visitor, self._portal.address()):
            page = self._again("trouble.429", typed)
            page.status_code, page.headers["Retry-After"] = HTTPStatus.TOO_MANY_REQUESTS, str(wait)
            return page
        language = forms.preferred_language()
        result = self._portal.passcodes.send(number, language, visitor)
        session.remember_request(number, result)
        return see_other("code")

    def code(self) -> Response | AnyResponse:
        """Ask for the passcode."""
        number = session.pending_number()
        return self._code_form(number) if number else see_other("sign_in")

    def enter(self) -> Response | AnyResponse:
        """Begin a session for a correct passcode."""
        number = session.pending_number()
        if number is None:
            return see_other("sign_in")
        if not session.sign_in(self._portal.passcodes, number):
            return self._code_form(number, "code.wrong", request.form.get("code"))
        self._portal.refresh_network(number)
        return see_other("standing")

    def language(self) -> AnyResponse:
        """Switch the language of this browser."""
        chosen = request.form.get("language", "")
        if chosen not in set(Language):
            raise BadRequest("language")
        forms.set_language(Language(chosen))
        page = request.form.get("page", "")
        return see_other(page if page in _FOR_VISITORS else "sign_in")

    def sign_out(self) -> AnyResponse:
        """End the session in the store, and with it in each copy of the cookie."""
        self._portal.passcodes.end_session(self._portal.caller())
        session.sign_out()
        return see_other("sign_in")

    def _again(self, error: str, typed: str | None) -> Response:
        """The form of the number with what is wrong, and what was typed."""
        return self._form("sign_in.html", error, typed=(typed or "")[:MAX_TYPED])

    def _code_form(self, number: Msisdn, error: str = "", typed: str | None = None) -> Response:
        """The form of the passcode, with what became of the last request for one."""
        status, result = self._portal.passcodes.status(number), session.request_result()
        is_refused = (result == CodeResult.TOO_SOON and status.wait_seconds > 0) or (
            result == CodeResult.DAY_LIMIT and not status.is_left_today
        )
        lead, until, seconds_left = "code.expired", "", 0
        if status.expires_at is not None:
            left = status.expires_at - self._portal.presenter.clock.now()
            seconds_left = math.ceil(left.total_seconds())
            lead = "code.sent" if result == CodeResult.SENT else "code.valid"
            until = f"{status.expires_at.astimezone(SHANGHAI):%H:%M}"
        return self._form(
            "code.html",
            error,
            to=number.masked,
            until=until,
            seconds_left=seconds_left,
            typed=(typed or "")[:MAX_TYPED],
            lead=lead,
            notice=f"code.{result}" if is_refused and not error else "",
            wait=status.wait_seconds,
            is_left_today=status.is_left_today,
        )

    def _form(self, template: str, error: str = "", **context: object) -> Response:
        page = PageRenderer(self._portal, forms.preferred_language())
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        offered = self._portal.passwords.is_offered
        return page.render(template, status, error=error, with_password=offered, **context)
