"""Creates charges. The id of a charge names its purpose, so that it is written only once."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.tariffs import tariff_on
from receipts.charging.trial_people import has_trial_tariff
from receipts.model.calendar import month_before, month_of, month_start, months_between, next_month
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.ports.store import Store
from receipts.rulebook.schema import Province, RuleBook
from statemachines.subscription import RECEIVING, SubscriptionState

#: A month of retention in days: no calendar month is longer.
DAYS_KEPT_A_MONTH = 31

#: The states with a monthly fee. A cancellation charges all open fees at once.
CHARGEABLE = RECEIVING | {SubscriptionState.SUSPENDED}


def is_active(customer: Subscription, now: dt.datetime) -> bool:
    """Whether texts give receipts now; a late timer does not extend a cancelled service."""
    return customer.state in RECEIVING and (customer.ends_at is None or customer.ends_at > now)


def is_billable(customer: Subscription, now: dt.datetime) -> bool:
    """Whether charges are allowed now: after the agreed first day, and not in a trial."""
    since = customer.charged_from
    agreed = not customer.trial and not has_trial_tariff(customer)
    return agreed and since is not None and since <= now


def monthly_id(month: str) -> str:
    """The charge id of a month's fee: one a customer and month."""
    return f"monthly-{month}"


def monthly(
    customer: Subscription,
    province: Province,
    month: str,
    at: dt.datetime,
    reason: str,
    cap_fen: int,
) -> tuple[Charge, ...]:
    """The fee of a calendar month, if any, at the tariff of its first day with the service.

    ``at`` is the current time: a fee that falls due later is not charged yet.
    """
    since = customer.charged_from
    if since is None or not is_billable(customer, at) or not was_active_in(customer, month):
        return ()
    begins = month_start(month)
    tariff = tariff_on(province, max(begins, since))
    if begins <= since and customer.tariff:
        # In the month of the confirmation, the price shown applies, even if it changed since.
        # A tariff that a later confirmation agreed to does not reach back into an earlier month.
        agreed = province.tariff(customer.tariff)
        tariff = agreed if agreed and f"{agreed.since:%Y-%m}" <= month else tariff
    fen = min(tariff.monthly_fen, cap_fen)
    if fen == 0:
        return ()
    number, kind = customer.number, ChargeKind.MONTHLY
    return (Charge(monthly_id(month), number, kind, fen, month, reason, at, tariff.version),)


def was_active_in(customer: Subscription, month: str) -> bool:
    """Whether the service ran at any chargeable moment of a month.

    A wholly suspended month has no fee. A late timer does not extend a cancelled service.
    """
    since, begins = customer.charged_from, month_start(month)
    if customer.state not in CHARGEABLE or customer.trial or since is None:
        return False
    if has_trial_tariff(customer):
        return False
    if since >= next_month(begins) or month in customer.months_not_served:
        return False
    stopped = customer.suspended_at or customer.ends_at
    return stopped is None or stopped > max(begins, since)


def next_monthly(
    customer: Subscription, province: Province, now: dt.datetime
) -> dt.datetime | None:
    """The due time of the next monthly fee; None if there will be none."""
    since = customer.charged_from
    if since is None:
        return None
    due = since if since > now else next_month(now)
    charged = was_active_in(customer, month_of(due)) and tariff_on(province, due).monthly_fen
    return due if charged else None


def oldest_billable(book: RuleBook, now: dt.datetime) -> str:
    """The oldest month that may still be charged; records of older ones may have expired."""
    return month_before(month_of(now), book.retention.audit_months - 1)


def months_kept(book: RuleBook, now: dt.datetime) -> list[str]:
    """All months that may have charges, oldest first.

    A fee that was billed late is kept as long as another, from its billing on.
    """
    kept = book.retention.audit_months
    written_since = now - dt.timedelta(days=kept * DAYS_KEPT_A_MONTH)
    return months_between(month_start(month_before(month_of(written_since), kept - 1)), now)


def final_charges(
    customer: Subscription, province: Province | None, now: dt.datetime, book: RuleBook
) -> tuple[Charge, ...]:
    """The fees of a customer who leaves: this month's, and those of months not billed yet.

    A month that is charged already is not charged again, because its charge id exists.
    """
    since = customer.charged_from
    if province is None or since is None or since > now:
        return ()
    months = months_between(max(since, month_start(oldest_billable(book, now))), now)
    cap = book.limits_in(province.code).monthly_cap_fen
    found = (monthly(customer, province, each, now, "month of leaving", cap) for each in months)
    return tuple(charge for charges in found for charge in charges)


def for_receipt(receipt: Receipt, used: int, at: dt.datetime) -> Charge:
    """The charge of a receipt sent at ``at``, after ``used`` delivered ones in the same month.

    A free receipt gets a charge of 0 fen, so that the list of charges is complete.
    """
    free = used < receipt.free_receipts
    about = f"receipt for message {receipt.message_id}"
    reason = f"{about}: {used + 1} of {receipt.free_receipts} free" if free else about
    key, number, kind = receipt_charge_id(receipt), receipt.number, ChargeKind.RECEIPT
    fen, tariff = 0 if free else receipt.price_fen, receipt.tariff or ""
    return Charge(key, number, kind, fen, month_of(at), reason, at, tariff)


def receipt_charge_id(receipt: Receipt) -> str:
    """The id of a receipt's charge."""
    return f"receipt-{receipt.id}"


def credit_id(receipt: Receipt) -> str:
    """The id of the credit that gives a receipt's charge back."""
    return f"credit-{receipt.id}"


def credit_for(receipt: Receipt, at: dt.datetime) -> tuple[Charge, ...]:
    """The credit of a charged receipt that did not arrive, in the month of that news.

    A free receipt has no credit, and its free place in the month does not come back.
    """
    if receipt.charge_fen == 0:
        return ()
    charged, number = receipt_charge_id(receipt), receipt.number
    reason = f"receipt for message {receipt.message_id} did not arrive"
    fen, tariff = -receipt.charge_fen, receipt.tariff or ""
    key, kind, month = credit_id(receipt), ChargeKind.CREDIT, month_of(at)
    return (Charge(key, number, kind, fen, month, reason, at, tariff, charged),)


def needs_usage_count(receipt: Receipt) -> bool:
    """Whether the price of a receipt depends on its customer's count of this month."""
    return receipt.free_receipts > 0 and receipt.price_fen > 0 and receipt.sent_at is None


def count_receipt(owner: Subscription | None, now: dt.datetime) -> tuple[Subscription, int]:
    """The customer with one more receipt this month, and the count before it.

    Raises ValueError without a customer.
    """
    if owner is None:
        raise ValueError("the owner is needed to count free receipts")
    month = month_of(now)
    used = owner.receipts_this_month if owner.receipts_month == month else 0
    return replace(
        owner, version=owner.version + 1, receipts_month=month, receipts_this_month=used + 1
    ), used


def subscription_for_charge(store: Store, receipt: Receipt) -> Subscription | None:
    """The customer, if the price needs the month's count. Raises StoreUnavailableError."""
    return store.load(receipt.number).subscription if needs_usage_count(receipt) else None
