"""Actions that every channel offers under the same names."""

from collections.abc import Callable
from functools import partial

from receipts.model.customer import Subscription
from receipts.model.vocabulary import DisplayMode, Intent, Language
from receipts.subscriptions import cancellation, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import CATEGORY_BY_ACTION, choose_promotions

#: What an action does to a subscription, for a customer's request.
Action = Callable[[Subscription, CustomerRequest], Decision]

#: Language that each action chooses.
LANGUAGE_BY_ACTION = {Intent.CHINESE.value: Language.ZH, Intent.ENGLISH.value: Language.EN}

_MODE_BY_ACTION = {Intent.ORDINARY.value: DisplayMode.TEXT, Intent.FLASH.value: DisplayMode.FLASH}


def shared_actions(policy: SubscriptionPolicy) -> dict[str, Action]:
    """Cancel, the display modes, the languages and the consent to promotions, by name."""
    set_mode = partial(preferences.set_mode, policy)
    set_language = partial(preferences.set_language, policy)
    choose = partial(choose_promotions, policy)
    return {
        Intent.CANCEL.value: partial(cancellation.cancel, policy),
        **{action: partial(set_mode, mode) for action, mode in _MODE_BY_ACTION.items()},
        **{action: partial(set_language, lang) for action, lang in LANGUAGE_BY_ACTION.items()},
        **{action: partial(choose, kind) for action, kind in CATEGORY_BY_ACTION.items()},
    }
