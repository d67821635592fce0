"""View models: an account as the portal's templates show it."""

import datetime as dt
from dataclasses import dataclass

from receipts.charging.charges import CHARGEABLE, months_kept, next_monthly
from receipts.model.calendar import month_start
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn, ReceiptOutcome
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import cancellation
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent
from receipts.subscriptions.promotions import consented_categories
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day, notices
from receipts.wording.times import short_time
from statemachines.subscription import HOLDING
from web.portal.actions import ActionHandler, idempotency_key

#: Receipts on a page, and months with charges.
_RECEIPTS, _MONTHS = 30, 6

#: Cells of a charge: date, item, reason, amount.
TableRow = tuple[str, str, str, str]

#: Cells of a receipt: time of sending, recipient, outcome, its time, mode.
ReceiptRow = tuple[str, str, str, str, str]

#: Cell of a time that is not known.
_UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class AccountView:
    """A subscription with its labelled values and available actions."""

    state: str
    is_held: bool
    state_text: str
    price: str
    rows: tuple[tuple[str, str], ...]
    actions: frozenset[str]
    refusal: str
    asks_province: bool
    has_pending_order: bool
    promotions: str


@dataclass(frozen=True, slots=True)
class AccountPresenter:
    """Build view models. Methods that read the store raise StoreUnavailableError."""

    store: Store
    policy: SubscriptionPolicy
    actions: ActionHandler
    clock: Clock
    queries: AccountQueries
    catalogue: Catalogue

    def customer(self, number: Msisdn) -> Subscription:
        """The stored subscription."""
        return self.store.load(number).subscription

    def reply(self, number: Msisdn, nonce: str) -> dict[str, str]:
        """The reply to a form, by message key; reloading its page shows the same."""
        reply = self.store.load(number, idempotency_key(number, nonce)).previous_reply
        if reply is None or not reply.language:
            return {}
        language = Language(reply.language)
        return {message[0]: self.actions.text((message,), language) for message in reply.messages}

    def account(self, customer: Subscription, language: Language) -> AccountView:
        """The subscription, its price and next fee, and the available actions."""
        refusal = None
        if customer.state not in HOLDING:
            refusal = self.policy.ineligibility(customer, Channel.WEB, language)
        params = self.policy.template_params(customer, language)
        return AccountView(
            customer.state.value,
            customer.state in HOLDING,
            self._text(f"state.{customer.state}", language, **params),
            params["price"],
            tuple(self._rows(customer, language, params)),
            self.actions.available(customer, language),
            self._text(f"said.{refusal[0]}", language, **refusal[1]) if refusal else "",
            refusal is not None and refusal[0] == "province_unknown",
            self.has_pending_order(customer),
            consented_categories(customer).value,
        )

    def has_pending_order(self, customer: Subscription) -> bool:
        """Whether an unexpired order awaits its confirmation."""
        return customer.order is not None and customer.order.expires_at > self.clock.now()

    def _rows(
        self, customer: Subscription, language: Language, params: dict[str, str]
    ) -> list[tuple[str, str]]:
        values = {}
        if self.policy.service_area(customer).province is not None or customer.state in HOLDING:
            values["price"] = params["price"]
        if customer.state in CHARGEABLE and customer.opened_at is not None:
            values["mode"] = params["mode"]
            values["since"] = day(customer.opened_at, language)
            if customer.ends_at is not None:
                values["ends"] = params["ends"]
            values["next"] = self._next_fee(customer, language)
            spent = sum(charge.fen for charge in self.queries.charges(customer.number))
            values["spent"] = format_spent(spent, language)
        return [(self._text(f"row.{name}", language), value) for name, value in values.items()]

    def _next_fee(self, customer: Subscription, language: Language) -> str:
        if customer.trial and customer.charged_from:
            return self._text("next.trial", language, day=day(customer.charged_from, language))
        province = self.policy.service_area(customer).province
        due = next_monthly(customer, province, self.clock.now()) if province else None
        return self._text("next.none", language) if due is None else day(due, language)

    def cancellation_effect(self, customer: Subscription, language: Language) -> str:
        """The effect that a cancellation would have now."""
        key, params = cancellation.preview(self.policy, customer, Channel.WEB, language)
        return self._text(f"would.{key}", language, **params)

    def provinces(self, language: Language) -> list[tuple[str, str]]:
        """Codes and names of the provinces."""
        provinces = self.policy.book.provinces.items()
        return [(code, province.names.in_(language)) for code, province in provinces]

    def receipts(
        self, number: Msisdn, language: Language, page: int
    ) -> tuple[list[ReceiptRow], bool]:
        """A page of receipts, newest first and counted from 1, and whether older ones are kept."""
        skip = (page - 1) * _RECEIPTS
        receipts = self.queries.latest_receipts(number, _RECEIPTS + 1, skip)
        now = self.clock.now()
        rows = [self._receipt_row(receipt, now, language) for receipt in receipts[:_RECEIPTS]]
        return rows, len(receipts) > _RECEIPTS

    def _receipt_row(self, receipt: Receipt, now: dt.datetime, language: Language) -> ReceiptRow:
        sent, done = (
            short_time(time, now, language) if time else _UNKNOWN
            for time in (receipt.text_sent, receipt.text_done)
        )
        return (
            sent,
            receipt.recipient.national if receipt.recipient else "",
            self._text(f"outcome.{receipt.outcome or ReceiptOutcome.NO_ANSWER}", language),
            done,
            notices().render(f"mode.{receipt.sent_as or receipt.mode}", language),
        )

    def charges(
        self, number: Msisdn, language: Language, page: int
    ) -> tuple[list[tuple[str, str, list[TableRow]]], bool]:
        """A page of months with charges, newest first and from 1, and whether more are kept.

        Each month has its name, total and rows.
        """
        kept = months_kept(self.policy.book, self.clock.now())[::-1]
        charged = self.store.charged_months(number, kept)
        months = charged[(page - 1) * _MONTHS : page * _MONTHS]
        charges = self.queries.charges(number, months) if months else []
        receipts = self.queries.receipts_by_id(filter(None, map(_receipt_id, charges)))
        tables = []
        for month in months:
            listed = [charge for charge in reversed(charges) if charge.month == month]
            total = format_spent(sum(charge.fen for charge in listed), language)
            rows = [self._charge_row(charge, receipts, language) for charge in listed]
            tables.append((_format_month(month, language), total, rows))
        return tables, len(charged) > page * _MONTHS

    def consent(self, customer: Subscription, language: Language) -> str:
        """Date, channel and price of the customer's consent to the charges."""
        return self.actions.text(self.policy.consent_summary(customer, language), language)

    def _charge_row(
        self, charge: Charge, receipts: dict[str, Receipt], language: Language
    ) -> TableRow:
        month = _format_month(charge.month, language)
        item = self._text(f"charge.{charge.kind}", language, month=month)
        receipt = receipts.get(_receipt_id(charge) or "")
        if receipt is not None and receipt.recipient:
            key = "why.credit_friend" if charge.kind is ChargeKind.CREDIT else "why.friend"
            reason = self._text(key, language, friend=receipt.recipient.national)
        else:
            reason = self._text(_REASONS.get(charge.reason, f"why.{charge.kind}"), language)
        if charge.fen == 0:
            reason = self._text("why.free", language, reason=reason)
        return day(charge.at, language), item, reason, format_spent(charge.fen, language)

    def _text(self, key: str, language: Language, **params: str) -> str:
        return self.catalogue.render(key, language, **params)


#: Catalogue key by the reason of a charge.
_REASONS = {
    "opened": "why.opened",
    "first charge date": "why.first",
    "resumed": "why.resumed",
    "month of leaving": "why.leaving",
    "monthly fee, billed late": "why.late",
}


def _receipt_id(charge: Charge) -> str | None:
    """The receipt that a charge or a credit is about; None for a monthly fee."""
    about = charge.charge_id or charge.id
    return about.removeprefix("receipt-") if charge.kind is not ChargeKind.MONTHLY else None


def _format_month(month: str, language: Language) -> str:
    year, number = month.split("-")
    if language is Language.ZH:
        return f"{year}年{int(number)}月"
    return f"{day(month_start(month), language).partition(' ')[2]} {year}"
