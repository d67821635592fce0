"""Changes that a caller makes: one commit for each step of a call, with its call summary."""

from datetime import timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ivr import receipt_list
from ivr.call_context import CallContext
from ivr.call_figures import after_stages, new_stages
from ivr.limits import counted
from ivr.prompts import PromptBuilder
from receipts.delivery import notifications
from receipts.model.calendar import month_of
from receipts.model.customer import CallLog, Subscription
from receipts.model.figure import CALL, Figure, figure
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.rulebook.province_names import spoken_province
from receipts.subscriptions import ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION, Action, shared_actions
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: Delay of the call summary when no end of the call is reported.
_SUMMARY_DELAY = timedelta(hours=1)


class CallerInput(Struct, frozen=True):
    """The answer to a prompt: a DTMF key, speech, or neither (no input).

    ``caller`` is empty where the number is withheld.
    """

    sid: str
    caller: Msisdn
    context: CallContext
    key: str = ""
    speech: str = ""
    #: Certainty of the recognised speech, 0 to 1; None if the provider gives none.
    confidence: float | None = None


class CallChanges:
    """Apply the actions of a call to the caller's subscription."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        prompts: PromptBuilder,
        clock: Clock,
        account: AccountQueries,
    ) -> None:
        self._store, self._policy, self._prompts, self._clock = store, policy, prompts, clock
        self.actions: dict[str, Action] = {
            **shared_actions(policy),
            "open": partial(ordering.order_and_confirm, policy),
            "ask": partial(preferences.account_status, policy, account),
            "receipts": partial(receipt_list.read_out, policy, account),
            "province": self._set_province,
        }

    def apply(self, pressed: CallerInput, transition: Transition[CallState], action: str) -> Reply:
        """The reply to an action, committed; a repeated request gets the same."""
        context, caller = pressed.context, pressed.caller
        language = LANGUAGE_BY_ACTION.get(action, context.language)
        input_text = pressed.key or pressed.speech[:160]
        request = CustomerRequest(Channel.VOICE, language, pressed.sid, input_text)

        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            # The consent record keeps the offer that the caller heard before the yes.
            offer = self._prompts.offer(customer, context) if action == "open" else ""
            if offer and not self._prompts.was_heard(offer, context):
                # The price has changed since the prompt: repeat the offer, open nothing.
                reply = Reply((), language.value, context.next(no_input=0, no_match=0).link(""))
                return ChangeSet(snapshot.number, idempotency_key=idempotency_key, reply=reply)
            asked = replace(request, month_sums=snapshot.month_sums, shown_text=offer)
            decision = self.actions[action](customer, asked)
            messages = self._prompts.with_trial_note(customer, decision.messages)
            state = transition.state
            if context.state is CallState.LANGUAGE:
                state = self.menu_of(decision.customer)
            stages = new_stages(context, action)
            reached = after_stages(context, stages)
            counts = counted(context, action)
            after = context.next(state=state, language=language, reached=reached, **counts)
            after = after.with_subscription(decision.customer, self.home(decision.customer))
            text = "".join(say.text for say in self._prompts.messages(messages, language))
            reply = Reply(messages, language.value, after.link(""))
            change = decision.change_set(customer, idempotency_key, reply, text)
            change = replace(change, figures=change.figures + self._figures(stages))
            return self._with_call_log(change, snapshot, pressed.sid, reply)

        idempotency_key = context.claim(pressed.sid)
        month = month_of(self._clock.now()) if action == "ask" else None
        return run_in_transaction(
            self._store, caller, decide, idempotency_key, call=pressed.sid, sums_of=month
        )

    def menu_of(self, customer: Subscription) -> CallState:
        """The main menu, or the question for the province where no tariff is known."""
        menu = CallState.MENU
        if customer.state not in HOLDING and self._policy.lacks_province(customer):
            return CALL_MENU.fire(menu, CallEvent.PROVINCE_UNKNOWN).state
        return menu

    def home(self, customer: Subscription) -> str | None:
        """The home province of a customer, as far as it is known."""
        return self._policy.service_area(customer).number_info.province

    def _set_province(self, customer: Subscription, request: CustomerRequest) -> Decision:
        code = spoken_province(self._policy.book, request.reply_text)
        return preferences.set_province(customer, code) if code else Decision(customer)

    def _figures(self, stages: tuple[str, ...]) -> tuple[Figure, ...]:
        now = self._clock.now()
        return tuple(figure(now, CALL, stage) for stage in stages)

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
