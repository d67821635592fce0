"""From the offer to the yes, or to the end of the order; also the second yes of a trial."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.charges import is_active
from receipts.charging.tariffs import first_charge_at, tariff_on
from receipts.model.calendar import month_of
from receipts.model.customer import Order, Subscription
from receipts.ports.changes import Timer
from receipts.subscriptions.decision import (
    END,
    FEE,
    ORDER_EXPIRY,
    TRIAL,
    CustomerRequest,
    Decision,
    timer,
)
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.notice_text import day
from statemachines.subscription import HOLDING, SUBSCRIPTION, SubscriptionEvent, SubscriptionState

#: A trial's question may come so much late without the promised day having to move.
_RENEWAL_TOLERANCE = dt.timedelta(hours=1)


def order(
    policy: SubscriptionPolicy,
    customer: Subscription,
    request: CustomerRequest,
    *,
    late: bool = False,
) -> Decision:
    """Offer the service with its price; nothing is opened until the customer says yes."""
    refusal = policy.ineligibility(customer, request.channel, request.language)
    if refusal is not None:
        return Decision(customer, (refusal,))
    event = SubscriptionEvent.CONFIRM_LATE if late else SubscriptionEvent.ORDER
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    if customer.unpaid:
        # Whoever was ended for unpaid fees comes back once they are paid.
        return policy.refused(customer, "owing", request)
    now, province = policy.now(), policy.province(customer)
    until = now + province.window
    tariff = tariff_on(province, now)
    order = Order(request.channel, now, until, tariff.version)
    ordered = replace(customer, state=outcome.state, order=order, lapsed_at=None)
    return Decision(
        ordered,
        (("offer_again" if late else "offer", policy.offer_params(customer, request.language)),),
        audit=(policy.audit(customer, event, outcome, request, tariff=tariff.version),),
        timers=(timer(ORDER_EXPIRY, customer, until),),
    )


def confirm(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """The yes to an open order: the service runs at once, at the price that was shown."""
    waiting = customer.order
    event = SubscriptionEvent.CONFIRM
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or waiting is None:
        return policy.refused(customer, outcome.reason or "no_order", request)
    province = policy.service_area(customer).province
    if province is None:
        # The rules changed between offer and yes: nothing may be opened on the old ones.
        refusal = policy.ineligibility(customer, request.channel, request.language)
        return Decision(customer, (refusal,) if refusal else ())
    if province.tariff(waiting.tariff) is None:
        # The price that was shown is no more, and the yes was to that one.
        return (
            ask_trial_renewal(policy, customer, request)
            if customer.trial
            else order(policy, customer, request, late=True)
        )
    now = policy.now()
    opened = _opened(policy, customer, outcome.state, waiting, request, now)
    timers = (timer(TRIAL, opened, trial_renewal_at(policy, opened)),) if opened.trial else ()
    # The second yes of a trial leaves the fee to the day it was promised for.
    if opened.charged_from and opened.charged_from > now and not opened.trial:
        timers = (timer(FEE, opened, opened.charged_from),)
    return Decision(
        opened,
        (("opened", policy.template_params(opened, request.language)),),
        charges=policy.monthly_fee(opened, now, "opened"),
        audit=(policy.audit(customer, event, outcome, request, tariff=waiting.tariff),),
        timers=timers,
        cancelled_timers=tuple(timer(kind, customer) for kind in (ORDER_EXPIRY, END)),
    )


def _opened(
    policy: SubscriptionPolicy,
    customer: Subscription,
    state: SubscriptionState,
    order: Order,
    request: CustomerRequest,
    now: dt.datetime,
) -> Subscription:
    """The customer after the yes: new, carrying on after a cancel, or out of the trial."""
    carries_on = is_active(customer, now)
    tariff = policy.tariff(policy.province(customer), order.tariff)
    trial = tariff.trial_days > 0 and policy.trial_available(customer)
    begins = first_charge_at(tariff, now) if trial else now
    if carries_on and customer.charged_from is not None:
        begins = customer.charged_from
    return replace(
        customer,
        state=state,
        order=None,
        lapsed_at=None,
        ends_at=None,
        opened_at=customer.opened_at if carries_on else now,
        charged_from=begins,
        months_not_served=customer.months_not_served if carries_on else (),
        # A yes beside a running service carries it on: a trial has then had its second yes.
        trial=trial,
        trial_used=customer.trial_used or trial,
        channel=request.channel,
        tariff=tariff.version,
        language=customer.language or request.language,
    )


def trial_renewal_at(policy: SubscriptionPolicy, customer: Subscription) -> dt.datetime:
    """When a trial asks whether it may go on: early enough for the whole window to pass."""
    ends = customer.charged_from or policy.now()
    return ends - policy.province(customer).window


def ask_trial_renewal(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """A trial nears its end: nothing is charged after it without a second yes."""
    event = SubscriptionEvent.RENEW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    promised, province = customer.charged_from, policy.service_area(customer).province
    if outcome.reason is not None or not customer.trial or promised is None or province is None:
        return Decision(customer)
    # A question that comes late still leaves the whole window; the trial is then the longer.
    ends = max(promised, policy.now() + province.window - _RENEWAL_TOLERANCE)
    tariff = tariff_on(province, ends)
    order = Order(request.channel, policy.now(), ends, tariff.version)
    asking = replace(customer, order=order, charged_from=ends)
    # The price from then on, without the trial that is over.
    price = policy.template_params(replace(asking, trial=False), request.language)
    params = price | {"from": day(ends, request.language)}
    return Decision(
        asking,
        (("trial_ends", params),),
        audit=(policy.audit(customer, event, outcome, request, tariff=tariff.version),),
        timers=(timer(ORDER_EXPIRY, customer, ends),),
    )


def charge_first_fee(policy: SubscriptionPolicy, customer: Subscription) -> Decision:
    """The first charge date has come, or has just passed: its month is charged."""
    first = customer.charged_from
    if first is None:
        return Decision(customer)
    charges = policy.monthly_fee(customer, policy.now(), "first charge date", month_of(first))
    return Decision(customer, charges=charges)


def order_and_confirm(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Order and yes in one breath, for a door where the price was heard just before."""
    ordered = order(policy, customer, request)
    if ordered.customer == customer:
        return ordered
    confirmed = confirm(policy, ordered.customer, request)
    both = replace(ordered, messages=(), timers=()).then(confirmed)
    return replace(both, customer=confirmed.customer)


def decline(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """An answer that was not yes: the order ends, and the customer is told."""
    return _end_order(policy, customer, SubscriptionEvent.DECLINE, request)


def expire_order(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """No answer within the window: the order ends, and the customer is told."""
    return _end_order(policy, customer, SubscriptionEvent.LAPSE, request)


def _end_order(
    policy: SubscriptionPolicy,
    customer: Subscription,
    event: SubscriptionEvent,
    request: CustomerRequest,
) -> Decision:
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None or customer.order is None:
        return Decision(customer)
    lapsed = policy.now() if event is SubscriptionEvent.LAPSE else None
    ended = replace(customer, state=outcome.state, order=None, lapsed_at=lapsed)
    timers: tuple[Timer, ...] = ()
    key = f"order_{event}"
    if customer.trial:
        # What was offered was to go on after the trial; the trial itself runs to its end.
        ended = replace(ended, ends_at=customer.charged_from, trial=False, charged_from=None)
        timers = (timer(END, customer, customer.charged_from),)
        key = f"trial_{event}"
    if ended.state not in HOLDING:
        ended, timers = replace(ended, ends_at=None), ()
    return Decision(
        ended,
        ((key, policy.template_params(ended, request.language)),),
        audit=(policy.audit(customer, event, outcome, request, tariff=customer.order.tariff),),
        timers=timers,
        cancelled_timers=(timer(ORDER_EXPIRY, customer),),
    )
