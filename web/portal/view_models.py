"""What the pages of the hall show of a customer: looked up, and put into words."""

from dataclasses import dataclass

from receipts.charging.charges import CHARGEABLE, next_monthly
from receipts.model.calendar import SHANGHAI, month_before, month_of, month_start
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn, ReceiptOutcome
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import cancellation
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent
from receipts.subscriptions.promotions import consented_categories
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day, notices
from statemachines.subscription import HOLDING
from web.portal.actions import ActionHandler, claimed, offer_mark

#: Receipts on the page, and months of charges: as far back as bills are disputed.
_RECEIPTS, _MONTHS = 30, 6


@dataclass(frozen=True, slots=True)
class AccountView:
    """How a customer stands, and what may be wished for now."""

    state: str
    held: bool
    said: str
    price: str
    rows: tuple[tuple[str, str], ...]
    wishes: frozenset[str]
    refusal: str
    asks_province: bool
    waits: bool
    messages: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a list: when, what, why, how much."""

    when: str
    what: str
    why: str
    much: str


class AccountPresenter:
    """Looks things up and says them. Every method that asks the store raises StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        actions: ActionHandler,
        clock: Clock,
        account: AccountQueries,
        sentences: Catalogue,
    ) -> None:
        self._store, self._policy, self._wishes = store, policy, actions
        self._clock, self._account, self._sentences = clock, account, sentences

    def customer(self, number: Msisdn) -> Subscription:
        """The customer as the store has it."""
        return self._store.load(number).subscription

    def answered(self, number: Msisdn, event: str) -> dict[str, str]:
        """What was said to a form, by key, so that a page fetched again says it again."""
        answer = self._store.load(number, claimed(number, event)).previous_reply
        if answer is None or not answer.language:
            return {}
        language = Language(answer.language)
        return {phrase[0]: self._wishes.words((phrase,), language) for phrase in answer.messages}

    @staticmethod
    def language(customer: Subscription, browsers: Language) -> Language:
        """The language of the pages: the customer's own, else the one of this browser."""
        return customer.language or browsers

    # -- standing ------------------------------------------------------------------------------

    def standing(self, customer: Subscription, language: Language) -> AccountView:
        """State, mode, price and next fee, and the wishes that would change something."""
        why, params = None, self._facts(customer, language)
        if customer.state not in HOLDING:
            # Whoever holds the service may do here what is left to do, wherever that is.
            why = self._policy.ineligibility(customer, Channel.WEB, language)
        return AccountView(
            customer.state.value,
            customer.state in HOLDING,
            self._say(f"state.{customer.state}", language, params),
            params["price"],
            tuple(self._rows(customer, language)),
            self._wishes.would(customer, language),
            self._say(f"said.{why[0]}", language, why[1]) if why else "",
            why is not None and why[0] == "province_unknown",
            self.waits(customer),
            consented_categories(customer).value,
        )

    def waits(self, customer: Subscription) -> bool:
        """Whether an order waits for its second yes."""
        return customer.order is not None and customer.order.expires_at > self._clock.now()

    def _rows(self, customer: Subscription, language: Language) -> list[tuple[str, str]]:
        params, facts_shown = self._facts(customer, language), {}
        if self._policy.service_area(customer).province is not None or customer.state in HOLDING:
            facts_shown["price"] = params["price"]
        if customer.state in CHARGEABLE and customer.opened_at is not None:
            facts_shown["mode"] = params["mode"]
            facts_shown["since"] = day(customer.opened_at, language)
            if customer.ends_at is not None:
                facts_shown["ends"] = params["ends"]
            facts_shown["next"] = self._next(customer, language)
            spent = self._account.charges(customer.number)
            facts_shown["spent"] = format_spent(sum(charge.fen for charge in spent), language)
        return [(self._say(f"row.{name}", language), value) for name, value in facts_shown.items()]

    def _next(self, customer: Subscription, language: Language) -> str:
        """When something is charged next."""
        if customer.trial and customer.charged_from:
            first = day(customer.charged_from, language)
            return self._say("next.trial", language, {"day": first})
        province = self._policy.service_area(customer).province
        due = next_monthly(customer, province, self._clock.now()) if province else None
        if due is None:
            return self._say("next.none", language)
        return day(due, language)

    # -- before a yes --------------------------------------------------------------------------

    def offer(self, customer: Subscription, language: Language) -> dict[str, str] | None:
        """What is offered, and which offer it is; None where nothing can be."""
        if self._policy.ineligibility(customer, Channel.WEB, language) is not None:
            return None
        params = self._wishes.offer_facts(customer, language)
        return params | {"mark": offer_mark(customer)}

    def cancelling(self, customer: Subscription, language: Language) -> str:
        """What a cancel would come to."""
        ((key, params),) = cancellation.cancel(
            self._policy, customer, CustomerRequest(Channel.WEB, language, "")
        ).messages
        return self._say(f"would.{key}", language, params)

    def provinces(self, language: Language) -> list[tuple[str, str]]:
        """The provinces to choose from, by code."""
        found = self._policy.book.provinces.items()
        return [(code, province.names.in_(language)) for code, province in found]

    # -- lists ---------------------------------------------------------------------------------

    def receipts(self, number: Msisdn, language: Language) -> list[TableRow]:
        """The last receipts, newest first."""
        found = self._account.latest_receipts(number, _RECEIPTS)
        return [
            TableRow(
                _moment(receipt, language),
                receipt.recipient.national if receipt.recipient else "",
                self._say(f"outcome.{receipt.outcome or ReceiptOutcome.NO_ANSWER}", language),
                notices().render(f"mode.{receipt.sent_as or receipt.mode}", language),
            )
            for receipt in found
        ]

    def charges(self, number: Msisdn, language: Language) -> list[tuple[str, str, list[TableRow]]]:
        """The charges of the last months, newest first: the month, its sum, its lines."""
        this = month_of(self._clock.now())
        months = [this, *(month_before(this, back) for back in range(1, _MONTHS))]
        found = self._account.charges(number, months)
        named = self._receipts_of(found)
        listed = []
        for month in months:
            here = [charge for charge in reversed(found) if charge.month == month]
            if here:
                total = format_spent(sum(charge.fen for charge in here), language)
                lines = [self._charged(charge, named, language) for charge in here]
                listed.append((_month(month, language), total, lines))
        return listed

    def agreed(self, customer: Subscription, language: Language) -> str:
        """What the charges stand on: when, where and to what price the customer said yes."""
        return self._wishes.words(self._policy.consent_summary(customer, language), language)

    def _receipts_of(self, charges: list[Charge]) -> dict[str, Receipt]:
        ids = [c.id.removeprefix("receipt-") for c in charges if c.kind is ChargeKind.RECEIPT]
        return self._account.receipts_by_id(ids)

    def _charged(self, charge: Charge, named: dict[str, Receipt], language: Language) -> TableRow:
        receipt = named.get(charge.id.removeprefix("receipt-"))
        what = self._say(
            f"charge.{charge.kind}", language, {"month": _month(charge.month, language)}
        )
        if receipt is not None and receipt.recipient:
            why = self._say("why.friend", language, {"friend": receipt.recipient.national})
        else:
            why = self._say(_WHY.get(charge.reason, f"why.{charge.kind}"), language)
        if charge.fen == 0:
            why += self._say("why.free", language)
        return TableRow(day(charge.at, language), what, why, format_spent(charge.fen, language))

    # -- words ---------------------------------------------------------------------------------

    def _facts(self, customer: Subscription, language: Language) -> dict[str, str]:
        return self._policy.template_params(customer, language)

    def _say(self, key: str, language: Language, params: dict[str, str] | None = None) -> str:
        return self._sentences.render(key, language, **(params or {}))


#: What a charge says of itself, and our sentence for it.
_WHY = {
    "opened": "why.opened",
    "first charge date": "why.first",
    "resumed": "why.resumed",
    "month of leaving": "why.leaving",
    "monthly fee, billed late": "why.late",
}


def _month(month: str, language: Language) -> str:
    """A calendar month as customers read it."""
    year, number = month.split("-")
    if language is Language.ZH:
        return f"{year}年{int(number)}月"
    return f"{day(month_start(month), language).partition(' ')[2]} {year}"


def _moment(receipt: Receipt, language: Language) -> str:
    when = receipt.created_at.astimezone(SHANGHAI)
    return f"{day(when, language)} {when:%H:%M}"
