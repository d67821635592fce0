"""Dunning: suspension for an unpaid fee, end after two months, resumption when paid."""

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from receipts.charging.charges import monthly_id, oldest_billable, was_active_in
from receipts.model.calendar import month_before, month_of, month_start, months_between, next_month
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.subscriptions import cancellation, ordering
from receipts.subscriptions.decision import (
    ORDER_EXPIRY,
    TRIAL,
    UNPAID,
    CustomerRequest,
    Decision,
    timer,
)
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.fee_collection import FEE_COLLECTION, CollectionResult, FeeState
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent


class CollectionRefusedError(Exception):
    """The ledger contradicts a collection; the message is the reason in the state table."""


class Collection(Struct, frozen=True):
    """The operator's report on a month's fee, and the customer's charges of that month."""

    month: str
    result: CollectionResult
    charges: Sequence[Charge]


def record_collection(
    policy: SubscriptionPolicy,
    customer: Subscription,
    collection: Collection,
    request: CustomerRequest,
) -> Decision:
    """Apply a report on a month's fee: resume if paid, else suspend or end the service.

    Raises CollectionRefusedError.
    """
    before = _fee_state(policy, customer, collection)
    after = FEE_COLLECTION.fire(before, collection.result)
    if after.reason is not None:
        raise CollectionRefusedError(after.reason)
    if after.state is before:
        return Decision(customer)
    apply = _paid if after.state is FeeState.PAID else _failed
    return apply(policy, customer, collection.month, request)


def _fee_state(
    policy: SubscriptionPolicy, customer: Subscription, collection: Collection
) -> FeeState:
    """State of a month's fee; there is none in months older than the records that are kept."""
    month = collection.month
    if month in customer.unpaid:
        return FeeState.UNPAID
    if month in customer.paid:
        return FeeState.PAID
    fee = monthly_id(month)
    owed = sum(each.fen for each in collection.charges if fee in {each.id, each.charge_id})
    kept = month >= oldest_billable(policy.book, policy.now())
    return FeeState.DUE if owed > 0 and kept else FeeState.NO_FEE


def _failed(
    policy: SubscriptionPolicy, customer: Subscription, month: str, request: CustomerRequest
) -> Decision:
    adjacent = {month_before(month), month_of(next_month(month_start(month)))}
    owing = replace(customer, unpaid=tuple(sorted({*customer.unpaid, month})))
    if adjacent & set(customer.unpaid):
        return end_unpaid(policy, owing, request)
    event = SubscriptionEvent.SUSPEND
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Decision(owing)
    now = policy.now()
    return Decision(
        replace(owing, state=outcome.state, order=None, suspended_at=now),
        (("unpaid_once", policy.template_params(customer, request.language)),),
        audit=(policy.audit(customer, event, outcome, request),),
        timers=(timer(UNPAID, customer, unpaid_end(now)),),
        cancelled_timers=(timer(ORDER_EXPIRY, customer),),
    )


def unpaid_end(suspended_at: dt.datetime) -> dt.datetime:
    """End of a service that stays unpaid after its suspension.

    A suspended month has no fee that could fail, so its end counts as unpaid.
    """
    return next_month(next_month(suspended_at))


def end_unpaid(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End a service that is unpaid two months in a row."""
    if not customer.unpaid:
        return Decision(customer)
    event = SubscriptionEvent.CANCEL_NOW
    return cancellation.end_now(policy, customer, event, "unpaid_twice", request)


def _paid(
    policy: SubscriptionPolicy, customer: Subscription, month: str, request: CustomerRequest
) -> Decision:
    oldest = oldest_billable(policy.book, policy.now())
    paying = replace(
        customer,
        paid=tuple(sorted({month, *(m for m in customer.paid if m >= oldest)})),
        unpaid=tuple(m for m in customer.unpaid if m != month),
    )
    event = SubscriptionEvent.RESUME
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or paying.unpaid:
        return Decision(paying)
    now = policy.now()
    idle = months_between(customer.suspended_at or now, now)[:-1]
    unserved = (*customer.months_not_served, *(m for m in idle if not was_active_in(customer, m)))
    kept = unserved[-policy.book.retention.audit_months :]
    resumed = replace(paying, state=outcome.state, suspended_at=None, months_not_served=kept)
    # The trial's renewal question may have fallen due while suspended.
    timers = (timer(TRIAL, resumed, ordering.trial_renewal_at(policy, resumed)),)
    return Decision(
        resumed,
        (("resumed", policy.template_params(customer, request.language)),),
        charges=policy.monthly_fee(resumed, now, "resumed"),
        audit=(policy.audit(customer, event, outcome, request),),
        timers=timers if resumed.trial else (),
        cancelled_timers=(timer(UNPAID, customer),),
    )
