"""Routes of the portal: account pages and the one form handler for actions."""

from flask import Blueprint, Response, request
from msgspec.structs import replace
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language
from web import forms
from web.not_found import not_found
from web.portal.actions import ActionRequest
from web.portal.charge_pages import ChargePages
from web.portal.help_pages import HelpPages
from web.portal.history_pages import HistoryPages
from web.portal.login import LoginPages
from web.portal.no_receipt_pages import NoReceiptPages
from web.portal.password_pages import ServicePasswordPages
from web.portal.receipt_pages import ReceiptPages
from web.portal.rendering import PageRenderer, PortalServices, see_other
from web.shared_files import register_shared_files

#: Messages that announce a new offer instead of an outdated one.
_NEW_OFFER = frozenset({"offer_again", "trial_ends"})


def portal_blueprint(portal: PortalServices) -> Blueprint:
    """``/hall/…``; the application's request guards check sessions and CSRF tokens."""
    blueprint = Blueprint(
        "hall", __name__, url_prefix="/hall", template_folder="templates", static_folder="static"
    )
    register_shared_files(blueprint)
    for pages in (
        LoginPages, AccountPages, ReceiptPages, ChargePages, HistoryPages, HelpPages,
        NoReceiptPages, ServicePasswordPages,
    ):  # fmt: skip
        pages(portal).register(blueprint)
    return blueprint


class AccountPages:
    """Pages of a signed-in customer."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal, self._presenter = portal, portal.presenter

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.post("/wish", endpoint="wish")(self.run_action)
        blueprint.get("/", endpoint="standing")(self.account)
        blueprint.get("/open", endpoint="offer")(self.offer)
        blueprint.get("/confirm")(self.confirm)
        blueprint.get("/cancel")(self.cancel)
        blueprint.get("/services")(self.services)
        blueprint.get("/<path:path>", endpoint="nowhere")(not_found)

    def run_action(self) -> AnyResponse:
        """Run the form's action and redirect to the page with its reply (POST/redirect/GET)."""
        number, nonce = self._portal.caller(), forms.sent_nonce()
        action, argument = request.form.get("wish", ""), request.form.get("given", "")
        if nonce is None or action not in self._portal.actions.names:
            raise BadRequest("wish")
        language = _language(self._presenter.customer(number))
        form = ActionRequest(number, action, argument, nonce, language)
        reply = self._portal.actions.run(form)
        if reply.language:
            forms.set_language(Language(reply.language))
        return see_other(reply.next or "standing", nonce)

    def account(self) -> Response:
        """The subscription and its available actions."""
        page, customer = self._page()
        account = self._presenter.account(customer, page.language)
        provinces = self._presenter.provinces(page.language) if account.asks_province else []
        messages = self._messages(page)
        return page.render("standing.html", account=account, messages=messages, provinces=provinces)

    def offer(self) -> Response | AnyResponse:
        """Price, first charge and cancellation, before an order."""
        page, customer = self._page()
        # The current offer, not that of an order made under an earlier tariff.
        offer = self._portal.actions.offer_params(replace(customer, order=None), page.language)
        if offer is None or not self._is_available("open", customer, page):
            return see_other("standing")
        return page.render("open.html", offer=offer)

    def confirm(self) -> Response | AnyResponse:
        """The pending order, to be confirmed."""
        page, customer = self._page()
        offer = self._portal.actions.offer_params(customer, page.language)
        if offer is None or not self._presenter.has_pending_order(customer):
            return see_other("standing", _done_nonce())
        # The page shows the offer itself; the message only says that it is a new one.
        messages = {key: text for key, text in self._messages(page).items() if key in _NEW_OFFER}
        return page.render("confirm.html", offer=offer, messages=messages)

    def cancel(self) -> Response | AnyResponse:
        """The effect of a cancellation, before it is confirmed."""
        page, customer = self._page()
        if not self._is_available("cancel", customer, page):
            return see_other("standing")
        effect = self._presenter.cancellation_effect(customer, page.language)
        return page.render("cancel.html", effect=effect)

    def services(self) -> Response:
        """The customer's subscriptions, as keyword 0000 lists them."""
        page, customer = self._page()
        account = self._presenter.account(customer, page.language)
        return page.render("services.html", account=account)

    def _page(self) -> tuple[PageRenderer, Subscription]:
        page = PageRenderer.of_caller(self._portal)
        return page, page.customer

    def _is_available(self, action: str, customer: Subscription, page: PageRenderer) -> bool:
        return action in self._portal.actions.available(customer, page.language)

    def _messages(self, page: PageRenderer) -> dict[str, str]:
        nonce = _done_nonce()
        return self._presenter.reply(page.customer.number, nonce) if nonce else {}


def _language(customer: Subscription) -> Language:
    return customer.language or forms.preferred_language()


def _done_nonce() -> str | None:
    """The nonce of the form whose reply the page shows."""
    return forms.valid_nonce(request.args.get("done", ""))
