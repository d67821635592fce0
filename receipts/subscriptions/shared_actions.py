"""Actions that every channel offers under the same names, and those that pages offer by form."""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Intent, Language
from receipts.subscriptions import cancellation, ordering, preferences
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


def order_by_form(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest
) -> Decision:
    """An order that waits for confirmation, in the language in which it was offered."""
    decision = ordering.order(policy, customer, request)
    if decision.customer == customer or customer.language:
        return decision
    # An expired order is reported in the language in which it was made.
    return replace(decision, customer=replace(decision.customer, language=request.language))


def confirm_offer(
    policy: SubscriptionPolicy, customer: Subscription, request: CustomerRequest, offer: str
) -> Decision:
    """Confirm the offer that the form names; an outdated one is replaced by a new offer."""
    pending = customer.order
    if pending is None or offer != offer_id(customer) or pending.expires_at <= policy.now():
        return ordering.order(policy, customer, request, late=True)
    return ordering.confirm(policy, customer, request)


def choose_province(
    policy: SubscriptionPolicy, customer: Subscription, _: CustomerRequest, code: str
) -> Decision:
    """Set an unknown province; a known one stays, because it decides the tariff."""
    known = policy.service_area(customer).number_info.province is not None
    if known or code not in policy.book.provinces:
        return Decision(customer)
    return preferences.set_province(customer, code)


def offer_params(
    policy: SubscriptionPolicy, customer: Subscription, channel: Channel, language: Language
) -> dict[str, str] | None:
    """Template parameters and id of the offer; None for an ineligible customer."""
    if policy.ineligibility(customer, channel, language) is not None:
        return None
    return policy.offer_params(customer, language) | {"id": offer_id(customer)}


def offer_id(customer: Subscription) -> str:
    """The identifier of a pending offer, sent with its confirmation."""
    return customer.order.made_at.isoformat() if customer.order else ""
