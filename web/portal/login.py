"""The way into the hall and out of it: a number, a code, a visit."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.vocabulary import Language
from web.portal import session
from web.portal.rendering import PageRenderer, PortalServices

_SEE_OTHER = HTTPStatus.SEE_OTHER.value


class LoginPages:
    """Signing in and out. Which numbers hold the service shows in none of these answers."""

    def __init__(self, hall: PortalServices) -> None:
        self._hall = hall

    def mount(self, blueprint: Blueprint) -> None:
        """Open these doors."""
        blueprint.get("/sign-in", endpoint="sign_in")(self.sign_in)
        blueprint.post("/code", endpoint="send_code")(self.send_code)
        blueprint.get("/code", endpoint="code")(self.code)
        blueprint.post("/enter", endpoint="enter")(self.enter)
        blueprint.post("/language", endpoint="language")(self.language)
        blueprint.post("/sign-out", endpoint="sign_out")(self.sign_out)

    def sign_in(self) -> Response:
        """Ask for the number."""
        return self._asks("sign_in.html")

    def send_code(self) -> Response | AnyResponse:
        """Text a code to the number; the number goes on in the cookie, never in an address."""
        number = session.parse_number(request.form.get("number", ""))
        if number is None:
            return self._asks("sign_in.html", "sign_in.no_number")
        self._hall.codes.send(number, session.preferred_language())
        session.remember_number(number)
        return redirect(url_for("hall.code"), _SEE_OTHER)

    def code(self) -> Response | AnyResponse:
        """Ask for the code."""
        return self._asks("code.html") if session.pending_number() else _to_sign_in()

    def enter(self) -> Response | AnyResponse:
        """Let in whoever knows the code."""
        number = session.pending_number()
        if number is None:
            return _to_sign_in()
        if not session.sign_in(self._hall.codes, number):
            return self._asks("code.html", "code.wrong")
        self._hall.learn(number)
        return redirect(url_for("hall.standing"), _SEE_OTHER)

    def language(self) -> AnyResponse:
        """Speak to this browser in another language."""
        chosen = request.form.get("language", "")
        if chosen not in set(Language):
            raise BadRequest("language")
        session.set_language(Language(chosen))
        return _to_sign_in()

    def sign_out(self) -> AnyResponse:
        """End the visit, here and wherever a copy of its cookie may be."""
        self._hall.codes.end_session(self._hall.caller())
        session.sign_out()
        return _to_sign_in()

    def _asks(self, template: str, complaint: str = "") -> Response:
        awaited = session.pending_number()
        status = HTTPStatus.BAD_REQUEST if complaint else HTTPStatus.OK
        page = PageRenderer(self._hall, session.preferred_language())
        return page.show(
            template, status, complaint=complaint, to=awaited.masked if awaited else ""
        )


def _to_sign_in() -> AnyResponse:
    return redirect(url_for("hall.sign_in"), _SEE_OTHER)
