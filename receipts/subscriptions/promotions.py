"""Consent to the operator's messages, the same through every door: given, changed, withdrawn."""

from msgspec.structs import replace

from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Intent, PromotionCategory
from receipts.ports.clock import Clock
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotion_texts import consented_categories
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent

#: What each wish asks for; doors call their acts by the same words.
WISHES: dict[str, PromotionCategory] = {
    Intent.NEWS.value: PromotionCategory.NEWS,
    Intent.PUBLIC_INTEREST.value: PromotionCategory.PUBLIC_INTEREST,
    Intent.ADVERTISING.value: PromotionCategory.ADVERTISING,
    Intent.NO_MESSAGES.value: PromotionCategory.NONE,
}


class PromotionConsent:
    """Decides about one customer's consent; pure."""

    def __init__(self, policy: SubscriptionPolicy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock

    def choose(
        self, kind: PromotionCategory, customer: Subscription, request: CustomerRequest
    ) -> Decision:
        """From now on receipts carry messages of this kind alone, or none.

        It is kept in the chain of consent with what the customer was told: the kind, that it costs
        nothing, and how to stop it.
        """
        event = SubscriptionEvent.CONSENT if kind is not PromotionCategory.NONE else _WITHDRAW
        outcome = SUBSCRIPTION.fire(customer.state, event)
        params = self._policy.template_params(customer, request.language) | {
            "stop": self._stop(customer)
        }
        if outcome.reason is not None:
            return Decision(customer, ((outcome.reason, params),))
        message = ((f"messages_{kind}", params),)
        if consented_categories(customer) is kind:
            return Decision(customer, message)
        now = self._clock.now()
        entry = AuditEntry(
            now,
            customer.number,
            request.channel.value,
            request.event,
            customer.state.value,
            outcome.state.value,
            reply_text=request.reply_text,
            clerk=request.clerk,
            action=f"{event}_{kind}" if event is not _WITHDRAW else event.value,
        )
        return Decision(
            replace(customer, promotions=kind, promotions_since=now), message, audit=(entry,)
        )

    def _stop(self, customer: Subscription) -> str:
        """The word that stops messages where this customer is at home."""
        province = self._policy.service_area(customer).province
        words = self._policy.book.words
        for listed in (province.words if province else {}, words.code, words.zh):
            if listed.get(Intent.NO_MESSAGES):
                return listed[Intent.NO_MESSAGES][0]
        return ""


_WITHDRAW = SubscriptionEvent.WITHDRAW
