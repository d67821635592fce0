"""Login pages: number, passcode, session, logout."""

from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.vocabulary import Language
from web.portal import session
from web.portal.rendering import PageRenderer, PortalServices, see_other


class LoginPages:
    """Log in and out. No page reveals whether a number holds the service."""

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
        number = session.parse_number(request.form.get("number", ""))
        if number is None:
            return self._form("sign_in.html", "sign_in.no_number")
        self._portal.passcodes.send(number, session.preferred_language())
        session.remember_number(number)
        return see_other("code")

    def code(self) -> Response | AnyResponse:
        """Ask for the passcode."""
        return self._form("code.html") if session.pending_number() else see_other("sign_in")

    def enter(self) -> Response | AnyResponse:
        """Begin a session for a correct passcode."""
        number = session.pending_number()
        if number is None:
            return see_other("sign_in")
        if not session.sign_in(self._portal.passcodes, number):
            return self._form("code.html", "code.wrong")
        self._portal.refresh_network(number)
        return see_other("standing")

    def language(self) -> AnyResponse:
        """Switch the language of this browser."""
        chosen = request.form.get("language", "")
        if chosen not in set(Language):
            raise BadRequest("language")
        session.set_language(Language(chosen))
        return see_other("sign_in")

    def sign_out(self) -> AnyResponse:
        """End the session in the store, and with it in each copy of the cookie."""
        self._portal.passcodes.end_session(self._portal.caller())
        session.sign_out()
        return see_other("sign_in")

    def _form(self, template: str, error: str = "") -> Response:
        number = session.pending_number()
        page = PageRenderer(self._portal, session.preferred_language())
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        return page.render(template, status, error=error, to=number.masked if number else "")
