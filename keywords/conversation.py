"""One conversation with 7500: a text in, at most one reply out, and what it changes."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keywords.parser import KeywordParser, ParsedMessage
from keywords.queries import AccountReplies
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import AuditEntry
from receipts.model.customer import DailyReplyCount, QuestionTopic, Subscription
from receipts.model.vocabulary import (
    Channel,
    DisplayMode,
    Intent,
    Language,
    Msisdn,
    PromotionCategory,
)
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot
from receipts.rulebook.normalise import normalise
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import WISHES, PromotionConsent
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueEvent, DialogueState
from statemachines.subscription import HOLDING

#: Texts that teach or guide change nothing, and are counted so that machines get no endless talk.
_HINTS = frozenset({"unknown", "near", "elsewhere", "nothing_waits", "refusal"})

#: What one who had the service is answered also where it can be ordered no more: it left the
#: network, or its province closed. What was charged is told, not denied.
_LOOKING_BACK = frozenset(
    {
        DialogueEvent.CANCEL,
        DialogueEvent.LIST_ALL,
        DialogueEvent.RECEIPTS,
        DialogueEvent.CHARGES,
    }
)


class InboundMessage(Struct, frozen=True):
    """A text that reached the short code. ``opt_out`` is set when the carrier answered it."""

    event: str
    sender: Msisdn
    body: str
    opt_out: str = ""


_Act = Callable[[Subscription, CustomerRequest, ParsedMessage], Decision]
_Decision = Callable[[SubscriptionPolicy, Subscription, CustomerRequest], Decision]

#: Actions that need only the customer and the request.
_DECISIONS: dict[str, _Decision] = {
    "confirm": ordering.confirm,
    "decline": ordering.decline,
    "cancel": cancellation.cancel,
    "list_all": preferences.list_all,
    "ordinary": lambda policy, customer, asked: preferences.set_mode(
        policy, customer, DisplayMode.TEXT, asked
    ),
    "flash": lambda policy, customer, asked: preferences.set_mode(
        policy, customer, DisplayMode.FLASH, asked
    ),
    "chinese": lambda policy, customer, _: preferences.set_language(policy, customer, Language.ZH),
    "english": lambda policy, customer, _: preferences.set_language(policy, customer, Language.EN),
}


class Conversation:
    """Decides what one text does. ``decide`` is pure but for looking things up."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        grammar: KeywordParser,
        clock: Clock,
        account: AccountQueries,
        render: Callable[[Reply], str],
    ) -> None:
        self._policy, self._grammar, self._clock = policy, grammar, clock
        self._spoken = render
        messages, telling = PromotionConsent(policy, clock), AccountReplies(policy, account)
        self._acts: dict[str, _Act] = {
            "offer": self._offer,
            "offer_again": partial(self._offer, late=True),
            "ask": telling.ask,
            "receipts": telling.receipts,
            "charges": telling.charges,
            "province": self._province,
            "help": telling.plain("help"),
            "unknown": telling.plain("unknown"),
            "near": telling.near,
            "elsewhere": telling.elsewhere,
            **{act: partial(_decided, policy, decide) for act, decide in _DECISIONS.items()},
            **{act: _choosing(messages, kind) for act, kind in WISHES.items()},
        }

    def months(self, text: InboundMessage) -> tuple[str, ...]:
        """The months whose charges this text seems to ask for, to be read with the customer.

        A guess by the words that mean the same everywhere; where it fails they are looked up.
        """
        asks = self._grammar.read(text.body, None).wish in {Intent.ASK, Intent.CHARGES}
        return (month_of(self._clock.now()),) if asks else ()

    def decide(self, snapshot: Snapshot, text: InboundMessage) -> ChangeSet:
        """What one text changes, with its answer."""
        if text.opt_out:
            return self._answered_by_carrier(snapshot, text)
        customer = snapshot.subscription
        home = self._policy.service_area(customer).number_info.province
        reading = self._grammar.read(text.body, home)
        language = self._policy.language(customer, _spoken(reading))
        request = CustomerRequest(
            Channel.TEXT, language, text.event, text.body[:160], charges=snapshot.charges
        )
        stage = self._stage(customer)
        event = self._event(stage, text.body, reading)
        # A question is asked once: whatever comes next answers it or leaves it.
        step = Decision(replace(customer, question=None) if customer.question else customer)
        refusal = self._refusal(customer, event, language)
        if refusal is not None:
            return self._refused(snapshot, text, step, refusal, request)
        outcome = KEYWORD_DIALOGUE.fire(stage, event)
        if outcome.reason is not None:
            params = self._policy.template_params(customer, language)
            return self._say(
                snapshot, text, step.then(Decision(step.customer, ((outcome.reason, params),))),
                language, outcome.reason,
            )  # fmt: skip
        for act in outcome.acts:
            step = step.then(self._acts[act](step.customer, request, reading))
        return self._say(snapshot, text, step, language, outcome.acts[-1])

    def _refusal(
        self, customer: Subscription, event: DialogueEvent, language: Language
    ) -> Message | None:
        """Why this customer is not served here at all; None for all who have the service."""
        looks_back = customer.opened_at is not None and event in _LOOKING_BACK
        if customer.state in HOLDING or event is DialogueEvent.ITEM or looks_back:
            return None
        return self._policy.ineligibility(customer, Channel.TEXT, language)

    def _refused(
        self,
        snapshot: Snapshot,
        text: InboundMessage,
        step: Decision,
        refusal: Message,
        request: CustomerRequest,
    ) -> ChangeSet:
        """Not served here; where only the province is unknown, it is asked for."""
        if refusal[0] == "province_unknown":
            asking = step.then(
                preferences.ask_province(self._policy, step.customer, request.language)
            )
            return self._say(snapshot, text, asking, request.language, "refusal")
        message = step.then(Decision(step.customer, (refusal,)))
        return self._say(snapshot, text, message, request.language, "refusal")

    def _event(self, stage: DialogueState, body: str, reading: ParsedMessage) -> DialogueEvent:
        """What a text is: while a question of ours stands, a number or a province answers it."""
        if stage is DialogueState.WHICH_PROVINCE and self._named(body):
            return DialogueEvent.ITEM
        if stage is DialogueState.LISTED and normalise(body) == "1":
            return DialogueEvent.ITEM
        return _event(reading)

    def _named(self, body: str) -> str | None:
        """The code of the province a text names, by its number in our list or by its name."""
        text = normalise(body)
        for position, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            names = {str(position), normalise(province.names.zh), normalise(province.names.en)}
            if text in names:
                return code
        return None

    def _province(
        self, customer: Subscription, request: CustomerRequest, _: ParsedMessage
    ) -> Decision:
        return preferences.set_province(customer, self._named(request.reply_text) or "")

    def _stage(self, customer: Subscription) -> DialogueState:
        """What the conversation waits for; an order past its window waits no more."""
        question = customer.question
        if question is not None and question.until > self._clock.now():
            return _STAGE_OF[question.topic]
        if customer.order is not None:
            late = customer.order.expires_at <= self._clock.now()
            return DialogueState.LAPSED if late else DialogueState.OFFERED
        return DialogueState.LAPSED if customer.lapsed_at else DialogueState.IDLE

    def _say(
        self, snapshot: Snapshot, text: InboundMessage, step: Decision, language: Language, act: str
    ) -> ChangeSet:
        answer = Reply(step.messages, language.value)
        if act not in _HINTS:
            # Words are kept with what was agreed to; where nothing was, nobody needs them yet.
            said = self._spoken(answer) if step.audit else ""
            return step.change_set(snapshot.subscription, text.event, answer, said)
        reply_count = self._counted(snapshot, act)
        if reply_count is None:
            # Enough hints for today; what the text did besides, ending an order, is still said.
            answer = Reply(step.messages[:-1], language.value)
        change = step.change_set(snapshot.subscription, text.event, answer)
        return change if reply_count is None else _with_talk(change, reply_count)

    def _counted(self, snapshot: Snapshot, act: str) -> DailyReplyCount | None:
        """The talk with one more hint in it; None when this number has had enough of them."""
        now = self._clock.now()
        today = now.astimezone(SHANGHAI).date()
        reply_count = snapshot.reply_count or DailyReplyCount(snapshot.number, today)
        if reply_count.day != today:
            reply_count = DailyReplyCount(snapshot.number, today, version=reply_count.version)
        unknown, limits = (
            reply_count.unknown_words + (act == "unknown"),
            self._policy.limits(snapshot.subscription),
        )
        if unknown > limits.help_answers_a_day or reply_count.hints >= limits.hints_a_day:
            return None
        return replace(
            reply_count,
            version=reply_count.version + 1,
            unknown_words=unknown,
            hints=reply_count.hints + 1,
        )

    def _answered_by_carrier(self, snapshot: Snapshot, text: InboundMessage) -> ChangeSet:
        """The carrier has answered and will not carry our reply: act on a STOP, say nothing."""
        language = self._policy.language(snapshot.subscription)
        request = CustomerRequest(Channel.TEXT, language, text.event, text.body[:160])
        customer = snapshot.subscription
        step = Decision(customer)
        if text.opt_out == "STOP":
            step = step.then(ordering.decline(self._policy, customer, request))
            step = step.then(cancellation.cancel(self._policy, step.customer, request))
        if step.customer == customer:
            state = customer.state.value
            keyword = AuditEntry(
                self._clock.now(), text.sender, Channel.TEXT.value, text.event, state, state,
                reply_text=f"{text.opt_out}: {text.body[:160]}",
            )  # fmt: skip
            step = Decision(customer, audit=(keyword,))
        return step.change_set(customer, text.event, Reply())

    # -- acts that change --------------------------------------------------------------------

    def _offer(
        self,
        customer: Subscription,
        request: CustomerRequest,
        reading: ParsedMessage,
        *,
        late: bool = False,
    ) -> Decision:
        """The offer. Its answer may be a word of no language (Y), so a first one is kept."""
        step = ordering.order(self._policy, customer, request, late=late)
        if step.customer == customer or customer.language or reading.language is None:
            return step
        return replace(step, customer=replace(step.customer, language=reading.language))


def _decided(
    policy: SubscriptionPolicy,
    decide: _Decision,
    customer: Subscription,
    request: CustomerRequest,
    _: ParsedMessage,
) -> Decision:
    return decide(policy, customer, request)


def _choosing(
    messages: PromotionConsent, kind: PromotionCategory
) -> Callable[[Subscription, CustomerRequest, ParsedMessage], Decision]:
    return lambda customer, asked, _: messages.choose(kind, customer, asked)


#: What the conversation waits for while a question of ours stands.
_STAGE_OF = {
    QuestionTopic.PROVINCE: DialogueState.WHICH_PROVINCE,
    QuestionTopic.LIST: DialogueState.LISTED,
}


def _spoken(reading: ParsedMessage) -> Language | None:
    """The language a text was in; one that chooses a language is answered in that one."""
    if reading.wish is Intent.ENGLISH:
        return Language.EN
    return Language.ZH if reading.wish is Intent.CHINESE else reading.language


def _event(reading: ParsedMessage) -> DialogueEvent:
    if reading.wish is not None:
        return DialogueEvent(reading.wish.value)
    if reading.elsewhere is not None:
        return DialogueEvent.ELSEWHERE
    return DialogueEvent.NEAR if reading.near else DialogueEvent.UNKNOWN


def _with_talk(change: ChangeSet, reply_count: DailyReplyCount) -> ChangeSet:
    return replace(change, records=(*change.records, reply_count))
