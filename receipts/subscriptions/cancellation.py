"""Ends of a subscription: cancellation, end of the last month, port-out."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.charges import final_charges
from receipts.charging.terms import leaving_key
from receipts.model.calendar import month_of, next_month
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language
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
from receipts.wording.notice_text import notices
from statemachines.subscription import RECEIVING, SUBSCRIPTION, SubscriptionEvent, SubscriptionState

#: States in which an open order is all that is left to cancel.
_ONLY_ORDERED = frozenset({SubscriptionState.PENDING, SubscriptionState.ENDING})


def cancel(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End the service now or with the month, as the province rules; a lone order is declined."""
    if customer.order is not None and customer.state in _ONLY_ORDERED:
        return ordering.decline(policy, customer, request)
    province = policy.service_area(customer).province
    is_served = province is not None and not policy.has_left_trial(customer)
    effect = province.cancel_takes_effect if province and is_served else CancellationEffect.NOW
    at_month_end = effect is CancellationEffect.MONTH_END
    event = SubscriptionEvent.CANCEL_AT_MONTH_END if at_month_end else SubscriptionEvent.CANCEL_NOW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    now = policy.now()
    ends_at = _service_end(customer, now) if outcome.state in RECEIVING else None
    charges = final_charges(customer, province, now, policy.book)
    ended = replace(_ended(customer, outcome.state, now, charges), ends_at=ends_at)
    key = "cancelled_later" if ends_at else "cancelled"
    params = policy.template_params(ended, request.language)
    due = leaving_key(customer, province, policy.book, now)
    params["due"] = notices().render(f"due.{due}", request.language)
    return Decision(
        ended,
        ((key, params),),
        charges=charges,
        audit=(policy.audit(customer, event, outcome, request),),
        timers=(timer(END, customer, ends_at),) if ends_at else (),
        cancelled_timers=tuple(
            timer(kind, customer) for kind in ALL_TIMERS if not (ends_at and kind == END)
        ),
    )


def preview(
    policy: SubscriptionPolicy, customer: Subscription, channel: Channel, language: Language
) -> Message:
    """What a cancellation now would be answered with; changes nothing."""
    (message,) = cancel(policy, customer, CustomerRequest(channel, language, "")).messages
    return message


def _service_end(customer: Subscription, now: dt.datetime) -> dt.datetime:
    """Month's end, or an earlier first charge date, before which nothing is due."""
    first = customer.charged_from
    return min(next_month(now), first) if first and first > now else next_month(now)


def _ended(
    customer: Subscription,
    state: SubscriptionState,
    now: dt.datetime,
    charges: tuple[Charge, ...],
) -> Subscription:
    """Customer after a cancellation; unpaid months stay and block a new order until paid."""
    first = customer.charged_from
    never_charged = customer.trial or (first is not None and first > now)
    month = month_of(now)
    charged_now = any(each.month == month for each in charges)
    return replace(
        customer,
        state=state,
        order=None,
        question=None,
        ends_at=None,
        trial=False,
        trial_ends_at=first if never_charged else customer.trial_ends_at,
        charged_from=None if never_charged else first,
        charged_month=month if charged_now else customer.charged_month,
        suspended_at=None,
    )


def month_ended(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End a cancelled service whose last month is over."""
    event = SubscriptionEvent.MONTH_ENDED
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Decision(customer)
    state = outcome.state
    if customer.order is not None:
        # An offer keeps its whole confirmation window, even past the end of the old service.
        state = SUBSCRIPTION.fire(state, SubscriptionEvent.ORDER).state
    return Decision(
        replace(customer, state=state, ends_at=None),
        audit=(policy.audit(customer, event, outcome, request),),
    )


def end_now(
    policy: SubscriptionPolicy,
    customer: Subscription,
    event: SubscriptionEvent,
    message_key: str,
    request: CustomerRequest,
) -> Decision:
    """End the service at once and charge the fees due; unchanged where the table refuses."""
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return Decision(customer)
    now, province = policy.now(), policy.service_area(customer).province
    charges = final_charges(customer, province, now, policy.book)
    return Decision(
        _ended(customer, outcome.state, now, charges),
        ((message_key, policy.template_params(customer, request.language)),),
        charges=charges,
        audit=(policy.audit(customer, event, outcome, request),),
        cancelled_timers=tuple(timer(kind, customer) for kind in ALL_TIMERS),
    )
