"""What a customer chooses, asks or tells, and what others tell of its number."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.tariffs import yuan
from receipts.model.customer import PendingQuestion, QuestionTopic, Subscription
from receipts.model.vocabulary import DisplayMode, Language, Network
from receipts.numbering.plan import NumberInfo
from receipts.subscriptions import cancellation
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING, SUBSCRIPTION, SubscriptionEvent

#: How long a number answers a question of ours; after that it is just a number.
QUESTION_LIFETIME = dt.timedelta(minutes=30)


def set_mode(
    policy: SubscriptionPolicy, customer: Subscription, mode: DisplayMode, request: CustomerRequest
) -> Decision:
    """Receipts over the screen, or filed in the inbox."""
    event = SubscriptionEvent.SET_MODE
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, request)
    same = customer.mode is mode
    return Decision(
        replace(customer, mode=mode),
        (
            (
                f"{'still' if same else 'now'}_{mode}",
                policy.template_params(customer, request.language),
            ),
        ),
        audit=() if same else (policy.audit(customer, event, outcome, request),),
    )


def set_language(
    policy: SubscriptionPolicy, customer: Subscription, language: Language
) -> Decision:
    """The language of all that we say from now on."""
    return Decision(
        replace(customer, language=language),
        (("language_set", policy.template_params(customer, language)),),
    )


def account_status(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest, spent_fen: int
) -> Decision:
    """State, mode, price and what this month has cost so far, as they are."""
    if customer.state not in HOLDING:
        refusal = policy.ineligibility(customer, request.channel, request.language)
        if refusal is not None:
            return Decision(customer, (refusal,))
    params = policy.template_params(customer, request.language)
    params["spent"] = format_spent(spent_fen, request.language)
    return Decision(customer, ((f"state_{customer.state.value}", params),))


def list_all(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """The monthly services held here, each with the number that cancels it."""
    if customer.state not in HOLDING:
        return Decision(
            customer, (("list_none", policy.template_params(customer, request.language)),)
        )
    question = PendingQuestion(QuestionTopic.LIST, policy.now() + QUESTION_LIFETIME)
    return Decision(
        replace(customer, question=question),
        (("list_all", policy.template_params(customer, request.language)),),
    )


def ask_province(
    policy: SubscriptionPolicy, customer: Subscription, language: Language
) -> Decision:
    """No tariff is guessed: the customer is asked where the number is at home."""
    listed = "，" if language is Language.ZH else ", "
    choices = listed.join(
        f"{index} {province.names.in_(language)}"
        for index, province in enumerate(policy.book.provinces.values(), start=1)
    )
    question = PendingQuestion(QuestionTopic.PROVINCE, policy.now() + QUESTION_LIFETIME)
    return Decision(
        replace(customer, question=question), (("which_province", {"choices": choices}),)
    )


def set_province(customer: Subscription, code: str) -> Decision:
    """The customer told the home province of a number that no source knows."""
    return Decision(replace(customer, province=code, source="asked", question=None))


def apply_customer_record(
    policy: SubscriptionPolicy, customer: Subscription, home: NumberInfo, request: CustomerRequest
) -> Decision:
    """What the operator's list says of a number; one that left the network loses the service.

    A list that names no province says nothing of it: what was known stays, with its source.
    """
    on_net = home.network is Network.CHINA_MOBILE
    step = Decision(customer) if on_net else cancellation.port_out(policy, customer, request)
    speaks = home.province is not None or customer.province is None
    known = replace(
        step.customer,
        network=home.network,
        province=home.province or customer.province,
        source=home.source if speaks else customer.source,
        looked_up_at=None,
    )
    return replace(step, customer=known)


def apply_lookup(
    policy: SubscriptionPolicy, customer: Subscription, network: Network | None
) -> Decision:
    """What somebody outside said of a number's network; not to know is never to be off-net."""
    source = customer.source if customer.province else "lookup"
    now = policy.now()
    return Decision(replace(customer, network=network, source=source, looked_up_at=now))


def format_spent(fen: int, language: Language) -> str:
    """What a month has cost so far; nothing is an amount here, not a gift."""
    if fen:
        return yuan(language, fen)
    return "0元" if language is Language.ZH else "0 yuan"
