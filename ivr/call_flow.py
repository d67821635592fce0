"""Call flow of the hotline: caller input to menu event, subscription change and next prompt."""

from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.limits import counted, is_too_many
from ivr.menu import keys
from ivr.prompts import PromptBuilder
from ivr.speech import SpeechMatcher, spoken_key
from ivr.spoken import spoken_time
from ivr.verbs import Dial, Gather, Say, Verb
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import month_of
from receipts.model.customer import CallLog, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.rulebook.province_names import spoken_province
from receipts.subscriptions import ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION, Action, shared_actions
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: Prompts that name charges and dates, for which the customer is read.
_READ = frozenset({CallState.OFFER, CallState.CANCELLING})

#: Delay of the call summary when no end of the call is reported.
_SUMMARY_DELAY = timedelta(hours=1)


#: Actions with a sentence of their own before the next prompt.
_SPOKEN = frozenset({"agent", "no_agent", "silence", "wrong", "not_opened", "not_cancelled"})


class CallerInput(Struct, frozen=True):
    """The answer to a prompt: a DTMF key, speech, or neither (no input)."""

    sid: str
    caller: Msisdn
    context: CallContext
    key: str = ""
    speech: str = ""
    #: Certainty of the recognised speech, 0 to 1; None if the provider gives none.
    confidence: float | None = None


class CallFlow:
    """Answer calls. The store is used only to greet a caller and for account actions."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        prompts: Catalogue,
        clock: Clock,
        account: AccountQueries,
        base: str,
        agent: str | None,
        min_confidence: float = 0.0,
    ) -> None:
        self._store, self._policy, self._min_confidence = store, policy, min_confidence
        self._clock, self._account = clock, account
        self._speech = SpeechMatcher(prompts, policy.book)
        self._prompts = PromptBuilder(policy, prompts, self._speech, base, agent)
        self._actions: dict[str, Action] = {
            **shared_actions(policy),
            "open": partial(ordering.order_and_confirm, policy),
            "ask": partial(preferences.account_status, policy, account),
            "receipts": self._receipts,
            "province": self._set_province,
        }

    def answer(self, caller: Msisdn | None, call_pass: str = "") -> list[Verb]:
        """Greet a caller, or refuse one that has no number or no service here."""
        if caller is None:
            return self._prompts.farewell("withheld", *Language)
        customer = self._store.load(caller).subscription
        language = self._policy.language(customer)
        if customer.state not in HOLDING:
            refusal = self._policy.ineligibility(customer, Channel.VOICE, language)
            if refusal is not None and refusal[0] != "province_unknown":
                return self._prompts.refused(customer)
        state, lead = CallState.LANGUAGE, []
        if customer.language:
            state, lead = self._menu_of(customer), [self._prompts.say("hello", language)]
        context = CallContext(state, language, call_pass=call_pass)
        context = context.with_subscription(customer, self._home(customer))
        return [self._prompts.gather(customer, context, *lead)]

    def _menu_of(self, customer: Subscription) -> CallState:
        """The main menu, or the question for the province where no tariff is known."""
        menu = CallState.MENU
        if customer.state not in HOLDING and self._policy.lacks_province(customer):
            return CALL_MENU.fire(menu, CallEvent.PROVINCE_UNKNOWN).state
        return menu

    def handle_input(self, pressed: CallerInput) -> list[Verb]:
        """Answer a DTMF key, speech or no input."""
        context = pressed.context
        if not pressed.key:
            pressed = replace(pressed, key=spoken_key(pressed.speech))
        transition = CALL_MENU.fire(context.state, self._match(pressed))
        if transition.reason is not None:
            transition = CALL_MENU.fire(context.state, CallEvent.WRONG)
        if is_too_many(context, transition):
            transition = CALL_MENU.fire(context.state, CallEvent.TOO_MANY)
        action = transition.acts[0] if transition.acts else "goodbye"
        if action in {"goodbye", "too_many"}:
            return self._prompts.farewell(action, context.language)
        if action in self._actions:
            return self._apply(pressed, transition, action)
        after = context.next(state=transition.state, **counted(context, action))
        says = self._reaction(action, after.language)
        if action == "agent" and self._prompts.agent:
            return [*says, Dial(self._prompts.agent), self._prompt(pressed.caller, after)]
        return [self._prompt(pressed.caller, after, *says)]

    def _reaction(self, action: str, language: Language) -> list[Say]:
        """The sentence of an action before the next prompt; most actions have none."""
        if action not in _SPOKEN:
            return []
        return [self._prompts.say(action, language, self._policy.access_numbers)]

    def _prompt(self, caller: Msisdn, after: CallContext, *lead: Say) -> Gather:
        """The next prompt; where it has no question for the customer, the reason and the menu."""
        customer = after.subscription(caller)
        if after.state in _READ:
            customer = self._current(caller, after)
            after = after.with_subscription(customer, self._home(customer))
            if refusal := self._prompts.refusal(customer, after):
                lead = (*lead, *self._prompts.messages((refusal,), after.language))
                menu = CALL_MENU.fire(after.state, CallEvent.NOT_POSSIBLE)
                after = replace(after, state=menu.state)
        return self._prompts.gather(customer, after, *lead)

    def _current(self, caller: Msisdn, context: CallContext) -> Subscription:
        """The stored customer; for an offer without the store, as far as the URL has it."""
        try:
            return self._store.load(caller).subscription
        except StoreUnavailableError:
            # A yes is decided on the stored customer, after another look at this offer.
            if context.state is not CallState.OFFER:
                raise
            return context.subscription(caller)

    def ended(self, sid: str, caller: Msisdn, delivery: ReceiptLifecycle) -> None:
        """Send one summary of the changes made in a call."""
        decide = partial(notifications.call_summary, store=self._store, delivery=delivery, sid=sid)
        run_in_transaction(self._store, caller, decide, call=sid)

    def apology(self, language: str) -> list[Verb]:
        """An apology that works without the store; in all languages if the call has none yet."""
        known = [Language(language)] if language in set(Language) else Language
        return self._prompts.farewell("trouble", *known)

    def _match(self, pressed: CallerInput) -> CallEvent:
        context = pressed.context
        if pressed.key:
            event = keys(context).get(pressed.key[:1], CallEvent.WRONG)
            if context.state is CallState.WHICH_PROVINCE and pressed.key[:1].isdigit():
                event = self._province_event(pressed.key, event)
        elif pressed.speech:
            event = self._speech.match(context, pressed.speech)
        else:
            event = CallEvent.SILENCE
        if event is CallEvent.AGENT and not self._prompts.agent:
            return CallEvent.NO_AGENT
        return CallEvent.WRONG if event is CallEvent.YES and self._is_unsure(pressed) else event

    def _is_unsure(self, pressed: CallerInput) -> bool:
        """Whether a yes to a price was heard with too little certainty; it is asked again."""
        unsure = (1.0 if pressed.confidence is None else pressed.confidence) < self._min_confidence
        return bool(pressed.speech) and pressed.context.state is CallState.OFFER and unsure

    def _province_event(self, key: str, event: CallEvent) -> CallEvent:
        """The province of a key, else the event that the key has in all menus."""
        if spoken_province(self._policy.book, key):
            return CallEvent.PROVINCE
        return CallEvent.WRONG if event is CallEvent.PROVINCE else event

    def _apply(
        self, pressed: CallerInput, transition: Transition[CallState], action: str
    ) -> list[Verb]:
        context, caller = pressed.context, pressed.caller
        language = LANGUAGE_BY_ACTION.get(action, context.language)
        input_text = pressed.key or pressed.speech[:160]
        request = CustomerRequest(Channel.VOICE, language, pressed.sid, input_text)

        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            # The consent record keeps the offer that the caller heard before the yes.
            offer = self._prompts.offer(customer, context) if action == "open" else ""
            if action == "open" and not self._prompts.is_same_offer(customer, context):
                # The price has changed since the prompt: repeat the offer, open nothing.
                reply = Reply((), language.value, context.next(no_input=0, no_match=0).link(""))
                return ChangeSet(snapshot.number, idempotency_key=idempotency_key, reply=reply)
            asked = replace(request, charges=snapshot.charges, shown_text=offer)
            decision = self._actions[action](customer, asked)
            messages = decision.messages
            state = transition.state
            if context.state is CallState.LANGUAGE:
                state = self._menu_of(decision.customer)
            after = context.next(state=state, language=language, **counted(context, action))
            after = after.with_subscription(decision.customer, self._home(decision.customer))
            text = "".join(say.text for say in self._prompts.messages(messages, language))
            reply = Reply(messages, language.value, after.link(""))
            change = decision.change_set(customer, idempotency_key, reply, text)
            return self._with_call_log(change, snapshot, pressed.sid, reply)

        idempotency_key = context.claim(pressed.sid)
        months = (month_of(self._clock.now()),) if action == "ask" else ()
        reply = run_in_transaction(
            self._store, caller, decide, idempotency_key, call=pressed.sid, months=months
        )
        return self._resume(caller, reply, closing=action == "province")

    def _resume(self, caller: Msisdn, reply: Reply, *, closing: bool) -> list[Verb]:
        """The messages of a stored reply and the prompt after them."""
        language = Language(reply.language)
        query = parse_qsl(reply.next.partition("?")[2], keep_blank_values=True)
        after = CallContext.from_query(dict(query))
        subscription = after.subscription(caller)
        if closing and self._prompts.refusals(subscription, (language,)):
            return self._prompts.refused(replace(subscription, language=language))
        says = self._prompts.messages(reply.messages, language)
        return [self._prompt(caller, after, *says)]

    def _home(self, customer: Subscription) -> str | None:
        return self._policy.service_area(customer).number_info.province

    def _set_province(self, customer: Subscription, request: CustomerRequest) -> Decision:
        code = spoken_province(self._policy.book, request.reply_text)
        return preferences.set_province(customer, code) if code else Decision(customer)

    def _with_call_log(
        self, change: ChangeSet, snapshot: Snapshot, sid: str, reply: Reply
    ) -> ChangeSet:
        """The change with its entry in the call summary and the summary's timer."""
        acts = tuple(each for each in reply.messages if notifications.is_notifiable(each[0]))
        if not acts or not change.records:
            return change
        language = Language(reply.language)
        log = snapshot.call or CallLog(sid, snapshot.number, language)
        log = replace(log, version=log.version + 1, language=language, acts=(*log.acts, *acts))
        timer = Timer(notifications.CALL, snapshot.number, sid, self._clock.now() + _SUMMARY_DELAY)
        return replace(change, records=(*change.records, log), timers=(*change.timers, timer))

    def _receipts(self, customer: Subscription, request: CustomerRequest) -> Decision:
        limit = self._policy.limits(customer).receipts_shown
        receipts = self._account.latest_receipts(customer.number, limit)
        if not receipts:
            return Decision(customer, (("receipts_none", {}),))
        lines = (("receipt_line", _receipt_params(each, request.language)) for each in receipts)
        return Decision(customer, (("receipts_list", {}), *lines))


def _receipt_params(receipt: Receipt, language: Language) -> dict[str, str]:
    return {
        "friend": (receipt.recipient or "")[-4:],
        "when": spoken_time(receipt.created_at, language),
        "outcome": (receipt.outcome or ReceiptOutcome.NO_ANSWER).value,
    }
