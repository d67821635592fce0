"""Keyword conversation of 7500: inbound message to dialogue event, change and one reply."""

from collections.abc import Callable
from functools import partial
from itertools import chain

from msgspec.structs import replace

from keywords.inbound import InboundMessage, answered_by_carrier
from keywords.parser import KeywordParser, ParsedMessage
from keywords.queries import AccountReplies
from keywords.reply_limits import ReplyBudget, ReplyLimit
from keywords.text_figures import NOT_UNDERSTOOD, limited, with_text_figure
from keywords.trial_replies import has_phone, trial_reply
from receipts.model.calendar import month_of
from receipts.model.customer import QuestionTopic, Subscription
from receipts.model.vocabulary import Channel, Intent, Language
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot
from receipts.rulebook.normalise import normalise
from receipts.rulebook.province_names import chosen_province
from receipts.rulebook.schema import PhraseRole
from receipts.rulebook.wishes import Wish
from receipts.subscriptions import ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import had_advertisement
from receipts.subscriptions.shared_actions import Action, shared_actions
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueEvent, DialogueState
from statemachines.subscription import HOLDING, SubscriptionState

#: States with a service or an order to leave, and the actions on such a wish.
_CAN_LEAVE = frozenset(
    {SubscriptionState.PENDING, SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED}
)
_LEAVING_ACTIONS = frozenset({"cancel", "ask_cancel", "ask_stop", "decline"})

#: States in which a hint names the keyword that cancels rather than the one that subscribes.
_HAS_SERVICE = frozenset({SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED})

#: Events of former customers that are served although a new order would be refused.
_E = DialogueEvent
_FOR_FORMER_CUSTOMERS = frozenset({_E.CANCEL, _E.LEAVE, _E.LIST_ALL, _E.RECEIPTS, _E.CHARGES})

#: Events of former trial people that are served: they can leave, and ask.
_AFTER_TRIAL = _FOR_FORMER_CUSTOMERS | {_E.ASK, _E.ITEM, _E.NO, _E.STOP, _E.KEEP, _E.HELP}

_STATE_OF = {
    QuestionTopic.PROVINCE: DialogueState.WHICH_PROVINCE,
    QuestionTopic.LIST: DialogueState.LISTED,
    QuestionTopic.CANCEL: DialogueState.LEAVING,
    QuestionTopic.STOP: DialogueState.STOPPING,
}

#: Numbers that answer a list, or the question what to stop.
_CHOICES = {
    DialogueState.LISTED: {"1": _E.ITEM},
    DialogueState.STOPPING: {"1": _E.ITEM, "2": _E.NO_MESSAGES},
}

#: Latest receipts among which an advertisement of the last day is looked for.
_RECEIPTS_OF_A_DAY = 50

_EVENT_BY_WISH = {
    Wish.MAYBE_CANCEL: _E.LEAVE,
    Wish.KEEP: _E.KEEP,
    Wish.OTHER_SERVICE: _E.OTHER_SERVICE,
    Wish.AGREE: _E.AGREE,
    Wish.MAYBE_AGREE: _E.MAYBE_AGREE,
}


class Conversation:
    """Decide on inbound messages; pure except for account queries."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        parser: KeywordParser,
        clock: Clock,
        account: AccountQueries,
        render: Callable[[Reply], str],
    ) -> None:
        self._parser, self._clock, self._render = parser, clock, render
        self.policy = self._policy = policy
        self._account = account
        replies = AccountReplies(policy, account)
        self._actions: dict[str, Action] = {
            **shared_actions(policy),
            "confirm": partial(ordering.confirm, policy),
            "decline": partial(ordering.decline, policy),
            "list_all": partial(preferences.list_all, policy),
            "ask": partial(preferences.account_status, policy, account),
            "receipts": replies.receipts,
            "charges": replies.charges,
            "help": replies.sentence("help"),
            "other_service": replies.sentence("other_service"),
            "unknown": self._unknown,
            "confirm_again": self._confirm_again,
            "ask_cancel": partial(preferences.ask_cancellation, policy),
            "ask_stop": partial(preferences.ask_stop, policy),
            "keep": partial(preferences.unasked, policy, "kept"),
            "yes_unasked": partial(preferences.unasked, policy, "already_open"),
            "no_unasked": partial(preferences.unasked, policy, "no_question"),
            "province": self._set_province,
        }

    def sums_of(self, text: InboundMessage) -> str | None:
        """The month whose sums to load with the subscription, guessed from shared keywords."""
        intent = self._parser.parse(text.body, None).intent
        return month_of(self._clock.now()) if intent in {Intent.ASK, Intent.CHARGES} else None

    def decide(self, snapshot: Snapshot, text: InboundMessage) -> ChangeSet:
        """The changes and the reply for one message."""
        if text.opt_out:
            return answered_by_carrier(self._policy, snapshot, text)
        customer = snapshot.subscription
        home = self._policy.service_area(customer).number_info.province
        parsed = self._parser.parse(text.body, home)
        language = self._policy.language(customer, parsed.reply_language)
        about = (Channel.TEXT, language, text.event, text.body[:160])
        request = CustomerRequest(*about, month_sums=snapshot.month_sums)
        state = self._state(customer)
        event = self._event(state, text.body, parsed, home)
        if event is _E.CANCEL and self._may_answer_advertisement(customer, text.body):
            event = _E.STOP
        transition = KEYWORD_DIALOGUE.fire(state, event)
        now, is_phone = self._clock.now(), has_phone(self._policy, customer)
        budget = ReplyBudget(snapshot, self._policy.limits(customer), now, is_phone=is_phone)
        if self._is_loop(customer, event, budget):
            return self._beyond_limit(snapshot, request, budget)
        if budget.limit is not ReplyLimit.OPEN and not (
            budget.allows_leaving and self._leaves(customer, event, transition.acts)
        ):
            return self._beyond_limit(snapshot, request, budget)
        # The next message answers or drops a pending question.
        decision = Decision(replace(customer, question=None) if customer.question else customer)
        refusal = self._refusal(customer, event, language)
        if refusal is not None:
            refused = self._refuse(decision.customer, refusal, language)
            return self._reply(snapshot, decision.then(refused), request, budget, event)
        if transition.reason is not None:
            message = (transition.reason, self._policy.template_params(customer, language))
            decision = replace(decision, messages=(message,))
            return self._reply(snapshot, decision, request, budget, event)
        for action in transition.acts:
            decision = decision.then(self._run(action, decision.customer, request, parsed))
        return self._reply(snapshot, decision, request, budget, event)

    def _is_loop(self, customer: Subscription, event: DialogueEvent, budget: ReplyBudget) -> bool:
        """Whether a trial person's phone seems to answer relayed texts by itself."""
        is_trial = self._policy.is_trial_person(customer.number)
        return is_trial and event in NOT_UNDERSTOOD and not budget.allows_hint

    @staticmethod
    def _leaves(customer: Subscription, event: DialogueEvent, acts: tuple[str, ...]) -> bool:
        """Whether a text is a wish to cancel that the subscription can still follow."""
        wish = event in {_E.CANCEL, _E.LEAVE} or not _LEAVING_ACTIONS.isdisjoint(acts)
        return wish and customer.state in _CAN_LEAVE

    def _beyond_limit(
        self, snapshot: Snapshot, request: CustomerRequest, budget: ReplyBudget
    ) -> ChangeSet:
        """Change nothing; say once that the limit of replies is reached."""
        customer = snapshot.subscription
        if budget.limit is not ReplyLimit.REACHED:
            silent = Decision(customer).change_set(customer, request.event, Reply())
            return replace(silent, figures=limited(self._clock.now()))
        key = "too_many_held" if customer.state in _CAN_LEAVE else "too_many"
        message = (key, self._policy.template_params(customer, request.language))
        reply = trial_reply(self._policy, customer, (message,), request.language)
        change = Decision(customer).change_set(customer, request.event, reply)
        records = (*change.records, budget.spent(told=True))
        return replace(change, records=records, figures=limited(self._clock.now()))

    def _refusal(
        self, customer: Subscription, event: DialogueEvent, language: Language
    ) -> Message | None:
        """The reason why the sender is not served; None for a subscription that is held."""
        former = customer.opened_at is not None and event in _FOR_FORMER_CUSTOMERS
        if self._policy.has_left_trial(customer) and event not in _AFTER_TRIAL:
            return "trial_over", self._policy.template_params(customer, language)
        if customer.state in HOLDING or event is DialogueEvent.ITEM or former:
            return None
        return self._policy.ineligibility(customer, Channel.TEXT, language)

    def _refuse(self, customer: Subscription, refusal: Message, language: Language) -> Decision:
        """The refusal; if only the province is unknown, a question for it."""
        if refusal[0] == "province_unknown":
            return preferences.ask_province(self._policy, customer, language)
        return Decision(customer, (refusal,))

    def _event(
        self, state: DialogueState, body: str, parsed: ParsedMessage, home: str | None
    ) -> DialogueEvent:
        asks_province = state is DialogueState.WHICH_PROVINCE
        choice = _CHOICES.get(state, {}).get(normalise(body))
        if choice or (asks_province and chosen_province(self._policy.book, body)):
            return choice or DialogueEvent.ITEM
        if parsed.intent is not None:
            return DialogueEvent(parsed.intent.value)
        if parsed.wish is not None:
            return _EVENT_BY_WISH[parsed.wish]
        if parsed.elsewhere is not None:
            return DialogueEvent.ELSEWHERE
        if not parsed.near:
            return DialogueEvent.UNKNOWN
        # In an answer to an offer, words near the keyword that subscribes are nearly a yes.
        nearly_yes = self._parser.parse(parsed.near[0], home).intent is Intent.OPEN
        offered = state is DialogueState.OFFERED
        return DialogueEvent.MAYBE_AGREE if offered and nearly_yes else DialogueEvent.NEAR

    def _may_answer_advertisement(self, customer: Subscription, body: str) -> bool:
        """Whether a cancel names no service and comes within a day of an advertisement."""
        if customer.promotions_since is None or customer.state not in _CAN_LEAVE:
            return False
        book, folded = self._policy.book, normalise(body)
        province = self._policy.service_area(customer).province
        own = province.words.get(Intent.CANCEL, ()) if province else ()
        listed = (each.get(PhraseRole.SERVICE, ()) for each in book.phrases.values())
        if any(normalise(name) in folded for name in chain(own, *listed)):
            return False
        receipts = self._account.latest_receipts(customer.number, _RECEIPTS_OF_A_DAY)
        return had_advertisement(book, receipts, self._clock.now())

    def _unknown(self, customer: Subscription, request: CustomerRequest) -> Decision:
        key = "unknown_held" if customer.state in _HAS_SERVICE else "unknown"
        if self._policy.is_trial_person(customer.number):
            key = "unknown_trial"
        return self._policy.refused(customer, key, request)

    def _confirm_again(self, customer: Subscription, request: CustomerRequest) -> Decision:
        key = "confirm_again_trial" if customer.trial else "confirm_again"
        return self._policy.refused(customer, key, request)

    def _set_province(self, customer: Subscription, request: CustomerRequest) -> Decision:
        code = chosen_province(self._policy.book, request.reply_text)
        return preferences.set_province(customer, code or "")

    def _state(self, customer: Subscription) -> DialogueState:
        """The state of the conversation; a question or an order expires with its window."""
        question, order, now = customer.question, customer.order, self._clock.now()
        if question is not None and question.until > now:
            return _STATE_OF[question.topic]
        if order is not None:
            return DialogueState.LAPSED if order.expires_at <= now else DialogueState.OFFERED
        return DialogueState.LAPSED if customer.lapsed_at else DialogueState.IDLE

    def _reply(
        self,
        snapshot: Snapshot,
        decision: Decision,
        request: CustomerRequest,
        budget: ReplyBudget,
        event: DialogueEvent,
    ) -> ChangeSet:
        customer = snapshot.subscription
        reply = trial_reply(self._policy, customer, decision.messages, request.language)
        # Only a consent record needs the text of the reply.
        text = self._render(reply) if decision.audit else ""
        hints = int(event in NOT_UNDERSTOOD)
        change = decision.change_set(customer, request.event, reply, text)
        change = replace(change, records=(*change.records, budget.spent(hints=hints)))
        return with_text_figure(change, customer, event, request.reply_text, self._clock.now())

    def _run(
        self, action: str, customer: Subscription, request: CustomerRequest, parsed: ParsedMessage
    ) -> Decision:
        near, elsewhere = "|".join(parsed.near), parsed.elsewhere or ""
        named = {"near": {"words": near}, "elsewhere": {"word": elsewhere}}
        if action in named:
            return Decision(customer, ((action, named[action]),))
        if action not in {"offer", "offer_again"}:
            return self._actions[action](customer, request)
        late = action == "offer_again"
        decision = ordering.order(self._policy, customer, request, late=late)
        if decision.customer == customer or customer.language or parsed.language is None:
            return decision
        # The answer may be a code word such as Y; it gets a reply in the language of the order.
        return replace(decision, customer=replace(decision.customer, language=parsed.language))
