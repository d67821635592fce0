"""Double opt-in: offer, confirmation, decline and expiry; also the renewal of a trial."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.charges import is_active
from receipts.charging.tariffs import tariff_on
from receipts.charging.terms import OpeningTerms, keeps_promise
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

#: Delay of a renewal question within which the promised charge date is kept.
_RENEWAL_TOLERANCE = dt.timedelta(hours=1)


def order(
    policy: SubscriptionPolicy,
    customer: Subscription,
    request: CustomerRequest,
    *,
    late: bool = False,
) -> Decision:
    """Offer the service with its price; only a confirmation opens it."""
    refusal = policy.ineligibility(customer, request.channel, request.language)
    if refusal is not None:
        return Decision(customer, (refusal,))
    event = SubscriptionEvent.CONFIRM_LATE if late else SubscriptionEvent.ORDER
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    if customer.unpaid:  # a service ended for unpaid fees reopens only when they are paid
        return policy.refused(customer, "owing", request)
    now, province = policy.now(), policy.province(customer)
    until = now + province.window
    terms = policy.opening_terms(customer)
    version = terms.tariff.version
    order = Order(request.channel, now, until, version, terms.promise)
    key = "offer_again" if late else "offer"
    # The sentence is about this order, not about one that it replaces.
    params = policy.offer_params(replace(customer, order=order), request.language)
    return Decision(
        replace(customer, state=outcome.state, order=order, lapsed_at=None),
        ((key, params),),
        audit=(policy.audit(customer, event, outcome, request, tariff=version),),
        timers=(timer(ORDER_EXPIRY, customer, until),),
    )


def confirm(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Open the service of a pending order at once, at the price that was offered."""
    pending = customer.order
    event = SubscriptionEvent.CONFIRM
    outcome = SUBSCRIPTION.fire(customer.state, event)
    # A fee of the earlier service may have failed since the offer.
    reason = outcome.reason or ("owing" if customer.unpaid else None)
    if reason is not None or pending is None:
        return policy.refused(customer, reason or "no_order", request)
    province = policy.service_area(customer).province
    if province is None:
        # The rules changed since the offer, so the old ones open no service.
        refusal = policy.ineligibility(customer, request.channel, request.language)
        return Decision(customer, (refusal,) if refusal else ())
    if province.tariff(pending.tariff) is None:
        # The offered tariff is gone, and the confirmation was for that one: offer again.
        if customer.trial:
            return ask_trial_renewal(policy, customer, request)
        return order(policy, customer, request, late=True)
    # The terms first: a first charge a moment after ``now`` would be left to a timer.
    terms, now = policy.opening_terms(customer, pending.tariff), policy.now()
    if not keeps_promise(pending.promise, terms, now):
        return order(policy, customer, request, late=True)
    opened = _opened(customer, outcome.state, terms, request, now)
    timers = (timer(TRIAL, opened, trial_renewal_at(policy, opened)),) if opened.trial else ()
    # After a trial the first fee is due on the day promised.
    if opened.charged_from and opened.charged_from > now and not opened.trial:
        timers = (timer(FEE, opened, opened.charged_from),)
    return Decision(
        opened,
        (("opened", policy.template_params(opened, request.language)),),
        charges=policy.monthly_fee(opened, now, "opened"),
        audit=(policy.audit(customer, event, outcome, request, tariff=pending.tariff),),
        timers=timers,
        cancelled_timers=(timer(ORDER_EXPIRY, customer), timer(END, customer)),
    )


def _opened(
    customer: Subscription,
    state: SubscriptionState,
    terms: OpeningTerms,
    request: CustomerRequest,
    now: dt.datetime,
) -> Subscription:
    """Customer after the confirmation: new, continued after a cancel, or past the trial."""
    continues = is_active(customer, now)
    return replace(
        customer,
        state=state,
        order=None,
        lapsed_at=None,
        ends_at=None,
        opened_at=customer.opened_at if continues else now,
        charged_from=terms.charged_from,
        months_not_served=customer.months_not_served if continues else (),
        trial=terms.trial,
        trial_used=customer.trial_used or terms.trial,
        trial_ends_at=None,
        channel=request.channel,
        tariff=terms.tariff.version,
        language=customer.language or request.language,
    )


def trial_renewal_at(policy: SubscriptionPolicy, customer: Subscription) -> dt.datetime:
    """Moment of the renewal question, one confirmation window before the trial ends."""
    return (customer.charged_from or policy.now()) - policy.province(customer).window


def ask_trial_renewal(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Offer to go on after a trial; without a second confirmation no fee is charged."""
    event = SubscriptionEvent.RENEW
    outcome = SUBSCRIPTION.fire(customer.state, event)
    promised, province = customer.charged_from, policy.service_area(customer).province
    if outcome.reason is not None or not customer.trial or promised is None or province is None:
        return Decision(customer)
    # A late question still gets the whole window and so prolongs the trial.
    ends = max(promised, policy.now() + province.window - _RENEWAL_TOLERANCE)
    tariff = tariff_on(province, ends)
    order = Order(request.channel, policy.now(), ends, tariff.version)
    offered = replace(customer, order=order, charged_from=ends)
    # With trial=False the price is the one after the trial.
    params = policy.template_params(replace(offered, trial=False), request.language)
    params["from"] = day(ends, request.language)
    return Decision(
        offered,
        (("trial_ends", params),),
        audit=(policy.audit(customer, event, outcome, request, tariff=tariff.version),),
        timers=(timer(ORDER_EXPIRY, customer, ends),),
    )


def charge_first_fee(policy: SubscriptionPolicy, customer: Subscription) -> Decision:
    """Charge the month of the first charge date, which is now or just past."""
    month = month_of(customer.charged_from) if customer.charged_from else None
    fee = policy.monthly_fee(customer, policy.now(), "first charge date", month)
    return Decision(customer, charges=fee)


def order_and_confirm(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Order and confirm in one step, for a call in which the price was just spoken."""
    ordered = order(policy, customer, request)
    if ordered.customer == customer:
        return ordered
    confirmed = confirm(policy, ordered.customer, request)
    return replace(ordered, messages=(), timers=()).then(confirmed)


def decline(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End the order after a reply other than a confirmation."""
    return _end_order(policy, customer, SubscriptionEvent.DECLINE, request)


def expire_order(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """End an order that was not confirmed within its window."""
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
    if customer.trial:
        # The offer was to go on after the trial; the trial itself runs to its end.
        ends = customer.charged_from
        ended = replace(ended, ends_at=ends, trial=False, trial_ends_at=ends, charged_from=None)
        timers = (timer(END, customer, customer.charged_from),)
    if ended.state not in HOLDING:
        ended, timers = replace(ended, ends_at=None), ()
    continues = "keep" if ended.state in HOLDING else "order"
    key = f"{'trial' if customer.trial else continues}_{event}"
    return Decision(
        ended,
        ((key, policy.template_params(ended, request.language)),),
        audit=(policy.audit(customer, event, outcome, request, tariff=customer.order.tariff),),
        timers=timers,
        cancelled_timers=(timer(ORDER_EXPIRY, customer),),
    )
