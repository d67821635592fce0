"""The operator's message that a receipt may carry: one, with consent, where there is room."""

import datetime as dt
from dataclasses import dataclass

from receipts.model.calendar import SHANGHAI
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, PromotionCategory
from receipts.rulebook.schema import RuleBook
from receipts.wording.receipt_text import with_promotion
from receipts.wording.segments import segments
from statemachines.subscription import HOLDING


@dataclass(frozen=True, slots=True)
class ReceiptWithPromotion:
    """A receipt's text with a message in it, and the message's name in the rule book."""

    text: str
    name: str


def consented_categories(customer: Subscription) -> PromotionCategory:
    """The kind of messages this customer agreed to.

    Consent ends with the subscription it was given in: who opens the service again is asked again.
    """
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
    """The receipt's text with a message of the agreed kind; None where none runs, or none fits.

    Of several that fit, the receipt's id chooses, so that each gets its turn and a receipt that is
    decided again carries the same.
    """
    kind = consented_categories(customer)
    if kind is PromotionCategory.NONE:
        return None
    today = now.astimezone(SHANGHAI).date()
    running = (m for m in book.messages if m.kind is kind and m.runs(province, today))
    promotion = (
        ReceiptWithPromotion(with_promotion(receipt, kind, m.in_(language), language), m.name)
        for m in running
    )
    fitting = [each for each in promotion if segments(each.text) == 1]
    return fitting[int(receipt_id[-8:], 16) % len(fitting)] if fitting else None
