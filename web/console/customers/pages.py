"""Find a customer, see the whole life on one page, and export all data that is held."""

import datetime as dt
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from itsdangerous import BadSignature
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.receipt_search import ReceiptFilter
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.staff import Right
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.staff.looks import record_looks
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent
from receipts.subscriptions.promotions import consented_categories
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from web import forms
from web.console.customers.sections import FEW, MANY, LifeReader, Section, moment
from web.encrypted_cookie import EncryptedSerializer
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite, page_language

_COMMAND, _EXPORT = "console customer", "console customer export"
_LONGEST_INPUT = 200
_MOST_START_DIGITS = 7

#: All data of a person: as plain values, and as a printable page.
Export = Callable[[Msisdn], tuple[dict[str, Any], str]]


@dataclass(frozen=True, slots=True)
class CustomerLifePages:
    """One customer: state, requests with evidence, receipts, charges, texts, calls, looks."""

    site: StaffSite
    store: Store
    policy: SubscriptionPolicy
    clock: Clock
    life: LifeReader
    export: Export
    #: Words for acts, under ``act.``.
    acts: Catalogue

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        view, export = Right.VIEW_CUSTOMERS, Right.EXPORT_CUSTOMER
        yield StaffRoute("/customer", "customer", view, self.search, in_navigation=True)
        # A number is never in an address, which logs and histories keep.
        yield StaffRoute("/customer", "customer_find", view, self.find, ("POST",))
        yield StaffRoute("/customer/<of>", "customer_life", view, self.show)
        yield StaffRoute("/customer/<of>/search", "customer_search", view, self.filter, ("POST",))
        yield StaffRoute("/customer/<of>/export", "customer_export", export, self.save, ("POST",))

    def search(self) -> Response:
        """Ask for a number."""
        return self._form("")

    def find(self) -> Response | AnyResponse:
        """Go to the customer's page; the look is on record before it is shown."""
        typed = request.form.get("number", "")[:_LONGEST_INPUT]
        number = parse_msisdn(typed)
        if number is None:
            return self._form(typed, self.site.text("customer.no_number"))
        why, clerk = request.form.get("why", "")[:_LONGEST_INPUT], signed_in().name
        record_looks(self.store, self.clock, [number], _COMMAND, clerk, why)
        return self.site.see_other("customer_life", of=_sealed(number, clerk))

    def show(self, of: str) -> Response:
        """The newest events of each kind, or a page of one kind. Raises NotFound."""
        number = _opened(of, signed_in().name)
        chosen, start = request.args.get("show", ""), request.args.get("start", "")
        if chosen in set(Section):
            sections: tuple[Section, ...] = (Section(chosen),)
            limit = MANY
            is_position = start.isascii() and start.isdigit() and len(start) <= _MOST_START_DIGITS
            first = int(start) if is_position else 0
        else:
            sections, limit, first = tuple(Section), FEW, 0
        tables = [self.life.table(each, number, self._text, limit, first) for each in sections]
        return self._life(of, number, tables=tables, chosen=chosen)

    def filter(self, of: str) -> Response:
        """Receipts by the recipient's last digits and by day. Raises NotFound."""
        number = _opened(of, signed_in().name)
        ending, day = request.form.get("ending", "").strip(), request.form.get("day", "").strip()
        try:
            wanted = ReceiptFilter(
                ending[:11] if ending.isascii() and ending.isdigit() else "",
                dt.date.fromisoformat(day) if day else None,
            )
        except ValueError:
            wrong = self.site.text("customer.no_day")
            return self._life(of, number, 400, tables=[], typed=(ending, day), wrong=wrong)
        tables = [self.life.search(number, self._text, wanted)]
        return self._life(
            of, number, tables=tables, chosen=Section.RECEIPTS.value, typed=(ending, day)
        )

    def save(self, of: str) -> Response:
        """The privacy export, as JSON or as a page to print. Raises NotFound."""
        number, why = _opened(of, signed_in().name), request.form.get("why", "")
        record_looks(self.store, self.clock, [number], _EXPORT, signed_in().name, why)
        data, page = self.export(number)
        is_page = request.form.get("as") == "page"
        body = page if is_page else json.dumps(data, indent=2, ensure_ascii=False)
        kind = "html" if is_page else "json"
        mime = "text/html" if is_page else "application/json"
        name = f"customer-{number.national[-4:]}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, content_type=f"{mime}; charset=utf-8", headers=headers)

    def _form(self, typed: str, wrong: str = "") -> Response:
        status = 400 if wrong else 200
        return self.site.page("console/customer.html", status, typed=typed, wrong=wrong)

    def _life(self, of: str, number: Msisdn, status: int = 200, **context: Any) -> Response:  # noqa: ANN401
        found = self.store.load(number, credentials=True)
        facts = self._facts(found.subscription, found.credentials)
        context = {"typed": ("", ""), "chosen": "", **context}
        return self.site.page(
            "console/customer_life.html",
            status,
            of=of,
            number=number.national,
            facts=facts,
            state=found.subscription.state.value,
            sections=list(Section),
            **context,
        )

    def _facts(
        self, customer: Subscription, known: CustomerCredentials | None
    ) -> list[tuple[str, str]]:
        """Labels and values of the record, without what is not known."""
        language, policy = page_language(), self.policy
        home = policy.service_area(customer).number_info
        params = policy.template_params(customer, language)
        door = customer.channel
        numbers = policy.access_numbers
        values = {
            "province": policy.book.name(home.province, language) if home.province else "",
            "network": self._text(f"network.{home.network}", source=home.source),
            "mode": params["mode"],
            "language": self._text(f"in.{customer.language}") if customer.language else "",
            "opened": moment(customer.opened_at) if customer.opened_at else "",
            "channel": notices().render(f"door.{door}", language, **numbers) if door else "",
            "price": params["price"],
            "tariff": customer.tariff or "",
            "ends": moment(customer.ends_at) if customer.ends_at else "",
            "order": moment(customer.order.expires_at) if customer.order else "",
            "unpaid": ", ".join(customer.unpaid),
            "paused": moment(customer.suspended_at) if customer.suspended_at else "",
            "extras": self._text(f"extras.{consented_categories(customer)}"),
            "id": self._yes(known is not None and known.id_digest),
            "password": self._yes(known is not None and known.password_digest),
        }
        return [(self._text(f"fact.{name}"), value) for name, value in values.items() if value]

    def _yes(self, value: object) -> str:
        return self._text("yes" if value else "no")

    def _text(self, key: str, **params: object) -> str:
        """A text of this page, of a journey, or of an act as the portal words it."""
        if key == "yuan":
            return format_spent(int(str(params["fen"])), page_language())
        if key.startswith("act."):
            known = key in self.acts
            return self.acts.render(key, page_language()) if known else key.removeprefix("act.")
        prefix = "" if key.startswith("journey.") else "customer."
        return self.site.text(f"{prefix}{key}", **params)


def _sealed(number: Msisdn, clerk: str) -> str:
    return _seal().dumps([number, clerk])


def _opened(sealed: str, clerk: str) -> Msisdn:
    """The number of an address that was made for this member of staff. Raises NotFound."""
    try:
        number, owner = _seal().loads(sealed)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    if owner != clerk:
        raise NotFound
    return Msisdn(number)


def _seal() -> EncryptedSerializer:
    return EncryptedSerializer(forms.session_keys(), "console customer", 12 * 3600)
