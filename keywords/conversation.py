"""Keyword conversation of 7500: inbound message to dialogue event, change and one reply."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keywords.parser import KeywordParser, ParsedMessage
from keywords.queries import AccountReplies
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import AuditEntry
from receipts.model.customer import DailyReplyCount, QuestionTopic, Subscription
from receipts.model.vocabulary import Channel, Intent, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot
from receipts.rulebook.normalise import normalise
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.shared_actions import LANGUAGE_BY_ACTION, Action, shared_actions
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueEvent, DialogueState
from statemachines.subscription import HOLDING

#: Actions that only reply with a hint. Their number a day is limited against reply loops.
_HINTS = frozenset({"unknown", "near", "elsewhere", "nothing_waits", "refusal"})

#: Events of former customers that are served although a new order would be refused.
_E = DialogueEvent
_FOR_FORMER_CUSTOMERS = frozenset({_E.CANCEL, _E.LIST_ALL, _E.RECEIPTS, _E.CHARGES})

_STATE_OF = {
    QuestionTopic.PROVINCE: DialogueState.WHICH_PROVINCE,
    QuestionTopic.LIST: DialogueState.LISTED,
}


class InboundMessage(Struct, frozen=True):
    """A text to the short code. ``opt_out`` is the keyword that the carrier has answered."""

    event: str
    sender: Msisdn
    body: str
    opt_out: str = ""


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
        self._policy, self._parser, self._clock, self._render = policy, parser, clock, render
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
            "unknown": replies.sentence("unknown"),
            "province": self._set_province,
        }

    def months(self, text: InboundMessage) -> tuple[str, ...]:
        """Months whose charges to load with the subscription, guessed from shared keywords."""
        intent = self._parser.parse(text.body, None).intent
        return (month_of(self._clock.now()),) if intent in {Intent.ASK, Intent.CHARGES} else ()

    def decide(self, snapshot: Snapshot, text: InboundMessage) -> ChangeSet:
        """The changes and the reply for one message."""
        if text.opt_out:
            return self._answered_by_carrier(snapshot, text)
        customer = snapshot.subscription
        home = self._policy.service_area(customer).number_info.province
        parsed = self._parser.parse(text.body, home)
        language = self._policy.language(customer, _reply_language(parsed))
        request = CustomerRequest(
            Channel.TEXT, language, text.event, text.body[:160], charges=snapshot.charges
        )
        state = self._state(customer)
        event = self._event(state, text.body, parsed)
        # The next message answers or drops a pending question.
        decision = Decision(replace(customer, question=None) if customer.question else customer)
        refusal = self._refusal(customer, event, language)
        if refusal is not None:
            refused = self._refuse(decision.customer, refusal, language)
            return self._reply(snapshot, decision.then(refused), request, "refusal")
        transition = KEYWORD_DIALOGUE.fire(state, event)
        if transition.reason is not None:
            message = (transition.reason, self._policy.template_params(customer, language))
            decision = replace(decision, messages=(message,))
            return self._reply(snapshot, decision, request, transition.reason)
        for action in transition.acts:
            decision = decision.then(self._run(action, decision.customer, request, parsed))
        return self._reply(snapshot, decision, request, transition.acts[-1])

    def _refusal(
        self, customer: Subscription, event: DialogueEvent, language: Language
    ) -> Message | None:
        """The reason why the sender is not served; None for a subscription that is held."""
        former = customer.opened_at is not None and event in _FOR_FORMER_CUSTOMERS
        if customer.state in HOLDING or event is DialogueEvent.ITEM or former:
            return None
        return self._policy.ineligibility(customer, Channel.TEXT, language)

    def _refuse(self, customer: Subscription, refusal: Message, language: Language) -> Decision:
        """The refusal; if only the province is unknown, a question for it."""
        if refusal[0] == "province_unknown":
            return preferences.ask_province(self._policy, customer, language)
        return Decision(customer, (refusal,))

    def _event(self, state: DialogueState, body: str, parsed: ParsedMessage) -> DialogueEvent:
        answers_province = state is DialogueState.WHICH_PROVINCE and self._province_code(body)
        if answers_province or (state is DialogueState.LISTED and normalise(body) == "1"):
            return DialogueEvent.ITEM
        if parsed.intent is not None:
            return DialogueEvent(parsed.intent.value)
        if parsed.elsewhere is not None:
            return DialogueEvent.ELSEWHERE
        return DialogueEvent.NEAR if parsed.near else DialogueEvent.UNKNOWN

    def _province_code(self, body: str) -> str | None:
        """The code of the province that a text selects, by list number or by name."""
        text = normalise(body)
        for number, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            if text in {str(number), normalise(province.names.zh), normalise(province.names.en)}:
                return code
        return None

    def _set_province(self, customer: Subscription, request: CustomerRequest) -> Decision:
        return preferences.set_province(customer, self._province_code(request.reply_text) or "")

    def _state(self, customer: Subscription) -> DialogueState:
        """The state of the conversation; a question or an order expires with its window."""
        question, order, now = customer.question, customer.order, self._clock.now()
        if question is not None and question.until > now:
            return _STATE_OF[question.topic]
        if order is not None:
            return DialogueState.LAPSED if order.expires_at <= now else DialogueState.OFFERED
        return DialogueState.LAPSED if customer.lapsed_at else DialogueState.IDLE

    def _reply(
        self, snapshot: Snapshot, decision: Decision, request: CustomerRequest, action: str
    ) -> ChangeSet:
        customer, language = snapshot.subscription, request.language.value
        reply = Reply(decision.messages, language)
        if action not in _HINTS:
            # Only a consent record needs the text of the reply.
            text = self._render(reply) if decision.audit else ""
            return decision.change_set(customer, request.event, reply, text)
        reply_count = self._count_hint(snapshot, action)
        if reply_count is None:
            # Drop the hint alone: a lapsed order is still reported.
            reply = Reply(decision.messages[:-1], language)
        change = decision.change_set(customer, request.event, reply)
        if reply_count is None:
            return change
        return replace(change, records=(*change.records, reply_count))

    def _count_hint(self, snapshot: Snapshot, action: str) -> DailyReplyCount | None:
        """The number's reply count with this hint; None above the daily limits."""
        today = self._clock.now().astimezone(SHANGHAI).date()
        count = snapshot.reply_count or DailyReplyCount(snapshot.number, today)
        if count.day != today:
            count = DailyReplyCount(snapshot.number, today, version=count.version)
        unknown, hints = count.unknown_words + (action == "unknown"), count.hints + 1
        limits = self._policy.limits(snapshot.subscription)
        if unknown > limits.help_answers_a_day or hints > limits.hints_a_day:
            return None
        return replace(count, version=count.version + 1, unknown_words=unknown, hints=hints)

    def _answered_by_carrier(self, snapshot: Snapshot, text: InboundMessage) -> ChangeSet:
        """Act on a STOP without a reply: the carrier has sent its own and would drop ours."""
        customer = snapshot.subscription
        language = self._policy.language(customer)
        request = CustomerRequest(Channel.TEXT, language, text.event, text.body[:160])
        decision = Decision(customer)
        if text.opt_out == "STOP":
            decision = decision.then(ordering.decline(self._policy, customer, request))
            cancelled = cancellation.cancel(self._policy, decision.customer, request)
            decision = decision.then(cancelled)
        if decision.customer == customer:
            state = customer.state.value
            entry = AuditEntry(
                self._clock.now(), text.sender, Channel.TEXT.value, text.event, state, state,
                reply_text=f"{text.opt_out}: {text.body[:160]}",
            )  # fmt: skip
            decision = Decision(customer, audit=(entry,))
        return decision.change_set(customer, text.event, Reply())

    def _run(
        self, action: str, customer: Subscription, request: CustomerRequest, parsed: ParsedMessage
    ) -> Decision:
        if action == "near":
            return Decision(customer, ((action, {"words": "|".join(parsed.near)}),))
        if action == "elsewhere":
            return Decision(customer, ((action, {"word": parsed.elsewhere or ""}),))
        if action not in {"offer", "offer_again"}:
            return self._actions[action](customer, request)
        late = action == "offer_again"
        decision = ordering.order(self._policy, customer, request, late=late)
        if decision.customer == customer or customer.language or parsed.language is None:
            return decision
        # The answer may be a code word such as Y; it gets a reply in the language of the order.
        return replace(decision, customer=replace(decision.customer, language=parsed.language))


def _reply_language(parsed: ParsedMessage) -> Language | None:
    """The language of a message; a keyword that selects a language counts as that language."""
    if parsed.intent is None:
        return parsed.language
    return LANGUAGE_BY_ACTION.get(parsed.intent.value, parsed.language)
