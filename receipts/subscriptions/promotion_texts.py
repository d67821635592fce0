"""The operator's message that a receipt may carry: one, with consent, where there is room."""

import datetime as dt
from dataclasses import dataclass

from receipts.model.calendar import SHANGHAI
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Informing, Language
from receipts.rulebook.schema import RuleBook
from receipts.wording.receipt_text import with_message
from receipts.wording.segments import segments
from statemachines.subscription import HOLDING


@dataclass(frozen=True, slots=True)
class Carried:
    """A receipt's text with a message in it, and the message's name in the rule book."""

    text: str
    name: str


def agreed(customer: Subscription) -> Informing:
    """The kind of messages this customer agreed to.

    Consent ends with the subscription it was given in: who opens the service again is asked again.
    """
    since, opened = customer.informing_since, customer.opened_at
    if customer.state not in HOLDING or since is None or opened is None or since < opened:
        return Informing.NONE
    return customer.informing


def message_for(
    customer: Subscription,
    book: RuleBook,
    province: str,
    now: dt.datetime,
    receipt_id: str,
    receipt: str,
    language: Language,
) -> Carried | None:
    """The receipt's text with a message of the agreed kind; None where none runs, or none fits.

    Of several that fit, the receipt's id chooses, so that each gets its turn and a receipt that is
    decided again carries the same.
    """
    kind = agreed(customer)
    if kind is Informing.NONE:
        return None
    today = now.astimezone(SHANGHAI).date()
    running = (m for m in book.messages if m.kind is kind and m.runs(province, today))
    told = (
        Carried(with_message(receipt, kind, m.in_(language), language), m.name) for m in running
    )
    fitting = [each for each in told if segments(each.text) == 1]
    return fitting[int(receipt_id[-8:], 16) % len(fitting)] if fitting else None
