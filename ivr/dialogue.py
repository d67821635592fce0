"""One call to 10086: a key or some words in, the next steps out, and what it changes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl

from ivr.menu import Ear, keys, options
from ivr.place import Place
from ivr.steps import Ask, Connect, HangUp, Say, Step
from receipts import notices
from receipts.deciding import settle
from receipts.delivery import Delivery
from receipts.model import (
    SHANGHAI,
    Call,
    Charge,
    Door,
    Language,
    Mode,
    Msisdn,
    Outcome,
    Receipt,
    Subscription,
    month_of,
)
from receipts.ports import Answer, Change, Clock, Held, Store, Timer
from receipts.subscriptions import Asked, Phrase, Subscriptions
from receipts.subscriptions import Step as Act
from receipts.wording import Catalogue, day
from statemachines.call_menu import CALL_MENU, CallEvent, CallState
from statemachines.engine import Outcome as Fired
from statemachines.subscription import HOLDING

#: How often a caller may be silent, and how often press a wrong key, before we say goodbye.
_PATIENCE = 3

#: A call whose end nobody tells us is summed up after this long.
_LONGEST_CALL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What the caller did at a place: a key, some words, or nothing."""

    sid: str
    caller: Msisdn
    place: Place
    key: str = ""
    speech: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the hotline may look up about a customer."""

    receipts: Callable[[Msisdn, int], list[Receipt]]
    charges: Callable[[Msisdn], list[Charge]]


class Hotline:
    """Answers calls. Only what changes something, or tells of the customer, asks the store."""

    def __init__(
        self,
        store: Store,
        subscriptions: Subscriptions,
        prompts: Catalogue,
        clock: Clock,
        ledger: Ledger,
        base: str,
        agent: str | None,
    ) -> None:
        self._store, self._business, self._prompts = store, subscriptions, prompts
        self._clock, self._ledger, self._base, self._agent = clock, ledger, base, agent
        self._ear = Ear(prompts)
        self._changing: dict[str, Callable[[Subscription, Asked], Act]] = {
            "chinese": lambda customer, _: subscriptions.set_language(customer, Language.ZH),
            "english": lambda customer, _: subscriptions.set_language(customer, Language.EN),
            "open": subscriptions.open_at_once,
            "cancel": subscriptions.cancel,
            "ordinary": lambda customer, asked: subscriptions.set_mode(customer, Mode.TEXT, asked),
            "flash": lambda customer, asked: subscriptions.set_mode(customer, Mode.FLASH, asked),
            "ask": self._ask,
            "receipts": self._receipts,
            "province": self._province,
        }

    # -- the three webhooks ------------------------------------------------------------------

    def answer(self, caller: Msisdn | None) -> list[Step]:
        """A call comes in."""
        if caller is None:
            return self._both("withheld", {})
        customer = self._store.read(caller).subscription
        language = self._business.language(customer)
        at = CallState.MENU if customer.language else CallState.LANGUAGE
        if customer.state not in HOLDING:
            refusal = self._business.refusal(customer, Door.VOICE, language)
            if refusal is not None and refusal[0] != "province_unknown":
                return self._refused(customer)
            at = CallState.WHICH_PROVINCE if refusal else at
        place = Place(at, language).seeing(customer, self._home(customer))
        return [*self._greeting(customer), self._page(caller, place)]

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
        return self._told(pressed.caller, after, act)

    def ended(self, sid: str, caller: Msisdn, delivery: Delivery) -> None:
        """The call is over: one text tells what it changed."""
        settle(
            self._store,
            caller,
            lambda held: notices.summed_up(held, self._store, delivery, sid),
            call=sid,
        )

    def trouble(self, language: Language | None) -> list[Step]:
        """An apology, for when we cannot do our work; it needs nothing but words."""
        languages = (language,) if language else tuple(Language)
        return [*(self._say("trouble", each) for each in languages), HangUp()]

    # -- what was heard ----------------------------------------------------------------------

    def _heard(self, pressed: Pressed) -> CallEvent:
        place = pressed.place
        if pressed.key:
            event = keys(place).get(pressed.key[:1], CallEvent.WRONG)
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

    def _changed(self, pressed: Pressed, outcome: Fired[CallState], act: str) -> list[Step]:
        place = pressed.place
        said = _LANGUAGE_OF.get(act, place.language)
        heard = pressed.key or pressed.speech[:160]
        # The yes is an answer to what this page said: that is what the customer was shown.
        page = "".join(say.text for say in self._page_says(pressed.caller, place))
        asked = Asked(Door.VOICE, said, pressed.sid, heard, shown=page if act == "open" else "")

        def decide(held: Held) -> Change:
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
        if act == "province" and self._refusals(after.known(pressed.caller), (said,)):
            return self._refused(after.known(pressed.caller).but(language=said))
        return [*self._phrases(answer.phrases, said), self._page(pressed.caller, after)]

    def _home(self, customer: Subscription) -> str | None:
        return self._business.place(customer).home.province

    def _words(self, phrases: tuple[Phrase, ...], language: Language) -> str:
        return "".join(say.text for say in self._phrases(phrases, language))

    def _province(self, customer: Subscription, asked: Asked) -> Act:
        """The caller said where the number is at home, by key or by name."""
        provinces = self._business.book.provinces
        for place, (code, province) in enumerate(provinces.items(), start=1):
            named = (province.names.zh in asked.heard, province.names.en in asked.heard.title())
            if asked.heard == str(place) or any(named):
                return self._business.says_province(customer, code)
        return Act(customer)

    def _noted(
        self, change: Change, held: Held, sid: str, phrases: tuple[Phrase, ...], said: Language
    ) -> Change:
        """The change, with a note of it for the text that sums the call up."""
        acts = tuple(phrase for phrase in phrases if notices.tells(phrase[0]))
        if not acts or not change.records:
            return change
        was = held.call or Call(sid, held.number, said)
        call = was.but(version=was.version + 1, language=said, acts=(*was.acts, *acts))
        timer = Timer(notices.CALL, held.number, sid, self._clock.now() + _LONGEST_CALL)
        return replace(change, records=(*change.records, call), timers=(*change.timers, timer))

    def _ask(self, customer: Subscription, asked: Asked) -> Act:
        charges = asked.charges
        if charges is None:
            charges = tuple(self._ledger.charges(customer.number))
        spent = sum(charge.fen for charge in charges)
        return self._business.ask(customer, asked, spent)

    def _receipts(self, customer: Subscription, asked: Asked) -> Act:
        found = self._ledger.receipts(customer.number, self._business.book.limits.receipts_shown)
        if not found:
            return Act(customer, (("receipts_none", {}),))
        lines = tuple(("receipt_line", _line(receipt, asked.language)) for receipt in found)
        return Act(customer, (("receipts_list", {}), *lines))

    # -- speaking ----------------------------------------------------------------------------

    def _told(self, caller: Msisdn, after: Place, act: str) -> list[Step]:
        """Steps of an act that changes nothing."""
        if act == "goodbye":
            return [self._say("goodbye", after.language), HangUp()]
        if told := self._not_offered(caller, after):
            return told
        page = self._page(caller, after)
        if act == "agent":
            if self._agent is None:
                return [self._say("no_agent", after.language, self._facts(caller, after)), page]
            return [self._say("agent", after.language), Connect(self._agent), page]
        if act in {"silence", "wrong", "not_opened", "not_cancelled"}:
            return [self._say(act, after.language), page]
        return [page]

    def _not_offered(self, caller: Msisdn, after: Place) -> list[Step]:
        """Why no price can be told to who still holds what is offered here no more."""
        refusal = self._business.refusal(after.known(caller), Door.VOICE, after.language)
        if after.at is not CallState.OFFER or refusal is None:
            return []
        menu = self._page(caller, replace(after, at=CallState.MENU))
        return [self._say(refusal[0], after.language, refusal[1]), menu]

    def _page(self, caller: Msisdn, place: Place) -> Ask:
        says = tuple(self._page_says(caller, place))
        return Ask(says, place.link(self._base), place.language, self._ear.hints(place))

    def _page_says(self, caller: Msisdn, place: Place) -> list[Say]:
        if place.at is CallState.LANGUAGE:
            return [self._say("languages", language) for language in Language]
        if place.at is CallState.MENU:
            return self._menu(place)
        if place.at is CallState.WHICH_PROVINCE:
            return [self._which_province(language) for language in Language]
        return [self._say(f"{place.at}_ask", place.language, self._facts(caller, place))]

    def _menu(self, place: Place) -> list[Say]:
        language = place.language
        offered = [
            self._prompts.say(f"menu.{name}", language, key=key)
            for key, event, name in options(place)
            if event is not CallEvent.LANGUAGES
        ]
        rest = self._prompts.say("menu.rest", language)
        said = [self._prompts.say("menu_title", language), *offered, rest]
        other = Language.EN if language is Language.ZH else Language.ZH
        switch = Say(self._prompts.say("menu.languages", language, key="9"), other.value)
        return [Say(_BETWEEN[language].join(said), language.value), switch]

    def _which_province(self, language: Language) -> Say:
        provinces = self._business.book.provinces.values()
        choices = [
            self._prompts.say("menu.province", language, province=each.names.in_(language), key=key)
            for key, each in enumerate(provinces, start=1)
        ]
        asked = self._prompts.say("which_province", language)
        return Say(_BETWEEN[language].join([asked, *choices]), language.value)

    def _facts(self, caller: Msisdn, place: Place) -> dict[str, str]:
        customer = place.known(caller)
        covered = self._business.place(customer).province is not None
        facts = self._business.facts(customer, place.language)
        return facts | (self._business.offer_facts(customer, place.language) if covered else {})

    def _greeting(self, customer: Subscription) -> list[Say]:
        """Known callers are greeted in their language; new ones in all that the province speaks."""
        province = self._business.place(customer).province
        spoken = province.greeting if province else ("zh", "en")
        if customer.language:
            spoken = (customer.language.value,)
        facts = _spelt(self._business.facts(customer, self._business.language(customer)))
        return [Say(self._prompts.say("greeting", each, **facts), each) for each in spoken]

    def _refused(self, customer: Subscription) -> list[Step]:
        """Why this caller is not served here: in the known language, else in both."""
        known = customer.language
        return [*self._refusals(customer, (known,) if known else tuple(Language)), HangUp()]

    def _refusals(self, customer: Subscription, languages: tuple[Language, ...]) -> list[Say]:
        told = [(each, self._business.refusal(customer, Door.VOICE, each)) for each in languages]
        return [self._say(why[0], each, why[1]) for each, why in told if why]

    def _both(self, key: str, facts: dict[str, str]) -> list[Step]:
        return [*(self._say(key, language, facts) for language in Language), HangUp()]

    def _phrases(self, phrases: tuple[Phrase, ...], language: Language) -> list[Say]:
        return [self._say(key, language, facts) for key, facts in phrases]

    def _say(self, key: str, language: Language, facts: dict[str, str] | None = None) -> Say:
        spoken = _spelt(facts or {})
        if "outcome" in spoken:
            spoken["outcome"] = self._prompts.say(f"outcome.{spoken['outcome']}", language)
        return Say(self._prompts.say(key, language, **spoken), language.value)


#: Between the sentences of one breath.
_BETWEEN = {Language.ZH: "", Language.EN: " "}

_LANGUAGE_OF = {"chinese": Language.ZH, "english": Language.EN}


def _counters(place: Place, act: str) -> dict[str, int]:
    """Each miss has its own counter; anything understood clears both."""
    if act == "silence":
        return {"silent": place.silent + 1, "wrong": place.wrong}
    if act == "wrong":
        return {"silent": place.silent, "wrong": place.wrong + 1}
    return {"silent": 0, "wrong": 0}


#: Facts with telephone numbers in them.
_NUMBERS = ("hotline", "short_code", "doors")


def _spelt(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts with telephone numbers digit by digit: 7500 would be heard as one big number."""
    apart = {
        name: re.sub("[0-9]{3,}", lambda number: " ".join(number[0]), facts[name])
        for name in _NUMBERS
        if name in facts
    }
    return {**facts, **apart}


def _line(receipt: Receipt, language: Language) -> dict[str, str]:
    when = receipt.created_at.astimezone(SHANGHAI)
    return {
        "friend": " ".join((receipt.friend or "")[-4:]),
        "when": f"{day(when, language)} {when:%H:%M}",
        "outcome": receipt.outcome.value if receipt.outcome else Outcome.NO_ANSWER.value,
    }
