"""Call flow of the hotline: caller input to menu event, subscription change and next prompt."""

from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ivr.call_changes import CallChanges, CallerInput
from ivr.call_context import CallContext
from ivr.call_figures import CallFigures, is_counted, reached_by
from ivr.identification import Identification
from ivr.limits import counted, is_too_many
from ivr.menu import DIGIT_STATES, keys
from ivr.prompts import PromptBuilder
from ivr.speech import SpeechMatcher, spoken_key
from ivr.verbs import Dial, Gather, Say, Verb
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.service_passwords import ServicePasswords
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Store, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.rulebook.province_names import spoken_province
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: Prompts that name charges and dates, for which the customer is read.
_READ = frozenset({CallState.OFFER, CallState.CANCELLING})

#: Actions with a sentence of their own before the next prompt.
_SPOKEN = frozenset({
    *("agent", "no_agent", "silence", "wrong", "not_opened", "not_cancelled"),
    *("password_wrong", "password_locked", "password_initial", "no_password"),
})  # fmt: skip

#: The caller of a withheld number, and the states before a password has proved another one.
_WITHHELD = Msisdn("")
_WITHOUT_NUMBER = {CallState.LANGUAGE, CallState.NUMBER, CallState.NUMBER_PASSWORD}


class HotlineSettings(Struct, frozen=True):
    """Base URL of the webhooks, number of the agent, and the least certainty of a spoken yes."""

    base: str
    agent: str | None = None
    min_confidence: float = 0.0


class CallFlow:
    """Answer calls. The store is used only to greet a caller and for account actions."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        catalogue: Catalogue,
        clock: Clock,
        account: AccountQueries,
        hotline: HotlineSettings,
        passwords: ServicePasswords,
    ) -> None:
        self._store, self._policy, self._min_confidence = store, policy, hotline.min_confidence
        self._speech = SpeechMatcher(catalogue, policy.book)
        base, agent = hotline.base, hotline.agent
        self._prompts = PromptBuilder(policy, catalogue, self._speech, base, agent)
        self._changes = CallChanges(store, policy, self._prompts, clock, account)
        self._identification = Identification(passwords, policy)
        self.figures = CallFigures(store, clock)

    def answer(self, caller: Msisdn | None, call_pass: str = "") -> list[Verb]:
        """Greet a caller, or refuse one that has no service here; a withheld number is asked."""
        context = CallContext(CallState.LANGUAGE, Language.ZH, call_pass=call_pass)
        if caller is None:
            return [self._prompts.gather(Subscription(_WITHHELD), context)]
        customer = self._store.load(caller).subscription
        language = self._policy.language(customer)
        if self._is_refused(customer):
            return self._prompts.refused(customer)
        if not customer.language:
            context = replace(context, language=language)
            context = context.with_subscription(customer, self._changes.home(customer))
            return [self._prompts.gather(customer, context)]
        return self._greet(customer, replace(context, language=language))

    def _greet(self, customer: Subscription, context: CallContext) -> list[Verb]:
        context = replace(context, state=self._changes.menu_of(customer))
        context = context.with_subscription(customer, self._changes.home(customer))
        hello = self._prompts.say("hello", context.language)
        note = self._prompts.trial_note(customer, context.language)
        return [self._prompts.gather(customer, context, hello, *note)]

    def _is_refused(self, customer: Subscription) -> bool:
        """Whether the service is not for this number; an unknown province is asked for."""
        refusal = self._policy.ineligibility(customer, Channel.VOICE, Language.ZH)
        unknown = self._policy.lacks_province(customer)
        return customer.state not in HOLDING and refusal is not None and not unknown

    def handle_input(self, pressed: CallerInput) -> list[Verb]:
        """Answer a DTMF key, speech or no input."""
        context = pressed.context
        if not pressed.caller and context.verified:
            pressed = replace(pressed, caller=Msisdn(context.number))
        if not pressed.caller and context.state not in _WITHOUT_NUMBER:
            return self.answer(None, context.call_pass)
        if context.state not in DIGIT_STATES:
            key = pressed.key or spoken_key(pressed.speech)
            return self._answer_choice(replace(pressed, key=key))
        if self._identification.is_password(pressed.key, context):
            return self._check_password(pressed)
        if (after := self._identification.number_given(pressed.key, context)) is not None:
            return [self._prompt(pressed.caller, after)]
        return self._answer_choice(pressed)

    def _answer_choice(self, pressed: CallerInput) -> list[Verb]:
        transition = self._transition(pressed)
        action = transition.acts[0] if transition.acts else "goodbye"
        verbs = self._act(pressed, transition, action)
        if not is_counted(pressed.context, action):
            is_silent = not pressed.key and not pressed.speech
            self.figures.acted(pressed.sid, pressed.caller, action, is_silent=is_silent)
        return verbs

    def _transition(self, pressed: CallerInput) -> Transition[CallState]:
        context = pressed.context
        transition = CALL_MENU.fire(context.state, self._match(pressed))
        if transition.reason is not None:
            transition = CALL_MENU.fire(context.state, CallEvent.WRONG)
        if is_too_many(context, transition):
            transition = CALL_MENU.fire(context.state, CallEvent.TOO_MANY)
        return transition

    def _act(
        self, pressed: CallerInput, transition: Transition[CallState], action: str
    ) -> list[Verb]:
        context = pressed.context
        if action in {"goodbye", "too_many"}:
            facts = self._facts(pressed.caller, context)
            return self._prompts.farewell(action, context.language, facts=facts)
        if not pressed.caller and action in LANGUAGE_BY_ACTION:
            number = CALL_MENU.fire(transition.state, CallEvent.NUMBER_WITHHELD).state
            after = context.next(state=number, language=LANGUAGE_BY_ACTION[action])
            return [self._prompt(pressed.caller, after)]
        if action in self._changes.actions:
            return self._change(pressed, transition, action)
        reached = reached_by(context, action)
        after = context.next(state=transition.state, reached=reached, **counted(context, action))
        says = self._reaction(action, pressed.caller, after)
        if action == "agent" and self._prompts.agent:
            return [*says, Dial(self._prompts.agent), self._prompt(pressed.caller, after)]
        return [self._prompt(pressed.caller, after, *says)]

    def _change(
        self, pressed: CallerInput, transition: Transition[CallState], action: str
    ) -> list[Verb]:
        """Apply an action; an offer still needs the password where the province asks for it."""
        if action == "open" and self._obstacle(pressed.caller, pressed.context):
            return [self._prompt(pressed.caller, pressed.context.next())]
        reply = self._changes.apply(pressed, transition, action)
        return self._resume(pressed.caller, reply, closing=action == "province")

    def _reaction(self, action: str, caller: Msisdn, context: CallContext) -> list[Say]:
        """The sentence of an action before the next prompt; most actions have none."""
        if action not in _SPOKEN:
            return []
        language, facts = context.language, self._facts(caller, context)
        return [self._prompts.say(action, language, facts)]

    def _facts(self, caller: Msisdn, context: CallContext) -> dict[str, str]:
        """The numbers of the service, and the channels that serve this customer."""
        customer = context.subscription(caller or Msisdn(context.number))
        channels = self._policy.channel_params(customer, context.language, Channel.VOICE)
        return self._policy.access_numbers | channels

    def _prompt(self, caller: Msisdn, after: CallContext, *lead: Say) -> Gather:
        """The next prompt; where it has no question for the customer, the reason and the menu."""
        customer = after.subscription(caller)
        if after.state in _READ:
            customer = self._current(caller, after)
            after = after.with_subscription(customer, self._changes.home(customer))
            if refusal := self._prompts.refusal(customer, after):
                lead = (*lead, *self._prompts.messages((refusal,), after.language))
                menu = CALL_MENU.fire(after.state, CallEvent.NOT_POSSIBLE)
                after = replace(after, state=menu.state)
            elif event := self._obstacle(caller, after):
                transition = CALL_MENU.fire(after.state, event)
                lead = (*lead, *self._reaction(transition.acts[0], caller, after))
                after = replace(after, state=transition.state)
        return self._prompts.gather(customer, after, *lead)

    def _obstacle(self, caller: Msisdn, context: CallContext) -> CallEvent | None:
        """The event that keeps a caller from an offer until the password is given."""
        if context.state is not CallState.OFFER:
            return None
        return self._identification.obstacle(context.subscription(caller), context)

    def _check_password(self, pressed: CallerInput) -> list[Verb]:
        """Answer an entered password, which is kept nowhere."""
        context = pressed.context
        owner = pressed.caller or Msisdn(context.number)
        reply = self._identification.check(owner, pressed.key, context, pressed.sid)
        after = CallContext.from_link(reply.next)
        facts = self._facts(owner, after)
        if after.state is CallState.OVER:
            return self._prompts.farewell(reply.messages[0][0], after.language, facts=facts)
        if after.state is CallState.MENU and after.verified:
            customer = self._store.load(owner).subscription
            if self._is_refused(customer):
                return self._prompts.refused(replace(customer, language=after.language))
            return self._greet(customer, after)
        says = self._prompts.messages(((key, facts) for key, _ in reply.messages), after.language)
        return [self._prompt(pressed.caller, after, *says)]

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
        if context.state in DIGIT_STATES and (len(pressed.key) > 1 or pressed.speech):
            return CallEvent.WRONG
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

    def _resume(self, caller: Msisdn, reply: Reply, *, closing: bool) -> list[Verb]:
        """The messages of a stored reply and the prompt after them."""
        language = Language(reply.language)
        after = CallContext.from_link(reply.next)
        subscription = after.subscription(caller)
        if closing and self._prompts.refusals(subscription, (language,)):
            return self._prompts.refused(replace(subscription, language=language))
        says = self._prompts.messages(reply.messages, language)
        return [self._prompt(caller, after, *says)]
