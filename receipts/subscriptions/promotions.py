"""Consent to the operator's messages, the same through every door: given, changed, withdrawn."""

from msgspec.structs import replace

from receipts.model.charge import Audit
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Informing, Wish
from receipts.ports.clock import Clock
from receipts.subscriptions.decision import Asked, Step
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotion_texts import agreed
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent

#: What each wish asks for; doors call their acts by the same words.
WISHES: dict[str, Informing] = {
    Wish.NEWS.value: Informing.NEWS,
    Wish.PUBLIC_INTEREST.value: Informing.PUBLIC_INTEREST,
    Wish.ADVERTISING.value: Informing.ADVERTISING,
    Wish.NO_MESSAGES.value: Informing.NONE,
}


class Messages:
    """Decides about one customer's consent; pure."""

    def __init__(self, policy: SubscriptionPolicy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock

    def choose(self, kind: Informing, customer: Subscription, asked: Asked) -> Step:
        """From now on receipts carry messages of this kind alone, or none.

        It is kept in the chain of consent with what the customer was told: the kind, that it costs
        nothing, and how to stop it.
        """
        event = SubscriptionEvent.CONSENT if kind is not Informing.NONE else _WITHDRAW
        outcome = SUBSCRIPTION.fire(customer.state, event)
        facts = self._policy.template_params(customer, asked.language) | {
            "stop": self._stop(customer)
        }
        if outcome.reason is not None:
            return Step(customer, ((outcome.reason, facts),))
        told = ((f"messages_{kind}", facts),)
        if agreed(customer) is kind:
            return Step(customer, told)
        now = self._clock.now()
        entry = Audit(
            now,
            customer.number,
            asked.door.value,
            asked.event,
            customer.state.value,
            outcome.state.value,
            heard=asked.heard,
            clerk=asked.clerk,
            act=f"{event}_{kind}" if event is not _WITHDRAW else event.value,
        )
        return Step(replace(customer, informing=kind, informing_since=now), told, audit=(entry,))

    def _stop(self, customer: Subscription) -> str:
        """The word that stops messages where this customer is at home."""
        province = self._policy.service_area(customer).province
        words = self._policy.book.words
        for listed in (province.words if province else {}, words.code, words.zh):
            if listed.get(Wish.NO_MESSAGES):
                return listed[Wish.NO_MESSAGES][0]
        return ""


_WITHDRAW = SubscriptionEvent.WITHDRAW
