"""Fees that could not be collected: the pause, the end after two months, the way back."""

from msgspec.structs import replace

from receipts.charging.charges import was_active_in
from receipts.model.calendar import month_before, month_of, month_start, months_between, next_month
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
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent


def record_collection(
    policy: SubscriptionPolicy,
    customer: Subscription,
    month: str,
    *,
    paid: bool,
    request: CustomerRequest,
) -> Decision:
    """The operator could, or could not, collect the fee of a month.

    Unpaid suspends the service; two months running end it; paying brings it back.
    """
    if paid:
        return _paid(policy, customer, month, request)
    if month in customer.unpaid:
        return Decision(customer)
    beside = {month_before(month), month_of(next_month(month_start(month)))}
    owing = replace(customer, unpaid=tuple(sorted({*customer.unpaid, month})))
    if beside & set(customer.unpaid):
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
        # Suspended, there may be no second fee to fail: a whole month unpaid is as good.
        timers=(timer(UNPAID, customer, next_month(next_month(now))),),
        cancelled_timers=(timer(ORDER_EXPIRY, customer),),
    )


def end_unpaid(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Unpaid two months running: the service ends."""
    event = SubscriptionEvent.CANCEL_NOW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or not customer.unpaid:
        return Decision(customer)
    message = ("unpaid_twice", policy.template_params(customer, request.language))
    return cancellation.end_now(policy, customer, event, outcome, message, request)


def _paid(
    policy: SubscriptionPolicy, customer: Subscription, month: str, request: CustomerRequest
) -> Decision:
    paying = replace(customer, unpaid=tuple(m for m in customer.unpaid if m != month))
    event = SubscriptionEvent.RESUME
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or paying.unpaid:
        return Decision(paying)
    now = policy.now()
    idle = months_between(customer.suspended_at or now, now)[:-1]
    unserved = (
        *customer.months_not_served,
        *(month for month in idle if not was_active_in(customer, month)),
    )
    resumed = replace(
        paying,
        state=outcome.state,
        suspended_at=None,
        months_not_served=unserved[-policy.book.retention.audit_months :],
    )
    # A trial's question may have fallen into the pause: it is asked now, if not later.
    timers = (timer(TRIAL, resumed, ordering.trial_renewal_at(policy, resumed)),)
    return Decision(
        resumed,
        (("resumed", policy.template_params(customer, request.language)),),
        charges=policy.monthly_fee(resumed, now, "resumed"),
        audit=(policy.audit(customer, event, outcome, request),),
        timers=timers if resumed.trial else (),
        cancelled_timers=(timer(UNPAID, customer),),
    )
