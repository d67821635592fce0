"""The ways out: a cancel, the end of the last month, a number that leaves the network."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.charges import final_charges
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.rulebook.schema import CancellationEffect
from receipts.subscriptions import ordering
from receipts.subscriptions.decision import (
    ALL_TIMERS,
    END,
    CustomerRequest,
    Decision,
    Message,
    timer,
)
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.engine import Transition
from statemachines.subscription import RECEIVING, SUBSCRIPTION, SubscriptionEvent, SubscriptionState

#: Where a cancel finds nothing more to end than an order.
_ONLY_ORDERED = frozenset({SubscriptionState.PENDING, SubscriptionState.ENDING})


def cancel(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End the service, now or at the month's end as the province has it. Always free.

    Where nothing runs on but an order, it is the order that ends.
    """
    if customer.order is not None and customer.state in _ONLY_ORDERED:
        return ordering.decline(policy, customer, request)
    province = policy.service_area(customer).province
    at_month_end = (
        province is not None and province.cancel_takes_effect is CancellationEffect.MONTH_END
    )
    event = SubscriptionEvent.CANCEL_AT_MONTH_END if at_month_end else SubscriptionEvent.CANCEL_NOW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    now = policy.now()
    runs_on = outcome.state in RECEIVING
    ends_at = _last_moment(customer, now) if runs_on else None
    ended = replace(_ended(policy, customer, outcome.state), ends_at=ends_at)
    stale = tuple(timer(kind, customer) for kind in ALL_TIMERS)
    return Decision(
        ended,
        (
            (
                "cancelled_later" if runs_on else "cancelled",
                policy.template_params(ended, request.language),
            ),
        ),
        charges=final_charges(customer, province, now, policy.book),
        audit=(policy.audit(customer, event, outcome, request),),
        timers=(timer(END, customer, ends_at),) if ends_at else (),
        cancelled_timers=tuple(t for t in stale if not (ends_at and t.kind == END)),
    )


def _last_moment(customer: Subscription, now: dt.datetime) -> dt.datetime:
    """The month's end; a cancel before the first charge date costs nothing, and ends by it."""
    first = customer.charged_from
    return min(next_month(now), first) if first and first > now else next_month(now)


def _ended(
    policy: SubscriptionPolicy, customer: Subscription, state: SubscriptionState
) -> Subscription:
    """A customer who has left, or will at the month's end: nothing waits for an answer.

    What is unpaid stays so: it is paid before the service is ordered again.
    """
    first = customer.charged_from
    unborn = customer.trial or (first is not None and first > policy.now())
    return replace(
        customer,
        state=state,
        order=None,
        question=None,
        ends_at=None,
        trial=False,
        charged_from=None if unborn else first,
        suspended_at=None,
    )


def month_ended(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """The last month of a cancelled service is over."""
    event = SubscriptionEvent.MONTH_ENDED
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Decision(customer)
    state = outcome.state
    if customer.order is not None:
        # An offer keeps its whole window, also beyond the end of what ran beside it.
        state = SUBSCRIPTION.fire(state, SubscriptionEvent.ORDER).state
    return Decision(
        replace(customer, state=state, ends_at=None),
        audit=(policy.audit(customer, event, outcome, request),),
    )


def port_out(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """The number has left the network: the service ends at once, and what is due stays due."""
    event = SubscriptionEvent.PORT_OUT
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Decision(customer)
    message = ("ported_out", policy.template_params(customer, request.language))
    return end_now(policy, customer, event, outcome, message, request)


def end_now(
    policy: SubscriptionPolicy,
    customer: Subscription,
    event: SubscriptionEvent,
    outcome: Transition[SubscriptionState],
    message: Message,
    request: CustomerRequest,
) -> Decision:
    """The service is over at once, whoever ended it; what is due stays due."""
    province = policy.service_area(customer).province
    return Decision(
        _ended(policy, customer, outcome.state),
        (message,),
        charges=final_charges(customer, province, policy.now(), policy.book),
        audit=(policy.audit(customer, event, outcome, request),),
        cancelled_timers=tuple(timer(kind, customer) for kind in ALL_TIMERS),
    )
