"""What a customer chooses, asks or tells, and what others tell of its number."""

import datetime as dt

from msgspec.structs import replace

from receipts.charging.tariffs import yuan
from receipts.model.customer import Question, Subscription, Topic
from receipts.model.vocabulary import Language, Mode, Network
from receipts.numbering.plan import Home
from receipts.subscriptions import cancellation
from receipts.subscriptions.decision import Asked, Step
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING, SUBSCRIPTION, SubscriptionEvent

#: How long a number answers a question of ours; after that it is just a number.
ANSWERED_WITHIN = dt.timedelta(minutes=30)


def set_mode(policy: SubscriptionPolicy, customer: Subscription, mode: Mode, asked: Asked) -> Step:
    """Receipts over the screen, or filed in the inbox."""
    event = SubscriptionEvent.SET_MODE
    outcome = SUBSCRIPTION.fire(customer.state, event)
    if outcome.reason is not None:
        return policy.refused(customer, outcome.reason, asked)
    same = customer.mode is mode
    return Step(
        replace(customer, mode=mode),
        (
            (
                f"{'still' if same else 'now'}_{mode}",
                policy.template_params(customer, asked.language),
            ),
        ),
        audit=() if same else (policy.audit(customer, event, outcome, asked),),
    )


def set_language(policy: SubscriptionPolicy, customer: Subscription, language: Language) -> Step:
    """The language of all that we say from now on."""
    return Step(
        replace(customer, language=language),
        (("language_set", policy.template_params(customer, language)),),
    )


def ask(policy: SubscriptionPolicy, customer: Subscription, asked: Asked, spent_fen: int) -> Step:
    """State, mode, price and what this month has cost so far, as they are."""
    if customer.state not in HOLDING:
        refusal = policy.ineligibility(customer, asked.door, asked.language)
        if refusal is not None:
            return Step(customer, (refusal,))
    facts = policy.template_params(customer, asked.language)
    facts["spent"] = spent_words(spent_fen, asked.language)
    return Step(customer, ((f"state_{customer.state.value}", facts),))


def list_all(policy: SubscriptionPolicy, customer: Subscription, asked: Asked) -> Step:
    """The monthly services held here, each with the number that cancels it."""
    if customer.state not in HOLDING:
        return Step(customer, (("list_none", policy.template_params(customer, asked.language)),))
    question = Question(Topic.LIST, policy.now() + ANSWERED_WITHIN)
    return Step(
        replace(customer, question=question),
        (("list_all", policy.template_params(customer, asked.language)),),
    )


def ask_province(policy: SubscriptionPolicy, customer: Subscription, language: Language) -> Step:
    """No tariff is guessed: the customer is asked where the number is at home."""
    listed = "，" if language is Language.ZH else ", "
    choices = listed.join(
        f"{place} {province.names.in_(language)}"
        for place, province in enumerate(policy.book.provinces.values(), start=1)
    )
    question = Question(Topic.PROVINCE, policy.now() + ANSWERED_WITHIN)
    return Step(replace(customer, question=question), (("which_province", {"choices": choices}),))


def says_province(customer: Subscription, code: str) -> Step:
    """The customer told the home province of a number that no source knows."""
    return Step(replace(customer, province=code, source="asked", question=None))


def recorded(policy: SubscriptionPolicy, customer: Subscription, home: Home, asked: Asked) -> Step:
    """What the operator's list says of a number; one that left the network loses the service.

    A list that names no province says nothing of it: what was known stays, with its source.
    """
    on_net = home.network is Network.CHINA_MOBILE
    step = Step(customer) if on_net else cancellation.port_out(policy, customer, asked)
    speaks = home.province is not None or customer.province is None
    known = replace(
        step.customer,
        network=home.network,
        province=home.province or customer.province,
        source=home.source if speaks else customer.source,
        looked_up_at=None,
    )
    return replace(step, customer=known)


def looked_up(policy: SubscriptionPolicy, customer: Subscription, network: Network | None) -> Step:
    """What somebody outside said of a number's network; not to know is never to be off-net."""
    source = customer.source if customer.province else "lookup"
    now = policy.now()
    return Step(replace(customer, network=network, source=source, looked_up_at=now))


def spent_words(fen: int, language: Language) -> str:
    """What a month has cost so far; nothing is an amount here, not a gift."""
    if fen:
        return yuan(language, fen)
    return "0元" if language is Language.ZH else "0 yuan"
