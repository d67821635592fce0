"""An act for one number of an approved list, with the evidence and text of the counter's acts."""

from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.charge import AuditEntry
from receipts.model.counter import BatchAct
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.staff.counter.owner_texts import OwnerTexts
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION, order_by_form, shared_actions

#: The reply to a number whose customer was changed.
CHANGED = "changed"


class ListedAct(Struct, frozen=True):
    """The act of an approved list: ``clerk`` proposed it, ``approved_by`` is the second person."""

    batch_id: str
    act: BatchAct
    clerk: str
    approved_by: str
    shop: str


@dataclass(frozen=True, slots=True)
class ListedActs:
    """Runs listed acts. Raises StoreUnavailableError, and ReplayedEventError for an old list."""

    texts: OwnerTexts
    clock: Clock

    def run(self, number: Msisdn, listed: ListedAct) -> bool:
        """Whether the customer was changed; a repeated run changes and texts nothing more."""
        key = f"batch:{listed.batch_id}"

        def decide(snapshot: Snapshot) -> ChangeSet:
            return self._decide(snapshot.subscription, listed, key)

        reply = run_in_transaction(self.texts.store, number, decide, key)
        return reply.next == CHANGED

    def _decide(self, customer: Subscription, listed: ListedAct, key: str) -> ChangeSet:
        language = LANGUAGE_BY_ACTION.get(listed.act) or customer.language or Language.ZH
        request = CustomerRequest(
            Channel.COUNTER, language, key, listed.act.value, clerk=listed.clerk
        )
        decision = self._decision(customer, request, listed.act)
        if decision.customer == customer:
            return ChangeSet(customer.number, key)
        decision = replace(decision, audit=self._evidence(customer, decision, listed, key))
        change = decision.change_set(customer, key, Reply(next=CHANGED))
        by_text = listed.act is BatchAct.OFFER
        return self.texts.added(change, customer, decision, listed.shop, language, by_text=by_text)

    def _decision(
        self, customer: Subscription, request: CustomerRequest, act: BatchAct
    ) -> Decision:
        policy = self.texts.policy
        if act is not BatchAct.OFFER:
            return shared_actions(policy)[act](customer, request)
        if Channel.TEXT not in policy.channels(customer):
            return Decision(customer)  # the owner could not confirm
        return order_by_form(policy, customer, request)

    def _evidence(
        self, customer: Subscription, decision: Decision, listed: ListedAct, key: str
    ) -> tuple[AuditEntry, ...]:
        before, after = customer.state.value, decision.customer.state.value
        plain = AuditEntry(
            self.clock.now(), customer.number, Channel.COUNTER.value, key, before, after,
            reply_text=listed.act, clerk=listed.clerk, action=listed.act,
        )  # fmt: skip
        identity = f"batch:{listed.approved_by}"
        return tuple(
            replace(entry, shop=listed.shop, identity=identity)
            for entry in decision.audit or (plain,)
        )
