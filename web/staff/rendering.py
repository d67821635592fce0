"""Rendering of the pages for staff: language, navigation by rights, error pages."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
from flask import Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.staff import StaffAccount, StaffArea
from receipts.model.vocabulary import Language
from receipts.staff.accounts import StaffAccounts
from receipts.staff.rights import has_right
from receipts.staff.sessions import StaffSessions
from receipts.wording.catalogue import Catalogue
from web import forms
from web.staff.access import StaffRoute
from web.staff.sign_in_limits import SignInLimits

_HERE = Path(__file__).parent


def area_catalogue(area: StaffArea) -> Catalogue:
    """The texts that both areas share, and those of each page of one of them."""
    own = _HERE.parent / area.value / "texts"
    return Catalogue(_HERE / "texts.toml", *sorted(own.glob("*.toml")))


@dataclass(slots=True)
class StaffSite:
    """An area's services for its pages; ``routes`` is filled when the area is put together."""

    area: StaffArea
    accounts: StaffAccounts
    sessions: StaffSessions
    limits: SignInLimits
    #: The address of the client of this request.
    address: Callable[[], str]
    #: Whether SECRET_KEY is set.
    is_open: bool
    catalogue: Catalogue
    routes: dict[str, StaffRoute] = field(default_factory=dict)

    def text(self, key: str, **params: object) -> str:
        """A text in the language of this request."""
        return self.catalogue.render(key, page_language(), **params)

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """A template of this area as an HTML response."""
        language, account = page_language(), current_account()
        page = render_template(
            template,
            t=lambda key, **params: self.catalogue.render(key, language, **params),
            lang=language.value,
            area=self.area.value,
            account=account,
            is_open=self.is_open,
            navigation=self._navigation(account),
            csrf_token=forms.csrf_token,
            nonce=forms.form_nonce,
            **context,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")

    def _navigation(self, account: StaffAccount | None) -> list[str]:
        if account is None or account.must_change:
            return []
        return [
            endpoint
            for endpoint, route in self.routes.items()
            if route.in_navigation and (route.right is None or has_right(account.role, route.right))
        ]

    def see_other(self, endpoint: str, **params: str) -> AnyResponse:
        """A redirect to a page of this area."""
        values: dict[str, Any] = dict(params)
        return redirect(url_for(f"{self.area}.{endpoint}", **values), HTTPStatus.SEE_OTHER)

    def error_page(self, error: AnyResponse) -> Response:
        """An error page in place of a JSON error, rendered without the store."""
        status = error.status_code
        key = f"trouble.{status}" if self.is_open else "trouble.shut"
        if key not in self.catalogue:
            key = "trouble.400"
        wait = error.headers.get("Retry-After", "")
        minutes = math.ceil(int(wait) / 60) if wait.isdigit() else 1
        response = self.page("staff/trouble.html", status, key=key, minutes=minutes)
        kept = {name: text for name, text in error.headers if name in {"Allow", "Retry-After"}}
        response.headers.update(kept)
        return response


def current_account() -> StaffAccount | None:
    """The account that the guard found, None on a page that needs none."""
    account: StaffAccount | None = flask.g.get("staff")
    return account


def page_language() -> Language:
    """The language chosen in this browser, else that of the browser."""
    return forms.preferred_language()


def navigation_order(routes: Iterable[StaffRoute]) -> dict[str, StaffRoute]:
    """Routes by endpoint, in their order."""
    return {route.endpoint: route for route in routes}
