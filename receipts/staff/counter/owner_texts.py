"""Texts to a number after an act at a counter."""

from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification, is_notifiable
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language
from receipts.ports.changes import ChangeSet
from receipts.ports.store import Store
from receipts.subscriptions.decision import Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.notice_text import notices


@dataclass(frozen=True, slots=True)
class OwnerTexts:
    """Adds to a change the text that tells the owner of it."""

    store: Store
    policy: SubscriptionPolicy
    delivery: ReceiptLifecycle

    def added(
        self,
        change: ChangeSet,
        before: Subscription,
        decision: Decision,
        shop: str,
        language: Language,
        *,
        by_text: bool,
    ) -> ChangeSet:
        """The change with a text to the number: what was done, or with ``by_text`` the offer."""
        if decision.customer == before or not decision.messages:
            return change
        (key, params) = decision.messages[0]
        facts = self.policy.channel_params(decision.customer, language, Channel.COUNTER)
        params = facts | params | {"shop": shop}
        if by_text and decision.customer.order is not None:
            name = "notice.counter_offer"
        elif is_notifiable(key):
            name = "notice.counter"
            params["acts"] = notices().render(f"act.{key}", language, **params)
        else:
            return change
        text = notices().render_text(name, language, **params)
        about = change.idempotency_key or ""
        sent = build_notification(self.store, self.delivery, before.number, about, text, language)
        return replace(change, records=(*change.records, sent), outbox=(*change.outbox, sent.id))
