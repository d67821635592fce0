"""Preferences and account data of a customer: mode, language, status, province, network."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.tariffs import yuan
from receipts.model.customer import PendingQuestion, QuestionTopic, Subscription
from receipts.model.vocabulary import DisplayMode, Language, Network
from receipts.numbering.plan import NumberInfo
from receipts.subscriptions import cancellation
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.separators import COMMA
from statemachines.subscription import (
    HOLDING,
    SUBSCRIPTION,
    SubscriptionEvent,
    SubscriptionState,
)

#: How long a texted number counts as the answer to a list.
QUESTION_LIFETIME = dt.timedelta(minutes=30)


def set_mode(
    policy: SubscriptionPolicy, mode: DisplayMode, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Show receipts as flash messages, or as ordinary texts."""
    event = SubscriptionEvent.SET_MODE
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    same = customer.mode is mode
    key = f"{'still' if same else 'now'}_{mode}"
    return Decision(
        replace(customer, mode=mode),
        ((key, policy.template_params(customer, request.language)),),
        audit=() if same else (policy.audit(customer, event, outcome, request),),
    )


def set_language(
    policy: SubscriptionPolicy, language: Language, customer: Subscription, _: CustomerRequest
) -> Decision:
    """Language of all later texts to the customer."""
    params = policy.template_params(customer, language)
    return Decision(replace(customer, language=language), (("language_set", params),))


def account_status(
    policy: SubscriptionPolicy,
    account: AccountQueries,
    customer: Subscription,
    request: CustomerRequest,
) -> Decision:
    """State, mode, price, and the cost of this month so far."""
    if customer.state not in HOLDING:
        refusal = policy.ineligibility(customer, request.channel, request.language)
        if refusal is not None:
            return Decision(customer, (refusal,))
    if policy.has_left_trial(customer):
        return policy.refused(customer, "trial_over", request)
    params = policy.template_params(customer, request.language)
    sums = account.month_sums(customer, request)
    params["spent"] = format_spent(sums.fen, request.language)
    return Decision(customer, ((f"state_{customer.state.value}", params),))


def list_all(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Active monthly services, each with the digit that cancels it."""
    if customer.state not in HOLDING:
        return policy.refused(customer, "list_none", request)
    question = PendingQuestion(QuestionTopic.LIST, policy.now() + QUESTION_LIFETIME)
    params = policy.template_params(customer, request.language)
    return Decision(replace(customer, question=question), (("list_all", params),))


def ask_cancellation(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Ask whether to cancel, where a text may mean it; a lone order is declined at once."""
    outcome = SUBSCRIPTION.fire(customer.state, SubscriptionEvent.CANCEL_AT_MONTH_END)
    if outcome.reason is not None or customer.state is SubscriptionState.PENDING:
        return cancellation.cancel(policy, customer, request)
    return _asked(policy, customer, request, QuestionTopic.CANCEL, "cancel_ask")


def ask_stop(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """Ask whether the service or only the advertisements are to stop."""
    return _asked(policy, customer, request, QuestionTopic.STOP, "ask_stop")


def _asked(
    policy: SubscriptionPolicy,
    customer: Subscription,
    request: CustomerRequest,
    topic: QuestionTopic,
    key: str,
) -> Decision:
    question = PendingQuestion(topic, policy.now() + QUESTION_LIFETIME)
    params = policy.template_params(customer, request.language)
    return Decision(replace(customer, question=question), ((key, params),))


#: Replies to an answer without a question, by state; others have no subscription.
_UNASKED = {
    SubscriptionState.ACTIVE: "already_open",
    SubscriptionState.ENDING: "already_ending",
    SubscriptionState.SUSPENDED: "state_suspended",
}


def unasked(
    policy: SubscriptionPolicy, if_active: str, customer: Subscription, request: CustomerRequest
) -> Decision:
    """The state of the subscription, for an answer without a question; nothing changes."""
    key = _UNASKED.get(customer.state, "nothing_waits")
    return policy.refused(customer, if_active if key == "already_open" else key, request)


def ask_province(
    policy: SubscriptionPolicy, customer: Subscription, language: Language
) -> Decision:
    """Ask for the home province by a numbered list, because a tariff is never guessed."""
    choices = COMMA[language].join(
        f"{index} {province.names.in_(language)}"
        for index, province in enumerate(policy.book.provinces.values(), start=1)
    )
    question = PendingQuestion(QuestionTopic.PROVINCE, policy.now() + QUESTION_LIFETIME)
    message = ("which_province", {"choices": choices})
    return Decision(replace(customer, question=question), (message,))


def set_province(customer: Subscription, code: str) -> Decision:
    """Home province as the customer reports it, for a number that no other source has."""
    return Decision(replace(customer, province=code, source="asked", question=None))


def apply_customer_record(
    policy: SubscriptionPolicy, customer: Subscription, home: NumberInfo, request: CustomerRequest
) -> Decision:
    """Apply the operator's record of a number; off-net ends the service, no province keeps ours."""
    step = Decision(customer)
    leaves = home.network is not Network.CHINA_MOBILE
    if leaves and not policy.is_trial_person(customer.number):
        event = SubscriptionEvent.PORT_OUT
        has_service = customer.state is not SubscriptionState.PENDING
        key = "ported_out" if has_service else "ported_out_order"
        step = cancellation.end_now(policy, customer, event, key, request)
    from_record = home.province is not None or customer.province is None
    updated = replace(
        step.customer,
        network=home.network,
        province=home.province or customer.province,
        source=home.source if from_record else customer.source,
        looked_up_at=None,
    )
    return replace(step, customer=updated)


def apply_lookup(
    policy: SubscriptionPolicy, customer: Subscription, network: Network | None
) -> Decision:
    """Record the result of a network lookup; None is unknown, not off-net."""
    source = customer.source if customer.province else "lookup"
    now = policy.now()
    return Decision(replace(customer, network=network, source=source, looked_up_at=now))


def format_spent(fen: int, language: Language) -> str:
    """Amount in yuan; zero is "0 yuan", while a price of zero reads "free"."""
    if fen:
        return yuan(language, fen)
    return "0元" if language is Language.ZH else "0 yuan"
