"""Consent to the operator's messages, the same through every door: given, changed, withdrawn."""

from msgspec.structs import replace

from receipts.messages import agreed
from receipts.model import Audit, Informing, Subscription, Wish
from receipts.ports import Clock
from receipts.subscriptions import Asked, Step, Subscriptions
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

    def __init__(self, subscriptions: Subscriptions, clock: Clock) -> None:
        self._business, self._clock = subscriptions, clock

    def choose(self, kind: Informing, customer: Subscription, asked: Asked) -> Step:
        """From now on receipts carry messages of this kind alone, or none.

        It is kept in the chain of consent with what the customer was told: the kind, that it costs
        nothing, and how to stop it.
        """
        event = SubscriptionEvent.CONSENT if kind is not Informing.NONE else _WITHDRAW
        outcome = SUBSCRIPTION.fire(customer.state, event)
        facts = self._business.facts(customer, asked.language) | {"stop": self._stop(customer)}
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
        province = self._business.place(customer).province
        words = self._business.book.words
        for listed in (province.words if province else {}, words.code, words.zh):
            if listed.get(Wish.NO_MESSAGES):
                return listed[Wish.NO_MESSAGES][0]
        return ""


_WITHDRAW = SubscriptionEvent.WITHDRAW
