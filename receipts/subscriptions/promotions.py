"""Promotions: opt-in and opt-out on every channel, and the text appended to a receipt."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.model.calendar import SHANGHAI
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Intent, Language, PromotionCategory
from receipts.rulebook.schema import Province, RuleBook
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.receipt_text import with_promotion
from receipts.wording.segments import segments
from statemachines.subscription import HOLDING, SUBSCRIPTION, SubscriptionEvent

#: Category that each intent chooses; channels name their actions by the same values.
CATEGORY_BY_ACTION: dict[str, PromotionCategory] = {
    Intent.NEWS.value: PromotionCategory.NEWS,
    Intent.PUBLIC_INTEREST.value: PromotionCategory.PUBLIC_INTEREST,
    Intent.ADVERTISING.value: PromotionCategory.ADVERTISING,
    Intent.NO_MESSAGES.value: PromotionCategory.NONE,
}


def choose_promotions(
    policy: SubscriptionPolicy,
    kind: PromotionCategory,
    customer: Subscription,
    request: CustomerRequest,
) -> Decision:
    """Allow promotions of this category alone, or none; recorded in the consent chain."""
    withdrawn = kind is PromotionCategory.NONE
    event = SubscriptionEvent.WITHDRAW if withdrawn else SubscriptionEvent.CONSENT
    outcome = SUBSCRIPTION.fire(customer.state, event)
    params = policy.template_params(customer, request.language)
    params["stop"] = opt_out_keyword(policy.book, policy.service_area(customer).province)
    if outcome.reason is not None:
        return Decision(customer, ((outcome.reason, params),))
    message = ((f"messages_{kind}", params),)
    if consented_categories(customer) is kind:
        return Decision(customer, message)
    entry = policy.audit(customer, event, outcome, request)
    # The evidence is the reply with price and opt-out, not the prompt before the request.
    action = event.value if withdrawn else f"{event}_{kind}"
    entry = replace(entry, shown_text="", action=action)
    chosen = replace(customer, promotions=kind, promotions_since=entry.at)
    return Decision(chosen, message, audit=(entry,))


def opt_out_keyword(book: RuleBook, province: Province | None) -> str:
    """Opt-out keyword of a province, else of the whole rule book."""
    words = book.words
    lists = (province.words if province else {}, words.code, words.zh)
    return next((each[Intent.NO_MESSAGES][0] for each in lists if Intent.NO_MESSAGES in each), "")


@dataclass(frozen=True, slots=True)
class ReceiptWithPromotion:
    """Receipt text with a promotion appended, and the promotion's name in the rule book."""

    text: str
    name: str


#: How long after an advertisement a short cancel may be the answer to it.
_ANSWERED_WITHIN = dt.timedelta(days=1)


def had_advertisement(book: RuleBook, receipts: Iterable[Receipt], now: dt.datetime) -> bool:
    """Whether one of these receipts bore an advertisement within the last day."""
    names = {each.name for each in book.messages if each.kind is PromotionCategory.ADVERTISING}
    return any(
        each.promotion in names and now - each.created_at < _ANSWERED_WITHIN for each in receipts
    )


def consented_categories(customer: Subscription) -> PromotionCategory:
    """Category the customer consented to; consent ends with the subscription it was given in."""
    since, opened = customer.promotions_since, customer.opened_at
    if customer.state not in HOLDING or since is None or opened is None or since < opened:
        return PromotionCategory.NONE
    return customer.promotions


def receipt_with_promotion(
    customer: Subscription,
    book: RuleBook,
    province: str,
    now: dt.datetime,
    receipt_id: str,
    receipt: str,
    language: Language,
) -> ReceiptWithPromotion | None:
    """Receipt with a promotion of the consented category; None if none runs or fits."""
    kind = consented_categories(customer)
    if kind is PromotionCategory.NONE:
        return None
    today = now.astimezone(SHANGHAI).date()
    stop = opt_out_keyword(book, book.province(province))
    candidates = (
        ReceiptWithPromotion(
            with_promotion(receipt, kind, each.in_(language), language, stop), each.name
        )
        for each in book.messages
        if each.kind is kind and each.runs(province, today)
    )
    fitting = [each for each in candidates if segments(each.text) == 1]
    # The receipt's id picks one: an even rotation, and the same one when decided again.
    return fitting[int(receipt_id[-8:], 16) % len(fitting)] if fitting else None
