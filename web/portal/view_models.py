"""View models: an account as the portal's templates show it."""

from dataclasses import dataclass
from typing import Protocol

from receipts.charging.charges import CHARGEABLE, next_monthly
from receipts.model.calendar import month_of, month_start
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import cancellation, dunning
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent
from receipts.subscriptions.promotions import consented_categories
from receipts.wording.notice_text import day
from statemachines.subscription import HOLDING
from web.portal.actions import idempotency_key

#: Cell of an amount that the ledger no longer holds.
_UNKNOWN = "–"


class AccountActions(Protocol):
    """Actions of a channel."""

    def available(self, customer: Subscription, language: Language) -> frozenset[str]:
        """The actions that would change the subscription now."""

    def text(self, messages: tuple[Message, ...], language: Language) -> str:
        """The messages of a reply as one text."""


class Texts(Protocol):
    """Texts of a channel's pages."""

    def render(self, key: str, language: str, /, **params: object) -> str:
        """A text with its parameters filled in."""


@dataclass(frozen=True, slots=True)
class UnpaidFees:
    """Monthly fees that could not be collected: month and amount, their total, and sentences."""

    months: tuple[tuple[str, str], ...]
    total: str
    effect: str
    payment: str


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
    unpaid: UnpaidFees | None


@dataclass(frozen=True, slots=True)
class AccountPresenter:
    """Build view models. Methods that read the store raise StoreUnavailableError."""

    store: Store
    policy: SubscriptionPolicy
    actions: AccountActions
    clock: Clock
    queries: AccountQueries
    catalogue: Texts
    channel: Channel = Channel.WEB

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
            refusal = self.policy.ineligibility(customer, self.channel, language)
        params = self.policy.template_params(customer, language)
        is_over = self.policy.has_left_trial(customer)
        state = "said.trial_over" if is_over else f"state.{customer.state}"
        return AccountView(
            customer.state.value,
            customer.state in HOLDING,
            self._text(state, language, **params),
            params["price"],
            tuple(self._rows(customer, language, params)),
            self.actions.available(customer, language),
            self._text(f"said.{refusal[0]}", language, **refusal[1]) if refusal else "",
            refusal is not None and refusal[0] == "province_unknown",
            self.has_pending_order(customer),
            consented_categories(customer).value,
            self.unpaid_fees(customer, language) if customer.unpaid else None,
        )

    def unpaid_fees(self, customer: Subscription, language: Language) -> UnpaidFees:
        """The unpaid months with their fees, their effect, and how to pay."""
        fees = {
            fee.month: fee.fen for fee in self.store.monthly_fees(customer.number, customer.unpaid)
        }
        months = tuple(
            (
                format_month(month, language),
                format_spent(fees[month], language) if month in fees else _UNKNOWN,
            )
            for month in customer.unpaid
        )
        suspended_at, params = customer.suspended_at, {}
        if suspended_at is not None:
            params = {"day": day(dunning.unpaid_end(suspended_at), language)}
        own = self.policy.book.payment
        return UnpaidFees(
            months,
            format_spent(sum(fees.values()), language) if len(fees) == len(months) else "",
            self._text(f"owed.{'suspended' if suspended_at else 'ended'}", language, **params),
            own.in_(language) if own else "",
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
            (sums,) = self.store.month_sums(customer.number, [month_of(self.clock.now())])
            values["spent"] = format_spent(sums.fen, language)
        return [(self._text(f"row.{name}", language), value) for name, value in values.items()]

    def _next_fee(self, customer: Subscription, language: Language) -> str:
        if customer.trial and customer.charged_from:
            return self._text("next.trial", language, day=day(customer.charged_from, language))
        province = self.policy.service_area(customer).province
        due = next_monthly(customer, province, self.clock.now()) if province else None
        return self._text("next.none", language) if due is None else day(due, language)

    def cancellation_effect(self, customer: Subscription, language: Language) -> str:
        """The effect that a cancellation would have now."""
        key, params = cancellation.preview(self.policy, customer, self.channel, language)
        return self._text(f"would.{key}", language, **params)

    def provinces(self, language: Language) -> list[tuple[str, str]]:
        """Codes and names of the provinces."""
        provinces = self.policy.book.provinces.items()
        return [(code, province.names.in_(language)) for code, province in provinces]

    def consent(self, customer: Subscription, language: Language) -> str:
        """Date, channel and price of the customer's consent to the charges."""
        return self.actions.text(self.policy.consent_summary(customer, language), language)

    def _text(self, key: str, language: Language, **params: str) -> str:
        return self.catalogue.render(key, language, **params)


def format_month(month: str, language: Language) -> str:
    """A month in words: ``2026年11月``, ``November 2026``."""
    year, number = month.split("-")
    if language is Language.ZH:
        return f"{year}年{int(number)}月"
    return f"{day(month_start(month), language).partition(' ')[2]} {year}"
