"""Fees that could not be collected: the pause, the end after two months, the way back."""

from msgspec.structs import replace

from receipts.charging.charges import served
from receipts.model.calendar import month_before, month_of, month_start, months_between, next_month
from receipts.model.customer import Subscription
from receipts.subscriptions import cancellation, ordering
from receipts.subscriptions.decision import LAPSE, OWED, TRIAL, Asked, Step, timer
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent


def collected(
    policy: SubscriptionPolicy, customer: Subscription, month: str, *, paid: bool, asked: Asked
) -> Step:
    """The operator could, or could not, collect the fee of a month.

    Unpaid suspends the service; two months running end it; paying brings it back.
    """
    if paid:
        return _paid(policy, customer, month, asked)
    if month in customer.unpaid:
        return Step(customer)
    beside = {month_before(month), month_of(next_month(month_start(month)))}
    owing = replace(customer, unpaid=tuple(sorted({*customer.unpaid, month})))
    if beside & set(customer.unpaid):
        return owed(policy, owing, asked)
    event = SubscriptionEvent.SUSPEND
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Step(owing)
    now = policy.now()
    return Step(
        replace(owing, state=outcome.state, order=None, suspended_at=now),
        (("unpaid_once", policy.template_params(customer, asked.language)),),
        audit=(policy.audit(customer, event, outcome, asked),),
        # Suspended, there may be no second fee to fail: a whole month unpaid is as good.
        timers=(timer(OWED, customer, next_month(next_month(now))),),
        untimers=(timer(LAPSE, customer),),
    )


def owed(policy: SubscriptionPolicy, customer: Subscription, asked: Asked) -> Step:
    """Unpaid two months running: the service ends."""
    event = SubscriptionEvent.CANCEL_NOW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or not customer.unpaid:
        return Step(customer)
    told = ("unpaid_twice", policy.template_params(customer, asked.language))
    return cancellation.ended(policy, customer, event, outcome, told, asked)


def _paid(policy: SubscriptionPolicy, customer: Subscription, month: str, asked: Asked) -> Step:
    paying = replace(customer, unpaid=tuple(m for m in customer.unpaid if m != month))
    event = SubscriptionEvent.RESUME
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or paying.unpaid:
        return Step(paying)
    now = policy.now()
    idle = months_between(customer.suspended_at or now, now)[:-1]
    unserved = (*customer.unserved, *(month for month in idle if not served(customer, month)))
    resumed = replace(
        paying,
        state=outcome.state,
        suspended_at=None,
        unserved=unserved[-policy.book.retention.audit_months :],
    )
    # A trial's question may have fallen into the pause: it is asked now, if not later.
    timers = (timer(TRIAL, resumed, ordering.second_yes_at(policy, resumed)),)
    return Step(
        resumed,
        (("resumed", policy.template_params(customer, asked.language)),),
        charges=policy.fee(resumed, now, "resumed"),
        audit=(policy.audit(customer, event, outcome, asked),),
        timers=timers if resumed.trial else (),
        untimers=(timer(OWED, customer),),
    )
