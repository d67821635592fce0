"""One conversation with 7500: a text in, at most one reply out, and what it changes."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keywords.parser import Grammar, Reading
from keywords.queries import Telling
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import Audit
from receipts.model.customer import Subscription, Talk, Topic
from receipts.model.vocabulary import Door, Informing, Language, Mode, Msisdn, Wish
from receipts.ports.changes import Answer, Change
from receipts.ports.clock import Clock
from receipts.ports.store import Held
from receipts.rulebook.normalise import fold
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import Asked, Phrase, Step
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import WISHES, Messages
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


class IncomingText(Struct, frozen=True):
    """A text that reached the short code. ``opt_out`` is set when the carrier answered it."""

    event: str
    sender: Msisdn
    body: str
    opt_out: str = ""


_Act = Callable[[Subscription, Asked, Reading], Step]
_Decision = Callable[[SubscriptionPolicy, Subscription, Asked], Step]

#: Actions that need only the customer and the request.
_DECISIONS: dict[str, _Decision] = {
    "confirm": ordering.confirm,
    "decline": ordering.decline,
    "cancel": cancellation.cancel,
    "list_all": preferences.list_all,
    "ordinary": lambda policy, customer, asked: preferences.set_mode(
        policy, customer, Mode.TEXT, asked
    ),
    "flash": lambda policy, customer, asked: preferences.set_mode(
        policy, customer, Mode.FLASH, asked
    ),
    "chinese": lambda policy, customer, _: preferences.set_language(policy, customer, Language.ZH),
    "english": lambda policy, customer, _: preferences.set_language(policy, customer, Language.EN),
}


class Conversation:
    """Decides what one text does. ``decide`` is pure but for looking things up."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        grammar: Grammar,
        clock: Clock,
        account: AccountQueries,
        spoken: Callable[[Answer], str],
    ) -> None:
        self._policy, self._grammar, self._clock = policy, grammar, clock
        self._spoken = spoken
        messages, telling = Messages(policy, clock), Telling(policy, account)
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

    def months(self, text: IncomingText) -> tuple[str, ...]:
        """The months whose charges this text seems to ask for, to be read with the customer.

        A guess by the words that mean the same everywhere; where it fails they are looked up.
        """
        asks = self._grammar.read(text.body, None).wish in {Wish.ASK, Wish.CHARGES}
        return (month_of(self._clock.now()),) if asks else ()

    def decide(self, held: Held, text: IncomingText) -> Change:
        """What one text changes, with its answer."""
        if text.opt_out:
            return self._answered_by_carrier(held, text)
        customer = held.subscription
        home = self._policy.service_area(customer).home.province
        reading = self._grammar.read(text.body, home)
        language = self._policy.language(customer, _spoken(reading))
        asked = Asked(Door.TEXT, language, text.event, text.body[:160], charges=held.charges)
        stage = self._stage(customer)
        event = self._event(stage, text.body, reading)
        # A question is asked once: whatever comes next answers it or leaves it.
        step = Step(replace(customer, question=None) if customer.question else customer)
        refusal = self._refusal(customer, event, language)
        if refusal is not None:
            return self._refused(held, text, step, refusal, asked)
        outcome = KEYWORD_DIALOGUE.fire(stage, event)
        if outcome.reason is not None:
            facts = self._policy.template_params(customer, language)
            return self._say(
                held, text, step.then(Step(step.customer, ((outcome.reason, facts),))),
                language, outcome.reason,
            )  # fmt: skip
        for act in outcome.acts:
            step = step.then(self._acts[act](step.customer, asked, reading))
        return self._say(held, text, step, language, outcome.acts[-1])

    def _refusal(
        self, customer: Subscription, event: DialogueEvent, language: Language
    ) -> Phrase | None:
        """Why this customer is not served here at all; None for all who have the service."""
        looks_back = customer.opened_at is not None and event in _LOOKING_BACK
        if customer.state in HOLDING or event is DialogueEvent.ITEM or looks_back:
            return None
        return self._policy.ineligibility(customer, Door.TEXT, language)

    def _refused(
        self, held: Held, text: IncomingText, step: Step, refusal: Phrase, asked: Asked
    ) -> Change:
        """Not served here; where only the province is unknown, it is asked for."""
        if refusal[0] == "province_unknown":
            asking = step.then(
                preferences.ask_province(self._policy, step.customer, asked.language)
            )
            return self._say(held, text, asking, asked.language, "refusal")
        told = step.then(Step(step.customer, (refusal,)))
        return self._say(held, text, told, asked.language, "refusal")

    def _event(self, stage: DialogueState, body: str, reading: Reading) -> DialogueEvent:
        """What a text is: while a question of ours stands, a number or a province answers it."""
        if stage is DialogueState.WHICH_PROVINCE and self._named(body):
            return DialogueEvent.ITEM
        if stage is DialogueState.LISTED and fold(body) == "1":
            return DialogueEvent.ITEM
        return _event(reading)

    def _named(self, body: str) -> str | None:
        """The code of the province a text names, by its number in our list or by its name."""
        said = fold(body)
        for place, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            names = {str(place), fold(province.names.zh), fold(province.names.en)}
            if said in names:
                return code
        return None

    def _province(self, customer: Subscription, asked: Asked, _: Reading) -> Step:
        return preferences.says_province(customer, self._named(asked.heard) or "")

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
        self, held: Held, text: IncomingText, step: Step, language: Language, act: str
    ) -> Change:
        answer = Answer(step.phrases, language.value)
        if act not in _HINTS:
            # Words are kept with what was agreed to; where nothing was, nobody needs them yet.
            said = self._spoken(answer) if step.audit else ""
            return step.change(held.subscription, text.event, answer, said)
        talk = self._counted(held, act)
        if talk is None:
            # Enough hints for today; what the text did besides, ending an order, is still said.
            answer = Answer(step.phrases[:-1], language.value)
        change = step.change(held.subscription, text.event, answer)
        return change if talk is None else _with_talk(change, talk)

    def _counted(self, held: Held, act: str) -> Talk | None:
        """The talk with one more hint in it; None when this number has had enough of them."""
        now = self._clock.now()
        today = now.astimezone(SHANGHAI).date()
        talk = held.talk or Talk(held.number, today)
        if talk.day != today:
            talk = Talk(held.number, today, version=talk.version)
        unknown, limits = (
            talk.unknown + (act == "unknown"),
            self._policy.limits(held.subscription),
        )
        if unknown > limits.help_answers_a_day or talk.hints >= limits.hints_a_day:
            return None
        return replace(talk, version=talk.version + 1, unknown=unknown, hints=talk.hints + 1)

    def _answered_by_carrier(self, held: Held, text: IncomingText) -> Change:
        """The carrier has answered and will not carry our reply: act on a STOP, say nothing."""
        language = self._policy.language(held.subscription)
        asked = Asked(Door.TEXT, language, text.event, text.body[:160])
        customer = held.subscription
        step = Step(customer)
        if text.opt_out == "STOP":
            step = step.then(ordering.decline(self._policy, customer, asked))
            step = step.then(cancellation.cancel(self._policy, step.customer, asked))
        if step.customer == customer:
            state = customer.state.value
            heard = Audit(
                self._clock.now(), text.sender, Door.TEXT.value, text.event, state, state,
                heard=f"{text.opt_out}: {text.body[:160]}",
            )  # fmt: skip
            step = Step(customer, audit=(heard,))
        return step.change(customer, text.event, Answer())

    # -- acts that change --------------------------------------------------------------------

    def _offer(
        self, customer: Subscription, asked: Asked, reading: Reading, *, late: bool = False
    ) -> Step:
        """The offer. Its answer may be a word of no language (Y), so a first one is kept."""
        step = ordering.order(self._policy, customer, asked, late=late)
        if step.customer == customer or customer.language or reading.language is None:
            return step
        return replace(step, customer=replace(step.customer, language=reading.language))


def _decided(
    policy: SubscriptionPolicy, decide: _Decision, customer: Subscription, asked: Asked, _: Reading
) -> Step:
    return decide(policy, customer, asked)


def _choosing(
    messages: Messages, kind: Informing
) -> Callable[[Subscription, Asked, Reading], Step]:
    return lambda customer, asked, _: messages.choose(kind, customer, asked)


#: What the conversation waits for while a question of ours stands.
_STAGE_OF = {
    Topic.PROVINCE: DialogueState.WHICH_PROVINCE,
    Topic.LIST: DialogueState.LISTED,
}


def _spoken(reading: Reading) -> Language | None:
    """The language a text was in; one that chooses a language is answered in that one."""
    if reading.wish is Wish.ENGLISH:
        return Language.EN
    return Language.ZH if reading.wish is Wish.CHINESE else reading.language


def _event(reading: Reading) -> DialogueEvent:
    if reading.wish is not None:
        return DialogueEvent(reading.wish.value)
    if reading.elsewhere is not None:
        return DialogueEvent.ELSEWHERE
    return DialogueEvent.NEAR if reading.near else DialogueEvent.UNKNOWN


def _with_talk(change: Change, talk: Talk) -> Change:
    return replace(change, records=(*change.records, talk))
