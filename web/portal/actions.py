"""Portal actions: a submitted form to a subscription change and its reply."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification, is_notifiable
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import ordering
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import CATEGORY_BY_ACTION
from receipts.subscriptions.shared_actions import (
    LANGUAGE_BY_ACTION,
    Action,
    choose_province,
    confirm_offer,
    offer_params,
    order_by_form,
    shared_actions,
)
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from receipts.wording.separators import SPACE

#: Actions that lead to the confirmation page while an order is pending.
_ORDERING = frozenset({"open", "yes"})

#: Actions with a button, shown where they would change the subscription.
_BUTTONS = ("open", "cancel", "ordinary", "flash", *CATEGORY_BY_ACTION)


class ActionRequest(Struct, frozen=True):
    """One submitted form: the action, its argument and the form's nonce."""

    number: Msisdn
    action: str
    argument: str
    nonce: str
    language: Language

    @property
    def idempotency_key(self) -> str:
        """The idempotency key of the form."""
        return idempotency_key(self.number, self.nonce)


def idempotency_key(number: Msisdn, nonce: str) -> str:
    """The key of a form; a nonce counts only for the number it was submitted with."""
    return f"web:{number.digits}:{nonce}"


class ActionHandler:
    """Run portal actions on subscriptions; ``run`` raises StoreUnavailableError."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        delivery: ReceiptLifecycle,
        catalogue: Catalogue,
    ) -> None:
        self._store, self._policy = store, policy
        self._delivery, self._catalogue = delivery, catalogue
        self._actions: dict[str, Action] = {
            **shared_actions(policy),
            "open": partial(order_by_form, policy),
            "no": partial(ordering.decline, policy),
        }
        self._with_argument: dict[str, Callable[[Subscription, CustomerRequest, str], Decision]] = {
            "yes": partial(confirm_offer, policy),
            "province": partial(choose_province, policy),
        }

    @property
    def names(self) -> frozenset[str]:
        """The names of all actions."""
        return frozenset(self._actions) | frozenset(self._with_argument)

    def available(self, customer: Subscription, language: Language) -> frozenset[str]:
        """The actions that would change the subscription now."""
        request = CustomerRequest(Channel.WEB, language, "")
        decisions = {action: self._actions[action](customer, request) for action in _BUTTONS}
        return frozenset(name for name, each in decisions.items() if each.customer != customer)

    def run(self, form: ActionRequest) -> Reply:
        """The reply, the first one for a repeated form; ``next`` names the page to confirm on."""
        return run_in_transaction(
            self._store, form.number, lambda held: self._decide(held, form), form.idempotency_key
        )

    def _decide(self, snapshot: Snapshot, form: ActionRequest) -> ChangeSet:
        customer = snapshot.subscription
        language = LANGUAGE_BY_ACTION.get(form.action, form.language)
        # The consent record keeps the offer that the page showed before the yes.
        offer = self.offer(customer, language) if form.action == "yes" else ""
        request = CustomerRequest(
            Channel.WEB, language, form.idempotency_key, form.action, shown_text=offer
        )
        if action := self._with_argument.get(form.action):
            decision = action(customer, request, form.argument)
        else:
            decision = self._actions[form.action](customer, request)
        is_pending = form.action in _ORDERING and decision.customer.order is not None
        reply = Reply(decision.messages, language.value, "confirm" if is_pending else "")
        text = self.text(decision.messages, language)
        change = decision.change_set(customer, form.idempotency_key, reply, text)
        return self._with_notification(change, form, reply)

    def _with_notification(self, change: ChangeSet, form: ActionRequest, reply: Reply) -> ChangeSet:
        """The change with a text to the phone, so that its owner learns of it."""
        acts = [(key, params) for key, params in reply.messages if is_notifiable(key)]
        if not acts or not change.records:
            return change
        (key, params), language = acts[0], Language(reply.language)
        act = notices().render(f"act.{key}", language, **params)
        text = notices().render_text("notice.web", language, **(params | {"acts": act}))
        sent = build_notification(
            self._store, self._delivery, form.number, form.idempotency_key, text, language
        )
        return replace(change, records=(*change.records, sent), outbox=(*change.outbox, sent.id))

    def text(self, messages: tuple[Message, ...], language: Language) -> str:
        """The messages of a reply as one text."""
        render = self._catalogue.render
        text = (render(f"said.{key}", language, **params) for key, params in messages)
        return SPACE[language].join(text)

    def offer_params(self, customer: Subscription, language: Language) -> dict[str, str] | None:
        """Template parameters and ID of the offer; None for an ineligible customer."""
        return offer_params(self._policy, customer, Channel.WEB, language)

    def offer(self, customer: Subscription, language: Language) -> str:
        """The text of the offer; empty for an ineligible customer."""
        params = self.offer_params(customer, language)
        return self._catalogue.render("said.offer", language, **params) if params else ""
