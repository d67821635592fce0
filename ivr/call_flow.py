"""Call flow of the hotline: caller input to menu event, subscription change and next prompt."""

from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.menu import SpeechMatcher, keys
from ivr.prompts import PromptBuilder
from ivr.verbs import Verb
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.customer import CallLog, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION, Action, shared_actions
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: Number of no-inputs, or of no-matches, that ends the call.
_MAX_MISSES = 3

#: Delay of the call summary when no end of the call is reported.
_SUMMARY_DELAY = timedelta(hours=1)


class CallerInput(Struct, frozen=True):
    """The answer to a prompt: a DTMF key, speech, or neither (no input)."""

    sid: str
    caller: Msisdn
    context: CallContext
    key: str = ""
    speech: str = ""


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
    ) -> None:
        self._store, self._policy = store, policy
        self._clock, self._account = clock, account
        self._speech = SpeechMatcher(prompts)
        self._prompts = PromptBuilder(policy, prompts, self._speech, base, agent)
        self._actions: dict[str, Action] = {
            **shared_actions(policy),
            "open": partial(ordering.order_and_confirm, policy),
            "ask": partial(preferences.account_status, policy, account),
            "receipts": self._receipts,
            "province": self._set_province,
        }

    def answer(self, caller: Msisdn | None) -> list[Verb]:
        """Greet a caller, or refuse one that has no number or no service here."""
        if caller is None:
            return self._prompts.farewell("withheld", *Language)
        customer = self._store.load(caller).subscription
        language = self._policy.language(customer)
        state = CallState.MENU if customer.language else CallState.LANGUAGE
        if customer.state not in HOLDING:
            refusal = self._policy.ineligibility(customer, Channel.VOICE, language)
            if refusal is not None and refusal[0] != "province_unknown":
                return self._prompts.refused(customer)
            state = CallState.WHICH_PROVINCE if refusal else state
        context = CallContext(state, language).with_subscription(customer, self._home(customer))
        return [*self._prompts.greeting(customer), self._prompts.gather(caller, context)]

    def handle_input(self, pressed: CallerInput) -> list[Verb]:
        """Answer a DTMF key, speech or no input."""
        context = pressed.context
        transition = CALL_MENU.fire(context.state, self._match(pressed))
        if transition.reason is not None:
            no_match = self._limit_misses(context, CallEvent.WRONG)
            transition = CALL_MENU.fire(context.state, no_match)
        action = transition.acts[0] if transition.acts else "goodbye"
        if action in self._actions:
            return self._apply(pressed, transition, action)
        after = context.next(state=transition.state, **_count_misses(context, action))
        return self._prompts.result(pressed.caller, after, action)

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
            if event is CallEvent.PROVINCE and not self._province_code(pressed.key):
                event = CallEvent.WRONG
        elif pressed.speech:
            event = self._speech.match(context, pressed.speech)
        else:
            event = CallEvent.SILENCE
        return self._limit_misses(context, event)

    @staticmethod
    def _limit_misses(context: CallContext, event: CallEvent) -> CallEvent:
        counts = {CallEvent.SILENCE: context.no_input, CallEvent.WRONG: context.no_match}
        return CallEvent.TOO_MANY if counts.get(event, -1) + 1 >= _MAX_MISSES else event

    def _apply(
        self, pressed: CallerInput, transition: Transition[CallState], action: str
    ) -> list[Verb]:
        context, caller = pressed.context, pressed.caller
        language = LANGUAGE_BY_ACTION.get(action, context.language)
        input_text = pressed.key or pressed.speech[:160]
        # The consent record keeps the offer that the caller heard before the yes.
        offer = self._prompts.offer(caller, context) if action == "open" else ""
        request = CustomerRequest(
            Channel.VOICE, language, pressed.sid, input_text, shown_text=offer
        )

        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            current = context.with_subscription(customer, self._home(customer))
            if action == "open" and not self._prompts.is_same_offer(caller, context, current):
                # The price has changed since the prompt: repeat the offer, open nothing.
                reply = Reply((), language.value, current.next(no_input=0, no_match=0).link(""))
                return ChangeSet(snapshot.number, idempotency_key=idempotency_key, reply=reply)
            decision = self._actions[action](customer, replace(request, charges=snapshot.charges))
            messages = decision.messages
            after = context.next(state=transition.state, language=language, no_input=0, no_match=0)
            after = after.with_subscription(decision.customer, self._home(decision.customer))
            text = "".join(say.text for say in self._prompts.messages(messages, language))
            reply = Reply(messages, language.value, after.link(""))
            change = decision.change_set(customer, idempotency_key, reply, text)
            return self._with_call_log(change, snapshot, pressed.sid, reply)

        idempotency_key = f"call:{pressed.sid}:{context.step}"
        months = (month_of(self._clock.now()),) if action == "ask" else ()
        reply = run_in_transaction(
            self._store, caller, decide, idempotency_key, call=pressed.sid, months=months
        )
        query = parse_qsl(reply.next.partition("?")[2], keep_blank_values=True)
        after = CallContext.from_query(dict(query))
        subscription = after.subscription(caller)
        if action == "province" and self._prompts.refusals(subscription, (language,)):
            return self._prompts.refused(replace(subscription, language=language))
        says = self._prompts.messages(reply.messages, language)
        return [*says, self._prompts.gather(caller, after)]

    def _home(self, customer: Subscription) -> str | None:
        return self._policy.service_area(customer).number_info.province

    def _set_province(self, customer: Subscription, request: CustomerRequest) -> Decision:
        code = self._province_code(request.reply_text)
        return preferences.set_province(customer, code) if code else Decision(customer)

    def _province_code(self, answer: str) -> str | None:
        """The code of the province that a DTMF key or speech selects."""
        for key, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            names = province.names
            if answer == str(key) or names.zh in answer or names.en in answer.title():
                return code
        return None

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


def _count_misses(context: CallContext, action: str) -> dict[str, int]:
    """No-inputs and no-matches after an action; an understood answer resets both."""
    if action not in {"silence", "wrong"}:
        return {"no_input": 0, "no_match": 0}
    no_input, no_match = int(action == "silence"), int(action == "wrong")
    return {"no_input": context.no_input + no_input, "no_match": context.no_match + no_match}


def _receipt_params(receipt: Receipt, language: Language) -> dict[str, str]:
    when = receipt.created_at.astimezone(SHANGHAI)
    return {
        "friend": " ".join((receipt.recipient or "")[-4:]),
        "when": f"{day(when, language)} {when:%H:%M}",
        "outcome": (receipt.outcome or ReceiptOutcome.NO_ANSWER).value,
    }
