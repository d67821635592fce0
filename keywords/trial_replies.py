"""Replies to trial people: each says that it is a trial, and is sent abroad too."""

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language
from receipts.numbering.msisdn import is_chinese_mobile
from receipts.ports.changes import Reply
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING


def trial_reply(
    policy: SubscriptionPolicy,
    customer: Subscription,
    messages: tuple[Message, ...],
    language: Language,
) -> Reply:
    """The reply of these messages, to a trial person with the note that it is a trial."""
    is_marked = messages and policy.is_trial_person(customer.number)
    note: tuple[Message, ...] = (("trial_note", {}),) if is_marked else ()
    return Reply(messages + note, language.value)


def has_phone(policy: SubscriptionPolicy, customer: Subscription) -> bool:
    """Whether a number shows texts, and is not a landline that gets one reply a month."""
    is_ours = customer.state in HOLDING or policy.is_trial_person(customer.number)
    return is_ours or is_chinese_mobile(customer.number)
