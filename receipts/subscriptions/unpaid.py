"""Fees that could not be collected: the pause, the end after two months, the way back."""

from msgspec.structs import replace

from receipts.charges import served
from receipts.model import Subscription
from receipts.months import month_before, month_of, month_start, months_between, next_month
from receipts.subscriptions import leaving, orders
from receipts.subscriptions.steps import LAPSE, OWED, TRIAL, Asked, Step, timer
from receipts.subscriptions.terms import Terms
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent


def collected(
    terms: Terms, customer: Subscription, month: str, *, paid: bool, asked: Asked
) -> Step:
    """The operator could, or could not, collect the fee of a month.

    Unpaid suspends the service; two months running end it; paying brings it back.
    """
    if paid:
        return _paid(terms, customer, month, asked)
    if month in customer.unpaid:
        return Step(customer)
    beside = {month_before(month), month_of(next_month(month_start(month)))}
    owing = replace(customer, unpaid=tuple(sorted({*customer.unpaid, month})))
    if beside & set(customer.unpaid):
        return owed(terms, owing, asked)
    event = SubscriptionEvent.SUSPEND
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Step(owing)
    now = terms.now()
    return Step(
        replace(owing, state=outcome.state, order=None, suspended_at=now),
        (("unpaid_once", terms.facts(customer, asked.language)),),
        audit=(terms.audit(customer, event, outcome, asked),),
        # Suspended, there may be no second fee to fail: a whole month unpaid is as good.
        timers=(timer(OWED, customer, next_month(next_month(now))),),
        untimers=(timer(LAPSE, customer),),
    )


def owed(terms: Terms, customer: Subscription, asked: Asked) -> Step:
    """Unpaid two months running: the service ends."""
    event = SubscriptionEvent.CANCEL_NOW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or not customer.unpaid:
        return Step(customer)
    told = ("unpaid_twice", terms.facts(customer, asked.language))
    return leaving.ended(terms, customer, event, outcome, told, asked)


def _paid(terms: Terms, customer: Subscription, month: str, asked: Asked) -> Step:
    paying = replace(customer, unpaid=tuple(m for m in customer.unpaid if m != month))
    event = SubscriptionEvent.RESUME
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or paying.unpaid:
        return Step(paying)
    now = terms.now()
    idle = months_between(customer.suspended_at or now, now)[:-1]
    unserved = (*customer.unserved, *(month for month in idle if not served(customer, month)))
    resumed = replace(
        paying,
        state=outcome.state,
        suspended_at=None,
        unserved=unserved[-terms.book.retention.audit_months :],
    )
    # A trial's question may have fallen into the pause: it is asked now, if not later.
    timers = (timer(TRIAL, resumed, orders.second_yes_at(terms, resumed)),)
    return Step(
        resumed,
        (("resumed", terms.facts(customer, asked.language)),),
        charges=terms.fee(resumed, now, "resumed"),
        audit=(terms.audit(customer, event, outcome, asked),),
        timers=timers if resumed.trial else (),
        untimers=(timer(OWED, customer),),
    )
