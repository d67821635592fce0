"""Acts at a counter: what a clerk does for an identified customer, each with its evidence."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.charge import AuditEntry
from receipts.model.counter import CounterVisit, IdentityMode, OwnerId
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.vocabulary import Channel, Language
from receipts.ports.changes import ChangeSet, Record, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.staff.counter.identity import today_in_china
from receipts.staff.counter.owner_texts import OwnerTexts
from receipts.staff.counter.visits import VisitRefusedError
from receipts.subscriptions import cancellation, ordering
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
from receipts.wording.separators import SPACE
from statemachines.counter_visit import COUNTER_VISIT, VisitEvent

#: A subscription that the owner confirms by text, by signing the form, and the signed form.
OPEN_BY_TEXT, OPEN_BY_FORM, SIGNED = "open_by_text", "open_by_form", "signed"

#: The way to confirm that an act belongs to.
_WAYS = {each: each for each in (OPEN_BY_TEXT, OPEN_BY_FORM)} | {SIGNED: OPEN_BY_FORM}

#: Acts that show something, and change nothing.
SHOWING = ("ask", "receipts", "charges", "list_all")

#: Acts with a button, shown where they would change the subscription.
_BUTTONS = ("open", "cancel", "ordinary", "flash", *CATEGORY_BY_ACTION)

#: Text of a reply by its message: of a catalogue, in one language.
Render = Callable[[Message, Language], str]


class CounterAct(Struct, frozen=True):
    """One submitted form of a visit; ``language`` is that of the clerk's pages."""

    visit_id: str
    act: str
    argument: str
    nonce: str
    language: Language


class CounterActs:
    """Run acts of visits; ``run`` raises StoreUnavailableError, VisitRefusedError."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        delivery: ReceiptLifecycle,
        clock: Clock,
        render: Render,
    ) -> None:
        self._store, self._policy, self._clock, self._render = store, policy, clock, render
        self._texts = OwnerTexts(store, policy, delivery)
        order: Action = partial(order_by_form, policy)
        self._acts: dict[str, Action] = {
            **shared_actions(policy),
            OPEN_BY_TEXT: order,
            OPEN_BY_FORM: order,
            "no": partial(ordering.decline, policy),
            "cancel_all": partial(cancellation.cancel, policy),
            **dict.fromkeys(SHOWING, _unchanged),
        }
        self._with_argument: dict[str, Callable[[Subscription, CustomerRequest, str], Decision]] = {
            SIGNED: partial(confirm_offer, policy),
            "province": partial(choose_province, policy),
        }

    @property
    def names(self) -> frozenset[str]:
        """The names of all acts."""
        return frozenset(self._acts) | frozenset(self._with_argument)

    def available(self, customer: Subscription, language: Language) -> frozenset[str]:
        """The acts that would change the subscription now; ``open`` stands for either form."""
        request = CustomerRequest(Channel.COUNTER, language, "")
        acts = self._acts | {"open": partial(order_by_form, self._policy)}
        decisions = {name: acts[name](customer, request) for name in _BUTTONS}
        return frozenset(name for name, each in decisions.items() if each.customer != customer)

    def ways_to_confirm(self, visit: CounterVisit, customer: Subscription) -> tuple[str, ...]:
        """How this visit's customer may confirm; an agent's signature is not the owner's."""
        by_text = Channel.TEXT in self._policy.channels(customer)
        is_owner = visit.mode is IdentityMode.OWNER
        return (OPEN_BY_TEXT,) * by_text + (OPEN_BY_FORM,) * is_owner

    def run(self, visit: CounterVisit, form: CounterAct) -> Reply:
        """The reply, the first one for a repeated form; ``next`` is the serial number."""
        key = act_key(visit, form.nonce)
        return run_in_transaction(
            self._store,
            visit.number,
            lambda held: self._decide(held, form, key),
            key,
            credentials=True,
        )

    def reply(self, visit: CounterVisit, nonce: str) -> Reply | None:
        """The reply to an act of this visit; None for an unknown form."""
        return self._store.load(visit.number, act_key(visit, nonce)).previous_reply

    def _decide(self, snapshot: Snapshot, form: CounterAct, key: str) -> ChangeSet:
        visit = self._store.visit(form.visit_id)
        outcome = COUNTER_VISIT.fire(visit.state, VisitEvent.ACT) if visit else None
        if visit is None or outcome is None or outcome.reason is not None:
            raise VisitRefusedError((outcome and outcome.reason) or "ended")
        customer = snapshot.subscription
        spoken = LANGUAGE_BY_ACTION.get(form.act) or customer.language or form.language
        decision = self._decision(visit, customer, form, key, spoken)
        # The clerk reads the same message in the language of the pages.
        shown = self._decision(visit, customer, form, key, form.language)
        serial = visit.serial(today_in_china(self._clock.now()))
        text = self.text(decision.messages, spoken)
        decision = replace(decision, audit=self._evidence(decision, visit, form, key, serial))
        reply = Reply(shown.messages, form.language.value, serial)
        change = decision.change_set(customer, key, reply, text)
        counted = replace(visit, version=visit.version + 1, acts=visit.acts + 1)
        records: tuple[Record, ...] = (*change.records, counted)
        if visit.id_digest:
            counted = replace(counted, owner_id=OwnerId.MATCHES, id_digest="")
            records = (*change.records, counted, *_recorded_id(visit, snapshot.credentials))
        change = replace(change, records=records)
        by_text = form.act == OPEN_BY_TEXT
        return self._texts.added(change, customer, decision, visit.shop, spoken, by_text=by_text)

    def _decision(
        self,
        visit: CounterVisit,
        customer: Subscription,
        form: CounterAct,
        key: str,
        language: Language,
    ) -> Decision:
        offer = self.offer(customer, language) if form.act == SIGNED else ""
        request = CustomerRequest(
            Channel.COUNTER, language, key, form.act, clerk=visit.clerk, shown_text=offer
        )
        way = _WAYS.get(form.act)
        if way and way not in self.ways_to_confirm(visit, customer):
            return Decision(customer, (("no_such_way", {}),))
        if with_argument := self._with_argument.get(form.act):
            return with_argument(customer, request, form.argument)
        return self._acts[form.act](customer, request)

    def _evidence(
        self, decision: Decision, visit: CounterVisit, form: CounterAct, key: str, serial: str
    ) -> tuple[AuditEntry, ...]:
        """The entries of an act with clerk, shop, identity and serial number; at least one."""
        state = decision.customer.state.value
        plain = AuditEntry(
            self._clock.now(), visit.number, Channel.COUNTER.value, key, state, state,
            reply_text=form.act, clerk=visit.clerk, action=form.act,
        )  # fmt: skip
        return tuple(
            replace(
                entry, shop=visit.shop, identity=visit.identity, agent=visit.agent, serial=serial
            )
            for entry in decision.audit or (plain,)
        )

    def text(self, messages: tuple[Message, ...], language: Language) -> str:
        """The messages of a reply as one text."""
        return SPACE[language].join(self._render(message, language) for message in messages)

    def offer_params(self, customer: Subscription, language: Language) -> dict[str, str] | None:
        """Template parameters and id of the offer; None for an ineligible customer."""
        return offer_params(self._policy, customer, Channel.COUNTER, language)

    def offer(self, customer: Subscription, language: Language) -> str:
        """The text of the offer; empty for an ineligible customer."""
        params = self.offer_params(customer, language)
        return self._render(("offer", params), language) if params else ""


def act_key(visit: CounterVisit, nonce: str) -> str:
    """The idempotency key of a form; a nonce counts only for the visit it was made in."""
    return f"counter:{visit.id}:{nonce}"


def _unchanged(customer: Subscription, _: CustomerRequest) -> Decision:
    return Decision(customer)


def _recorded_id(
    visit: CounterVisit, known: CustomerCredentials | None
) -> tuple[CustomerCredentials, ...]:
    """The credentials with the owner's identity number, unless one was recorded meanwhile."""
    before = known or CustomerCredentials(visit.number)
    if before.id_digest:
        return ()
    return (replace(before, version=before.version + 1, id_digest=visit.id_digest),)
