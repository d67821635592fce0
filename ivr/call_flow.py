"""One call to 10086: what was heard, and what it changes; what is said is the speaker's."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from ivr.call_context import Place
from ivr.menu import Ear, keys
from ivr.prompts import Speaker
from ivr.verbs import HangUp, Step
from receipts.delivery import notifications
from receipts.delivery.lifecycle import Delivery
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.customer import Call, Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Door, Language, Mode, Msisdn, Outcome
from receipts.ports.changes import Answer, Change, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Held, Store
from receipts.ports.unit_of_work import settle
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import Asked, Phrase
from receipts.subscriptions.decision import Step as Act
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import WISHES, Messages
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Transition
from statemachines.subscription import HOLDING

#: How often a caller may be silent, and how often press a wrong key, before we say goodbye.
_PATIENCE = 3

#: A call whose end nobody tells us is summed up after this long.
_LONGEST_CALL = timedelta(hours=1)


class Pressed(Struct, frozen=True):
    """What the caller did at a place: a key, some words, or nothing."""

    sid: str
    caller: Msisdn
    place: Place
    key: str = ""
    speech: str = ""


class Hotline:
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
        self._ear = Ear(prompts)
        self._speaker = Speaker(policy, prompts, self._ear, base, agent)
        messages = Messages(policy, clock)
        self._changing: dict[str, Callable[[Subscription, Asked], Act]] = {
            "chinese": lambda customer, _: preferences.set_language(policy, customer, Language.ZH),
            "english": lambda customer, _: preferences.set_language(policy, customer, Language.EN),
            "open": partial(ordering.open_at_once, policy),
            "cancel": partial(cancellation.cancel, policy),
            "ordinary": lambda customer, asked: preferences.set_mode(
                policy, customer, Mode.TEXT, asked
            ),
            "flash": lambda customer, asked: preferences.set_mode(
                policy, customer, Mode.FLASH, asked
            ),
            "ask": self._ask,
            "receipts": self._receipts,
            "province": self._province,
            **{act: partial(messages.choose, kind) for act, kind in WISHES.items()},
        }

    # -- the three webhooks ------------------------------------------------------------------

    def answer(self, caller: Msisdn | None) -> list[Step]:
        """A call comes in."""
        if caller is None:
            return self._speaker.both("withheld", {})
        customer = self._store.read(caller).subscription
        language = self._policy.language(customer)
        at = CallState.MENU if customer.language else CallState.LANGUAGE
        if customer.state not in HOLDING:
            refusal = self._policy.ineligibility(customer, Door.VOICE, language)
            if refusal is not None and refusal[0] != "province_unknown":
                return self._speaker.refused(customer)
            at = CallState.WHICH_PROVINCE if refusal else at
        place = Place(at, language).seeing(customer, self._home(customer))
        return [*self._speaker.greeting(customer), self._speaker.page(caller, place)]

    def pressed(self, pressed: Pressed) -> list[Step]:
        """The caller pressed a key, said something, or kept silent."""
        place = pressed.place
        event = self._heard(pressed)
        outcome = CALL_MENU.fire(place.at, event)
        if outcome.reason is not None:
            outcome = CALL_MENU.fire(place.at, self._missed(place, CallEvent.WRONG))
        act = outcome.acts[0] if outcome.acts else "goodbye"
        if act in self._changing:
            return self._changed(pressed, outcome, act)
        after = place.next(at=outcome.state, **_counters(place, act))
        return self._speaker.told(pressed.caller, after, act)

    def ended(self, sid: str, caller: Msisdn, delivery: Delivery) -> None:
        """The call is over: one text tells what it changed."""
        settle(
            self._store,
            caller,
            lambda held: notifications.summed_up(held, self._store, delivery, sid),
            call=sid,
        )

    def trouble(self, language: Language | None) -> list[Step]:
        """An apology, for when we cannot do our work; it needs nothing but words."""
        languages = (language,) if language else tuple(Language)
        return [*(self._speaker.say("trouble", each) for each in languages), HangUp()]

    # -- what was heard ----------------------------------------------------------------------

    def _heard(self, pressed: Pressed) -> CallEvent:
        place = pressed.place
        if pressed.key:
            event = keys(place).get(pressed.key[:1], CallEvent.WRONG)
            if event is CallEvent.PROVINCE and not self._province_of(pressed.key):
                event = CallEvent.WRONG
        elif pressed.speech:
            event = self._ear.meant(place, pressed.speech)
        else:
            event = CallEvent.SILENCE
        return self._missed(place, event)

    @staticmethod
    def _missed(place: Place, event: CallEvent) -> CallEvent:
        """Silence or a wrong key once too often is too many."""
        missed = {CallEvent.SILENCE: place.silent, CallEvent.WRONG: place.wrong}.get(event, -1)
        return CallEvent.TOO_MANY if missed + 1 >= _PATIENCE else event

    # -- acts that ask the store -------------------------------------------------------------

    def _changed(self, pressed: Pressed, outcome: Transition[CallState], act: str) -> list[Step]:
        place = pressed.place
        said = _LANGUAGE_OF.get(act, place.language)
        heard = pressed.key or pressed.speech[:160]
        # The yes is an answer to what this page said: that is what the customer was shown.
        shown = self._speaker.offer(pressed.caller, place) if act == "open" else ""
        asked = Asked(Door.VOICE, said, pressed.sid, heard, shown=shown)

        def decide(held: Held) -> Change:
            stands = place.seeing(held.subscription, self._home(held.subscription))
            if act == "open" and not self._speaker.still_offers(pressed.caller, place, stands):
                # The price has changed since it was told: it is told again, and nothing opens.
                told = Answer((), said.value, stands.next(silent=0, wrong=0).link(""))
                return Change(held.number, claim=claim, answer=told)
            done = self._changing[act](held.subscription, replace(asked, charges=held.charges))
            after = place.next(at=outcome.state, language=said, silent=0, wrong=0)
            seen = after.seeing(done.customer, self._home(done.customer))
            told = Answer(done.phrases, said.value, seen.link(""))
            change = done.change(held.subscription, claim, told, self._words(done.phrases, said))
            return self._noted(change, held, pressed.sid, done.phrases, said)

        claim = f"call:{pressed.sid}:{place.step}"
        months = (month_of(self._clock.now()),) if act == "ask" else ()
        answer = settle(self._store, pressed.caller, decide, claim, call=pressed.sid, months=months)
        after = Place.read(dict(parse_qsl(answer.next.partition("?")[2], keep_blank_values=True)))
        if act == "province" and self._speaker.refusals(after.known(pressed.caller), (said,)):
            return self._speaker.refused(replace(after.known(pressed.caller), language=said))
        return [
            *self._speaker.phrases(answer.phrases, said),
            self._speaker.page(pressed.caller, after),
        ]

    def _home(self, customer: Subscription) -> str | None:
        return self._policy.service_area(customer).home.province

    def _words(self, phrases: tuple[Phrase, ...], language: Language) -> str:
        return "".join(say.text for say in self._speaker.phrases(phrases, language))

    def _province(self, customer: Subscription, asked: Asked) -> Act:
        """The caller said where the number is at home."""
        code = self._province_of(asked.heard)
        return preferences.says_province(customer, code) if code else Act(customer)

    def _province_of(self, heard: str) -> str | None:
        """The code of the province that a key stands for, or that some words name."""
        for place, (code, province) in enumerate(self._policy.book.provinces.items(), start=1):
            named = (province.names.zh in heard, province.names.en in heard.title())
            if heard == str(place) or any(named):
                return code
        return None

    def _noted(
        self, change: Change, held: Held, sid: str, phrases: tuple[Phrase, ...], said: Language
    ) -> Change:
        """The change, with a note of it for the text that sums the call up."""
        acts = tuple(phrase for phrase in phrases if notifications.tells(phrase[0]))
        if not acts or not change.records:
            return change
        was = held.call or Call(sid, held.number, said)
        call = replace(was, version=was.version + 1, language=said, acts=(*was.acts, *acts))
        timer = Timer(notifications.CALL, held.number, sid, self._clock.now() + _LONGEST_CALL)
        return replace(change, records=(*change.records, call), timers=(*change.timers, timer))

    def _ask(self, customer: Subscription, asked: Asked) -> Act:
        charges = asked.charges
        if charges is None:
            charges = tuple(self._account.charges(customer.number))
        spent = sum(charge.fen for charge in charges)
        return preferences.ask(self._policy, customer, asked, spent)

    def _receipts(self, customer: Subscription, asked: Asked) -> Act:
        shown = self._policy.limits(customer).receipts_shown
        found = self._account.latest_receipts(customer.number, shown)
        if not found:
            return Act(customer, (("receipts_none", {}),))
        lines = tuple(("receipt_line", _line(receipt, asked.language)) for receipt in found)
        return Act(customer, (("receipts_list", {}), *lines))


_LANGUAGE_OF = {"chinese": Language.ZH, "english": Language.EN}


def _counters(place: Place, act: str) -> dict[str, int]:
    """Each miss has its own counter; anything understood clears both."""
    if act == "silence":
        return {"silent": place.silent + 1, "wrong": place.wrong}
    if act == "wrong":
        return {"silent": place.silent, "wrong": place.wrong + 1}
    return {"silent": 0, "wrong": 0}


def _line(receipt: Receipt, language: Language) -> dict[str, str]:
    when = receipt.created_at.astimezone(SHANGHAI)
    return {
        "friend": " ".join((receipt.friend or "")[-4:]),
        "when": f"{day(when, language)} {when:%H:%M}",
        "outcome": receipt.outcome.value if receipt.outcome else Outcome.NO_ANSWER.value,
    }
