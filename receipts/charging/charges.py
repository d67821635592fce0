"""Charge records: the id of each tells what it is for, so it can be written only once."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.tariffs import tariff_on
from receipts.model.calendar import month_before, month_of, month_start, months_between, next_month
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.ports.store import Store
from receipts.rulebook.schema import Province, RuleBook
from statemachines.subscription import RECEIVING, SubscriptionState

#: Who may owe a monthly fee. One who has left was charged for everything on leaving.
CHARGEABLE = RECEIVING | {SubscriptionState.SUSPENDED}


def is_active(customer: Subscription, now: dt.datetime) -> bool:
    """Whether texts give receipts now: a cancelled service ends at its moment, rung or not."""
    return customer.state in RECEIVING and (customer.ends_at is None or customer.ends_at > now)


def is_billable(customer: Subscription, now: dt.datetime) -> bool:
    """Whether anything may be charged by now: nothing is in a trial, or before the promised day."""
    since = customer.charged_from
    return since is not None and since <= now and not customer.trial


def monthly_id(month: str) -> str:
    """The id of a month's fee: it says the month, so a customer can have but one."""
    return f"monthly-{month}"


def monthly(
    customer: Subscription,
    province: Province,
    month: str,
    at: dt.datetime,
    why: str,
    cap_fen: int,
) -> tuple[Charge, ...]:
    """The fee of one calendar month, at the tariff of its first day with the service; maybe none.

    ``at`` is now: what falls due later is not charged yet.
    """
    since = customer.charged_from
    if since is None or not is_billable(customer, at) or not was_active_in(customer, month):
        return ()
    begins = month_start(month)
    tariff = tariff_on(province, max(begins, since))
    if begins <= since and customer.tariff:
        # In the month of the yes the price is the one that was shown, even if it changed since.
        tariff = province.tariff(customer.tariff) or tariff
    fen = min(tariff.monthly_fen, cap_fen)
    if fen == 0:
        return ()
    charge = Charge(
        monthly_id(month),
        customer.number,
        ChargeKind.MONTHLY,
        fen,
        month,
        why,
        at,
        tariff.version,
    )
    return (charge,)


def was_active_in(customer: Subscription, month: str) -> bool:
    """Whether the service ran in a month for which it may be charged, be it for a moment.

    A month spent suspended from its first moment to its last costs nothing, and neither does one
    that a cancelled service only reached because its end was rung late.
    """
    since, begins = customer.charged_from, month_start(month)
    if customer.state not in CHARGEABLE or customer.trial or since is None:
        return False
    if since >= next_month(begins) or month in customer.months_not_served:
        return False
    stopped = customer.suspended_at or customer.ends_at
    return stopped is None or stopped > max(begins, since)


def next_monthly(
    customer: Subscription, province: Province, now: dt.datetime
) -> dt.datetime | None:
    """When the next monthly fee falls due as things stand; None when none will."""
    since = customer.charged_from
    if since is None:
        return None
    due = since if since > now else next_month(now)
    if not was_active_in(customer, month_of(due)):
        return None
    return due if tariff_on(province, due).monthly_fen else None


def oldest_billable(book: RuleBook, now: dt.datetime) -> str:
    """The oldest month that may still be charged: of older ones the records may be gone."""
    return month_before(month_of(now), book.retention.audit_months - 1)


def final_charges(
    customer: Subscription, province: Province | None, now: dt.datetime, book: RuleBook
) -> tuple[Charge, ...]:
    """What a customer who leaves still owes: this month, and any before it that nobody billed.

    A month that was charged already is not charged again: its id is taken.
    """
    since = customer.charged_from
    if province is None or since is None or since > now:
        return ()
    oldest = max(since, month_start(oldest_billable(book, now)))
    return tuple(
        charge
        for month in months_between(oldest, now)
        for charge in monthly(
            customer,
            province,
            month,
            now,
            "month of leaving",
            book.limits_in(province.code).monthly_cap_fen,
        )
    )


def for_receipt(receipt: Receipt, used: int, at: dt.datetime) -> Charge:
    """The fee of a receipt that went out, in the month in which it did.

    ``used`` is how many delivered receipts the month had before; the free ones are written too,
    at nothing, so that the list explains itself.
    """
    free = used < receipt.free_receipts
    about = f"receipt for message {receipt.message_id}"
    why = f"{about}: {used + 1} of {receipt.free_receipts} free" if free else about
    return Charge(
        f"receipt-{receipt.id}",
        receipt.number,
        ChargeKind.RECEIPT,
        0 if free else receipt.price_fen,
        month_of(at),
        why,
        at,
        receipt.tariff or "",
    )


def needs_usage_count(receipt: Receipt) -> bool:
    """Whether the price of a receipt depends on how many its owner had this month."""
    return receipt.free_receipts > 0 and receipt.price_fen > 0 and receipt.sent_at is None


def count_receipt(owner: Subscription | None, now: dt.datetime) -> tuple[Subscription, int]:
    """The owner with one more receipt this month, and how many there were before."""
    if owner is None:
        raise ValueError("the owner is needed to count free receipts")
    month = month_of(now)
    used = owner.receipts_this_month if owner.receipts_month == month else 0
    return replace(
        owner, version=owner.version + 1, receipts_month=month, receipts_this_month=used + 1
    ), used


def subscription_for_charge(store: Store, receipt: Receipt) -> Subscription | None:
    """Whose receipt it is, where the price depends on how many there were this month.

    Raises StoreUnavailable.
    """
    return store.load(receipt.number).subscription if needs_usage_count(receipt) else None
