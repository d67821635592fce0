"""Terms of a confirmation and of a cancellation: which fees they lead to, and when."""

import datetime as dt

from msgspec import Struct

from receipts.charging.charges import final_charges, is_active, is_billable
from receipts.charging.tariffs import first_charge_at, tariff_on
from receipts.model.calendar import SHANGHAI, month_of, next_month
from receipts.model.customer import Subscription
from receipts.rulebook.schema import Province, RuleBook, Tariff
from statemachines.subscription import SubscriptionState


class OpeningTerms(Struct, frozen=True):
    """What a confirmation now agrees to; a sentence about it and the charges both follow this."""

    tariff: Tariff
    #: A trial from now on, or the rest of one that was cancelled.
    trial: bool
    is_new_trial: bool
    #: The first moment at which a fee may be charged.
    charged_from: dt.datetime
    #: The first monthly fee that is not charged yet; None without a monthly fee.
    first_fee_at: dt.datetime | None
    #: Key of the sentence about the charges; empty if the service is free.
    key: str

    @property
    def promise(self) -> str:
        """The key, with the day that its sentence names."""
        return f"{self.key}:{self.day:%Y-%m-%d}" if self.day else self.key

    @property
    def day(self) -> dt.datetime | None:
        """The day that the sentence names: the end of a trial, or of the first fee to come."""
        named = {"trial_rest": self.charged_from, "paid": self.first_fee_at}
        return (named | {"from": self.first_fee_at}).get(self.key)


def opening_terms(
    customer: Subscription,
    province: Province,
    book: RuleBook,
    now: dt.datetime,
    version: str | None = None,
) -> OpeningTerms:
    """Terms of a confirmation at ``now``, of the tariff of that version or of the one to come."""
    trial, is_new, charged_from = _trial(customer, province, now, version)
    since = max(charged_from, now)
    paid = customer.charged_month == month_of(since)
    first = next_month(since) if paid else since
    tariff = (province.tariff(version) if version else None) or tariff_on(
        province, now if trial else first
    )
    has_fee = min(tariff.monthly_fen, book.limits_in(province.code).monthly_cap_fen) > 0
    key = "paid" if paid else "month" if first <= now else "from"
    if not has_fee:
        key = "receipt" if tariff.per_receipt_fen else ""
    elif trial:
        key = "trial" if is_new else "trial_rest"
    return OpeningTerms(tariff, trial, is_new, charged_from, first if has_fee else None, key)


def _trial(
    customer: Subscription, province: Province, now: dt.datetime, version: str | None
) -> tuple[bool, bool, dt.datetime]:
    """Whether a trial runs, whether it is a new one, and the first moment of a charge."""
    continues = is_active(customer, now)
    if continues and customer.charged_from is not None:
        # Also the confirmation within a trial, which is the consent to the fees after it.
        return False, False, customer.charged_from
    agreed = (province.tariff(version) if version else None) or tariff_on(province, now)
    in_force = agreed.since <= now.astimezone(SHANGHAI).date()  # not a price of the next month
    if agreed.trial_days and in_force and not customer.trial_used and not continues:
        return True, True, first_charge_at(agreed, now)
    ends = customer.trial_ends_at
    if ends is not None and now < ends:
        # Past the renewal question of the trial, the confirmation is its answer.
        return now < ends - province.window, False, ends
    return False, False, now


def keeps_promise(promise: str, terms: OpeningTerms, now: dt.datetime) -> bool:
    """Whether a confirmation now charges what was offered; true for an offer of old records."""
    if promise in {"", terms.promise}:
        return True
    # A fee told for a day is charged as told by a confirmation in the rest of that month.
    day = promise.partition(":")[2]
    today = f"{now.astimezone(SHANGHAI):%Y-%m-%d}"
    told = promise.startswith(("paid:", "from:"))
    return told and terms.key == "month" and day[:7] == today[:7] and day <= today


def leaving_key(
    customer: Subscription, province: Province | None, book: RuleBook, now: dt.datetime
) -> str:
    """Key of the sentence about the fees that remain due when the service is cancelled now."""
    if customer.unpaid or customer.state is SubscriptionState.SUSPENDED:
        return "unpaid"
    this_month = month_of(now)
    months = {charge.month for charge in final_charges(customer, province, now, book)}
    if this_month in {customer.charged_month, *months}:
        return "month"
    if months:
        # Fees of earlier months alone; whether they are billed already is not known here.
        return "earlier"
    has_receipt_fee = province is not None and tariff_on(province, now).per_receipt_fen > 0
    return "receipt" if has_receipt_fee and is_billable(customer, now) else "none"
