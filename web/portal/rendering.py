"""Page rendering and security headers of the portal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.receipt_search import ReceiptSearch
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.text_index import TextIndex
from receipts.wording.catalogue import Catalogue
from web import forms
from web.portal.actions import ActionHandler
from web.portal.code_limits import CodeLimits
from web.portal.passcodes import LIMIT_PARAMS, PasscodeService
from web.portal.password_sign_in import PasswordSignIn
from web.portal.view_models import AccountPresenter

#: Characters of a wrong input that its page shows again, as many as the fields take.
MAX_TYPED = 40

#: A visitor that has not signed in.
VISITOR = Subscription(Msisdn(""))


@dataclass(frozen=True, slots=True)
class PortalServices:
    """Dependencies of the pages.

    ``caller`` returns the signed-in number, ``address`` that of the client of this request.
    """

    passcodes: PasscodeService
    passwords: PasswordSignIn
    code_limits: CodeLimits
    actions: ActionHandler
    presenter: AccountPresenter
    receipts: ReceiptSearch
    text_index: TextIndex
    catalogue: Catalogue
    params: dict[str, str]
    channels: Callable[[Subscription, Language], dict[str, str]]
    refresh_network: Callable[[Msisdn], None]
    caller: Callable[[], Msisdn]
    address: Callable[[], str]
    #: Names of the options of each key of the hotline's main menu.
    hotline_keys: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PageRenderer:
    """Render templates in one language, for one customer; without a number for a visitor."""

    portal: PortalServices
    language: Language
    customer: Subscription = VISITOR

    @classmethod
    def of_caller(cls, portal: PortalServices) -> Self:
        """The renderer for the customer that is signed in."""
        customer = portal.presenter.customer(portal.caller())
        return cls(portal, customer.language or forms.preferred_language(), customer)

    def text(self, key: str, **more: object) -> str:
        """A text of the portal, with the parameters of all pages."""
        return self.portal.catalogue.render(key, self.language, **(self._params() | more))

    def _params(self) -> dict[str, str]:
        channels = self.portal.channels(self.customer, self.language)
        return LIMIT_PARAMS | self.portal.params | channels

    def render(self, template: str, status: int = 200, **context: object) -> Response:
        """The page as an HTML response."""
        catalogue, number, params = self.portal.catalogue, self.customer.number, self._params()
        page = render_template(
            template,
            t=lambda key, **more: catalogue.render(key, self.language, **(params | more)),
            lang=self.language.value,
            number=number.masked if number else "",
            is_trial=self.portal.presenter.policy.is_trial_person(number),
            csrf_token=forms.csrf_token,
            nonce=forms.form_nonce,
            **context,
        )
        return Response(page, status, content_type="text/html; charset=utf-8")


def error_page(portal: PortalServices, error: AnyResponse) -> Response:
    """An error page in place of a JSON error, rendered without the store."""
    status, is_open = error.status_code, bool(portal.passcodes.secrets)
    key = f"trouble.{status}" if is_open else "trouble.shut"
    if key not in portal.catalogue:
        key = "trouble.400"
    page = PageRenderer(portal, forms.preferred_language())
    if is_open and status == HTTPStatus.FORBIDDEN and request.endpoint == "hall.send_code":
        # A form of a page that stayed open too long comes again, with what was typed.
        typed = request.form.get("number", "")[:MAX_TYPED]
        offered = portal.passwords.is_offered
        shown = {"error": "sign_in.expired", "typed": typed, "with_password": offered}
        return page.render("sign_in.html", status, **shown)
    response = page.render("trouble.html", status, key=key, is_open=is_open)
    kept = {name: text for name, text in error.headers if name in {"Allow", "Retry-After"}}
    response.headers.update(kept)
    return response


def see_other(page: str, done: str | None = None, search: str | None = None) -> AnyResponse:
    """A redirect to a page of the portal: with a search, or the reply to the form ``done``."""
    return redirect(url_for(f"hall.{page}", done=done, search=search), HTTPStatus.SEE_OTHER)
