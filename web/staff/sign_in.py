"""Pages to sign in, enter a code, change the own password and sign out."""

import re
from collections.abc import Iterable
from http import HTTPStatus

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import BadRequest, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.staff import StaffAccount, StaffArea
from receipts.model.vocabulary import Language
from receipts.staff.accounts import Person, StaffRefusedError, refusals
from receipts.staff.rights import may_enter
from web import forms
from web.not_found import not_found
from web.staff import access
from web.staff.access import StaffRoute
from web.staff.rendering import StaffSite, page_language
from web.staff.same_page import same_page

#: Endpoints of these pages that need no session.
ANONYMOUS = ("sign_in", "enter", "code", "enter_code", "language", "look", "nowhere")

_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_LONGEST_INPUT = 256


class SignInPages:
    """Sign in and out of one area. No page reveals whether an account exists."""

    def __init__(self, site: StaffSite) -> None:
        self._site = site

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes that need no session."""
        blueprint.get("/sign-in")(self.sign_in)
        blueprint.post("/enter")(self.enter)
        blueprint.get("/code")(self.code)
        blueprint.post("/code")(self.enter_code)
        blueprint.post("/language")(self.language)
        blueprint.get("/<path:path>", endpoint="nowhere")(not_found)

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of all who are signed in."""
        post = ("POST",)
        yield StaffRoute("/sign-out", "sign_out", None, self.sign_out, post)
        yield StaffRoute("/password", "password", None, self.password)
        yield StaffRoute("/password", "set_password", None, self.set_password, post)

    def sign_in(self) -> Response:
        """Ask for name and password, at a counter also for the shop."""
        return self._form("staff/sign_in.html")

    def enter(self) -> Response | AnyResponse:
        """Begin a session for a right name and password."""
        name, password, form = _field("name"), _field("password"), forms.sent_nonce()
        site = self._site
        if form is None or not forms.is_own_nonce(form):
            raise BadRequest("once")
        self._check_limits(name)
        account = site.accounts.verified(name, password)
        if account is None or not self._is_shop(account, _field("shop")):
            return self._refused(site.accounts.known_name(name), "wrong_password", "wrong")
        site.limits.clear(name, site.address())
        if not may_enter(account.role, site.area):
            return self._refused(account.name, "wrong_area", "no_access")
        session_id = site.sessions.begin(account, site.area, form)
        if session_id is None:
            site.limits.count("without phone")
            return self._form("staff/sign_in.html", "sign_in.no_phone")
        needs_code = site.sessions.needs_code(site.area)
        access.remember_session(account.name, session_id, waits_for_code=needs_code)
        site.limits.count("code sent" if needs_code else "signed in")
        return site.see_other("code") if needs_code else self._entered()

    def _refused(self, name: str, act: str, error: str) -> Response:
        site = self._site
        site.limits.count(act.replace("_", " "))
        site.sessions.record(name, act, site.area)
        return self._form("staff/sign_in.html", f"sign_in.{error}")

    def _check_limits(self, name: str) -> None:
        """Count a try with a password. Raises TooManyRequests."""
        site, address = self._site, self._site.address()
        if wait := site.limits.wait_seconds(name, address):
            if site.limits.is_first_refusal(name, address):
                site.sessions.record(site.accounts.known_name(name), "sign_in_limited", site.area)
            raise TooManyRequests("too many wrong sign-ins", retry_after=wait)

    def _is_shop(self, account: StaffAccount, shop: str) -> bool:
        """Whether the shop is the account's, which only a counter asks for."""
        is_own = " ".join(shop.split()).casefold() == account.shop.casefold()
        return self._site.area is not StaffArea.COUNTER or is_own

    def code(self) -> Response | AnyResponse:
        """Ask for the code that the phone was sent."""
        waits = access.waiting_for_code()
        return self._form("staff/code.html") if waits else self._site.see_other("sign_in")

    def enter_code(self) -> Response | AnyResponse:
        """Open the session for a right code."""
        site, waits, code = self._site, access.waiting_for_code(), _field("code").strip()
        if waits is None:
            return site.see_other("sign_in")
        name, session_id = waits
        opened = None
        if _CODE.fullmatch(code):
            opened = site.sessions.enter_code(session_id, name, site.area, code)
        if opened is None:
            site.limits.count("wrong code")
            return self._form("staff/code.html", "code.wrong")
        access.remember_session(name, opened, waits_for_code=False)
        site.limits.count("signed in")
        return self._entered()

    def _entered(self) -> AnyResponse:
        """Redirect to the page that was asked for before the sign-in, else to the first one."""
        return _to(access.wanted_page(), self._site)

    def language(self) -> AnyResponse:
        """Switch the language of this browser, and return to the page or the nearest one above."""
        chosen = _field("language")
        if chosen not in set(Language):
            raise BadRequest("language")
        forms.set_language(Language(chosen))
        return _to(same_page(self._site.area, request.form.get("page", "")), self._site)

    def sign_out(self) -> AnyResponse:
        """End the session in the store, and with it in each copy of the cookie."""
        site, member = self._site, access.signed_in()
        site.sessions.end(access.session_id(), member.name, site.area, member.shop)
        access.forget_session()
        return site.see_other("sign_in")

    def password(self) -> Response:
        """Ask for a new password."""
        return self._form("staff/password.html")

    def set_password(self) -> Response | AnyResponse:
        """Change the own password; all sessions of the account end but this one."""
        site, account = self._site, access.signed_in_account()
        new, again = _field("new"), _field("again")
        # A stolen session must not become a stolen account; wrong tries count as sign-ins do.
        self._check_limits(account.name)
        if not site.accounts.is_password(account, _field("password")):
            return self._form("staff/password.html", "password.wrong")
        if new != again:
            return self._form("staff/password.html", "password.differ")
        try:
            changed = site.accounts.set_password(
                account.name, new, Person(account.name, account.shop)
            )
        except StaffRefusedError as refused:
            sentence = refusals().render(refused.key, page_language(), **refused.params)
            return self._form("staff/password.html", sentence=sentence)
        session_id = site.sessions.renewed(changed, site.area)
        access.remember_session(account.name, session_id, waits_for_code=False)
        return site.see_other("start")

    def _form(self, template: str, error: str = "", sentence: str = "") -> Response:
        """A form, after an error with the typed name and shop."""
        typed = {name: _field(name) for name in ("name", "shop")}
        wrong = sentence or (self._site.text(error) if error else "")
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        return self._site.page(template, status, wrong=wrong, typed=typed)


def _to(url: str | None, site: StaffSite) -> AnyResponse:
    """A redirect to a URL, else to the first page."""
    return redirect(url, HTTPStatus.SEE_OTHER) if url else site.see_other("start")


def _field(name: str) -> str:
    return request.form.get(name, "")[:_LONGEST_INPUT]
