"""One call to 10086: what was heard, and what it changes; what is said is the speaker's."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.menu import SpeechMatcher, keys
from ivr.prompts import PromptBuilder
from ivr.verbs import Hangup, Verb
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.customer import CallLog, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Message
from receipts.subscriptions.decision import Decision as Act
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import WISHES, PromotionConsent
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: How often a caller may be silent, and how often press a wrong key, before we say goodbye.
_PATIENCE = 3

#: A call whose end nobody tells us is summed up after this long.
_LONGEST_CALL = timedelta(hours=1)


class CallerInput(Struct, frozen=True):
    """What the caller did at a place: a key, some words, or nothing."""

    sid: str
    caller: Msisdn
    place: CallContext
    key: str = ""
    speech: str = ""


class CallFlow:
    """Answers calls. Only what changes something, or tells of the customer, asks the store."""

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
        self._ear = SpeechMatcher(prompts)
        self._speaker = PromptBuilder(policy, prompts, self._ear, base, agent)
        messages = PromotionConsent(policy, clock)
        self._changing: dict[str, Callable[[Subscription, CustomerRequest], Act]] = {
            "chinese": lambda customer, _: preferences.set_language(policy, customer, Language.ZH),
            "english": lambda customer, _: preferences.set_language(policy, customer, Language.EN),
            "open": partial(ordering.order_and_confirm, policy),
            "cancel": partial(cancellation.cancel, policy),
            "ordinary": lambda customer, asked: preferences.set_mode(
                policy, customer, DisplayMode.TEXT, asked
            ),
            "flash": lambda customer, asked: preferences.set_mode(
                policy, customer, DisplayMode.FLASH, asked
            ),
            "ask": self._ask,
            "receipts": self._receipts,
            "province": self._province,
            **{act: partial(messages.choose, kind) for act, kind in WISHES.items()},
        }

    # -- the three webhooks ------------------------------------------------------------------

    def answer(self, caller: Msisdn | None) -> list[Verb]:
        """A call comes in."""
        if caller is None:
            return self._speaker.both("withheld", {})
        customer = self._store.load(caller).subscription
        language = self._policy.language(customer)
        at = CallState.MENU if customer.language else CallState.LANGUAGE
        if customer.state not in HOLDING:
            refusal = self._policy.ineligibility(customer, Channel.VOICE, language)
            if refusal is not None and refusal[0] != "province_unknown":
                return self._speaker.refused(customer)
            at = CallState.WHICH_PROVINCE if refusal else at
        context = CallContext(at, language).seeing(customer, self._home(customer))
        return [*self._speaker.greeting(customer), self._speaker.page(caller, context)]

    def handle_input(self, pressed: CallerInput) -> list[Verb]:
        """The caller pressed a key, said something, or kept silent."""
        context = pressed.place
        event = self._match(pressed)
        outcome = CALL_MENU.fire(context.at, event)
        if outcome.reason is not None:
            outcome = CALL_MENU.fire(context.at, self._after_miss(context, CallEvent.WRONG))
        act = outcome.acts[0] if outcome.acts else "goodbye"
        if act in self._changing:
            return self._apply(pressed, outcome, act)
        after = context.next(at=outcome.state, **_counters(context, act))
        return self._speaker.result(pressed.caller, after, act)

    def ended(self, sid: str, caller: Msisdn, delivery: ReceiptLifecycle) -> None:
        """The call is over: one text tells what it changed."""
        run_in_transaction(
            self._store,
            caller,
            lambda held: notifications.call_summary(held, self._store, delivery, sid),
            call=sid,
        )

    def apology(self, language: Language | None) -> list[Verb]:
        """An apology, for when we cannot do our work; it needs nothing but words."""
        languages = (language,) if language else tuple(Language)
        return [*(self._speaker.say("trouble", each) for each in languages), Hangup()]

    # -- what was heard ----------------------------------------------------------------------

    def _match(self, pressed: CallerInput) -> CallEvent:
        context = pressed.place
        if pressed.key:
            event = keys(context).get(pressed.key[:1], CallEvent.WRONG)
            if event is CallEvent.PROVINCE and not self._province_of(pressed.key):
                event = CallEvent.WRONG
        elif pressed.speech:
            event = self._ear.match(context, pressed.speech)
        else:
            event = CallEvent.SILENCE
        return self._after_miss(context, event)

    @staticmethod
    def _after_miss(context: CallContext, event: CallEvent) -> CallEvent:
        """Silence or a wrong key once too often is too many."""
        missed = {CallEvent.SILENCE: context.silent, CallEvent.WRONG: context.wrong}.get(event, -1)
        return CallEvent.TOO_MANY if missed + 1 >= _PATIENCE else event

    # -- acts that ask the store -------------------------------------------------------------

    def _apply(self, pressed: CallerInput, outcome: Transition[CallState], act: str) -> list[Verb]:
        context = pressed.place
        language = _LANGUAGE_OF.get(act, context.language)
        input_text = pressed.key or pressed.speech[:160]
        # The yes is an answer to what this page said: that is what the customer was shown.
        prompt = self._speaker.offer(pressed.caller, context) if act == "open" else ""
        request = CustomerRequest(
            Channel.VOICE, language, pressed.sid, input_text, shown_text=prompt
        )

        def decide(snapshot: Snapshot) -> ChangeSet:
            stands = context.seeing(snapshot.subscription, self._home(snapshot.subscription))
            if act == "open" and not self._speaker.still_offers(pressed.caller, context, stands):
                # The price has changed since it was told: it is told again, and nothing opens.
                reply = Reply((), language.value, stands.next(silent=0, wrong=0).link(""))
                return ChangeSet(snapshot.number, idempotency_key=idempotency_key, reply=reply)
            done = self._changing[act](
                snapshot.subscription, replace(request, charges=snapshot.charges)
            )
            after = context.next(at=outcome.state, language=language, silent=0, wrong=0)
            seen = after.seeing(done.customer, self._home(done.customer))
            reply = Reply(done.messages, language.value, seen.link(""))
            change = done.change_set(
                snapshot.subscription, idempotency_key, reply, self._words(done.messages, language)
            )
            return self._with_call_log(change, snapshot, pressed.sid, done.messages, language)

        idempotency_key = f"call:{pressed.sid}:{context.step}"
        months = (month_of(self._clock.now()),) if act == "ask" else ()
        answer = run_in_transaction(
            self._store, pressed.caller, decide, idempotency_key, call=pressed.sid, months=months
        )
        after = CallContext.read(
            dict(parse_qsl(answer.next.partition("?")[2], keep_blank_values=True))
        )
        if act == "province" and self._speaker.refusals(after.known(pressed.caller), (language,)):
            return self._speaker.refused(replace(after.known(pressed.caller), language=language))
        return [
            *self._speaker.phrases(answer.messages, language),
            self._speaker.page(pressed.caller, after),
        ]

    def _home(self, customer: Subscription) -> str | None:
        return self._policy.service_area(customer).number_info.province

    def _words(self, messages: tuple[Message, ...], language: Language) -> str:
        return "".join(say.text for say in self._speaker.phrases(messages, language))

    def _province(self, customer: Subscription, request: CustomerRequest) -> Act:
        """The caller said where the number is at home."""
        code = self._province_of(request.reply_text)
        return preferences.set_province(customer, code) if code else Act(customer)

    def _province_of(self, spoken: str) -> str | None:
        """The code of the province that a key stands for, or that some words name."""
        for context, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            named = (province.names.zh in spoken, province.names.en in spoken.title())
            if spoken == str(context) or any(named):
                return code
        return None

    def _with_call_log(
        self,
        change: ChangeSet,
        snapshot: Snapshot,
        sid: str,
        messages: tuple[Message, ...],
        language: Language,
    ) -> ChangeSet:
        """The change, with a note of it for the text that sums the call up."""
        acts = tuple(phrase for phrase in messages if notifications.is_notifiable(phrase[0]))
        if not acts or not change.records:
            return change
        previous = snapshot.call or CallLog(sid, snapshot.number, language)
        call = replace(
            previous, version=previous.version + 1, language=language, acts=(*previous.acts, *acts)
        )
        timer = Timer(notifications.CALL, snapshot.number, sid, self._clock.now() + _LONGEST_CALL)
        return replace(change, records=(*change.records, call), timers=(*change.timers, timer))

    def _ask(self, customer: Subscription, request: CustomerRequest) -> Act:
        charges = request.charges
        if charges is None:
            charges = tuple(self._account.charges(customer.number))
        spent = sum(charge.fen for charge in charges)
        return preferences.account_status(self._policy, customer, request, spent)

    def _receipts(self, customer: Subscription, request: CustomerRequest) -> Act:
        limit = self._policy.limits(customer).receipts_shown
        found = self._account.latest_receipts(customer.number, limit)
        if not found:
            return Act(customer, (("receipts_none", {}),))
        lines = tuple(("receipt_line", _line(receipt, request.language)) for receipt in found)
        return Act(customer, (("receipts_list", {}), *lines))


_LANGUAGE_OF = {"chinese": Language.ZH, "english": Language.EN}


def _counters(context: CallContext, act: str) -> dict[str, int]:
    """Each miss has its own counter; anything understood clears both."""
    if act == "silence":
        return {"silent": context.silent + 1, "wrong": context.wrong}
    if act == "wrong":
        return {"silent": context.silent, "wrong": context.wrong + 1}
    return {"silent": 0, "wrong": 0}


def _line(receipt: Receipt, language: Language) -> dict[str, str]:
    when = receipt.created_at.astimezone(SHANGHAI)
    return {
        "friend": " ".join((receipt.recipient or "")[-4:]),
        "when": f"{day(when, language)} {when:%H:%M}",
        "outcome": receipt.outcome.value if receipt.outcome else ReceiptOutcome.NO_ANSWER.value,
    }
