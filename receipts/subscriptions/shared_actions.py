"""Actions that every channel offers under the same names."""

from collections.abc import Callable
from functools import partial

from receipts.model.customer import Subscription
from receipts.model.vocabulary import DisplayMode, Intent, Language
from receipts.ports.clock import Clock
from receipts.subscriptions import cancellation, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import CATEGORY_BY_ACTION, PromotionConsent

#: What an action does to a subscription, for a customer's request.
Action = Callable[[Subscription, CustomerRequest], Decision]

#: Language that each action chooses.
LANGUAGE_BY_ACTION = {Intent.CHINESE.value: Language.ZH, Intent.ENGLISH.value: Language.EN}

_MODE_BY_ACTION = {
    Intent.ORDINARY.value: DisplayMode.TEXT,
    Intent.FLASH.value: DisplayMode.FLASH,
}


def shared_actions(policy: SubscriptionPolicy, clock: Clock) -> dict[str, Action]:
    """Cancel, the display modes, the languages and the consent to promotions, by name."""
    consent = PromotionConsent(policy, clock)

    def set_mode(mode: DisplayMode, customer: Subscription, request: CustomerRequest) -> Decision:
        return preferences.set_mode(policy, customer, mode, request)

    def set_language(language: Language, customer: Subscription, _: CustomerRequest) -> Decision:
        return preferences.set_language(policy, customer, language)

    return {
        Intent.CANCEL.value: partial(cancellation.cancel, policy),
        **{action: partial(set_mode, mode) for action, mode in _MODE_BY_ACTION.items()},
        **{action: partial(set_language, lang) for action, lang in LANGUAGE_BY_ACTION.items()},
        **{action: partial(consent.choose, kind) for action, kind in CATEGORY_BY_ACTION.items()},
    }
