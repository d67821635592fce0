"""Pages of the service password: sign in with it, and change it."""

from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.service_passwords import PasswordStatus
from receipts.model.invisible import plain_digits
from web import forms
from web.portal import session
from web.portal.rendering import PageRenderer, PortalServices, see_other

#: Characters read of a number or a password, with its separators.
_MAX_TYPED = 40


class ServicePasswordPages:
    """Sign in with number and service password, where the province allows it; change it."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal = portal

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/password-sign-in", endpoint="password_sign_in")(self.sign_in)
        blueprint.post("/password-sign-in", endpoint="password_enter")(self.enter)
        blueprint.get("/password", endpoint="password")(self.password)
        blueprint.post("/password", endpoint="set_password")(self.change)

    def sign_in(self) -> Response:
        """Ask for number and service password."""
        return self._form()

    def enter(self) -> Response | AnyResponse:
        """Begin a session; the answer does not tell why there is none."""
        typed, nonce = request.form.get("number", "")[:_MAX_TYPED], forms.sent_nonce()
        if nonce is None or not forms.is_own_nonce(nonce):
            raise BadRequest("once")
        number = session.parse_number(typed, self._portal.passcodes.may_know)
        if number is None:
            return self._form("sign_in.no_number", typed)
        if wait := self._portal.code_limits.wait_seconds(forms.visitor(), self._portal.address()):
            page = self._form("trouble.429", typed)
            page.status_code, page.headers["Retry-After"] = HTTPStatus.TOO_MANY_REQUESTS, str(wait)
            return page
        status, session_id = self._portal.passwords.verify(number, _digits("password"), nonce)
        if status is not PasswordStatus.RIGHT:
            return self._form(f"password.{status}", typed)
        session.remember_session(number, session_id)
        self._portal.refresh_network(number)
        return see_other("standing")

    def password(self) -> Response:
        """Ask for the present and the new service password."""
        is_changed = request.args.get("done") == "changed"
        return self._change_form(told="password.changed" if is_changed else "")

    def change(self) -> Response | AnyResponse:
        """Change the service password of the signed-in number."""
        number, nonce = self._portal.caller(), forms.sent_nonce()
        if nonce is None:
            raise BadRequest("once")
        new = _digits("new")
        if new != _digits("again"):
            return self._change_form("password.differ")
        result = self._portal.passwords.change(number, _digits("present"), new, nonce)
        if result is PasswordStatus.RIGHT:
            return see_other("password", "changed")
        is_wrong = result is PasswordStatus.WRONG
        return self._change_form("password.present_wrong" if is_wrong else f"password.{result}")

    def _form(self, error: str = "", typed: str = "") -> Response:
        page = PageRenderer(self._portal, forms.preferred_language())
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        return page.render("password_sign_in.html", status, error=error, typed=typed)

    def _change_form(self, error: str = "", told: str = "") -> Response:
        page = PageRenderer.of_caller(self._portal)
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        messages = {told: page.text(told)} if told else {}
        return page.render("password.html", status, error=error, messages=messages)


def _digits(field: str) -> str:
    """The digits of a field, also of full width."""
    return plain_digits(request.form.get(field, "")[:_MAX_TYPED])
