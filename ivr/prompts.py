"""What the hotline says: every page, greeting, refusal and answer, as steps."""

import hashlib
import re
from collections.abc import Mapping

from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.menu import SpeechMatcher, options
from ivr.verbs import Dial, Gather, Hangup, Say, Verb
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from statemachines.call_menu import CallEvent, CallState

#: Between the sentences of one breath.
_BETWEEN = {Language.ZH: "", Language.EN: " "}

#: Facts with telephone numbers in them.
_NUMBERS = ("hotline", "short_code", "doors")


class PromptBuilder:
    """Puts what was decided into words; asks no store and changes nothing."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        prompts: Catalogue,
        ear: SpeechMatcher,
        base: str,
        agent: str | None,
    ) -> None:
        self._policy, self._prompts, self._ear = policy, prompts, ear
        self._base, self._agent = base, agent

    def result(self, caller: Msisdn, after: CallContext, act: str) -> list[Verb]:
        """Steps of an act that changes nothing."""
        if act == "goodbye":
            return [self.say("goodbye", after.language), Hangup()]
        if messages := self._not_offered(caller, after):
            return messages
        page = self.page(caller, after)
        if act == "agent":
            if self._agent is None:
                return [self.say("no_agent", after.language, self._facts(caller, after)), page]
            return [self.say("agent", after.language), Dial(self._agent), page]
        if act in {"silence", "wrong", "not_opened", "not_cancelled"}:
            return [self.say(act, after.language), page]
        return [page]

    def _not_offered(self, caller: Msisdn, after: CallContext) -> list[Verb]:
        """Why no price can be told to who still holds what is offered here no more."""
        refusal = self._policy.ineligibility(after.known(caller), Channel.VOICE, after.language)
        if after.at is not CallState.OFFER or refusal is None:
            return []
        menu = self.page(caller, replace(after, at=CallState.MENU))
        return [self.say(refusal[0], after.language, refusal[1]), menu]

    def page(self, caller: Msisdn, context: CallContext) -> Gather:
        """What a place asks, with the link to which the answer goes."""
        says = tuple(self.page_says(caller, context))
        if context.at is CallState.OFFER:
            context = replace(context, offered=_short(self.offer(caller, context)))
        return Gather(says, context.link(self._base), context.language, self._ear.hints(context))

    def offer(self, caller: Msisdn, context: CallContext) -> str:
        """The words of an offer; none where the service is offered no more."""
        if self._policy.service_area(context.known(caller)).province is None:
            return ""
        return "".join(say.text for say in self.page_says(caller, context))

    def still_offers(self, caller: Msisdn, context: CallContext, now: CallContext) -> bool:
        """Whether an offer would be told now as this caller heard it, if at all."""
        refusals = self.offer(caller, now)
        return not refusals or context.offered in {"", _short(refusals)}

    def page_says(self, caller: Msisdn, context: CallContext) -> list[Say]:
        """The words of that question."""
        if context.at is CallState.LANGUAGE:
            return [self.say("languages", language) for language in Language]
        if context.at is CallState.MENU:
            return self._menu(context)
        if context.at is CallState.WHICH_PROVINCE:
            return [self._which_province(language) for language in Language]
        return [self.say(f"{context.at}_ask", context.language, self._facts(caller, context))]

    def _menu(self, context: CallContext) -> list[Say]:
        language = context.language
        offered = [
            self._prompts.render(f"menu.{name}", language, key=key)
            for key, event, name in options(context)
            if event is not CallEvent.LANGUAGES
        ]
        rest = self._prompts.render("menu.rest", language)
        spoken = [self._prompts.render("menu_title", language), *offered, rest]
        other = Language.EN if language is Language.ZH else Language.ZH
        switch = Say(self._prompts.render("menu.languages", language, key="9"), other.value)
        return [Say(_BETWEEN[language].join(spoken), language.value), switch]

    def _which_province(self, language: Language) -> Say:
        provinces = self._policy.book.provinces.values()
        choices = [
            self._prompts.render(
                "menu.province", language, province=each.names.in_(language), key=key
            )
            for key, each in enumerate(provinces, start=1)
        ]
        question = self._prompts.render("which_province", language)
        return Say(_BETWEEN[language].join([question, *choices]), language.value)

    def _facts(self, caller: Msisdn, context: CallContext) -> dict[str, str]:
        customer = context.known(caller)
        covered = self._policy.service_area(customer).province is not None
        params = self._policy.template_params(customer, context.language)
        return params | (self._policy.offer_params(customer, context.language) if covered else {})

    def greeting(self, customer: Subscription) -> list[Say]:
        """Known callers are greeted in their language; new ones in all that the province speaks."""
        province = self._policy.service_area(customer).province
        spoken = province.greeting if province else ("zh", "en")
        if customer.language:
            spoken = (customer.language.value,)
        params = _spelt(self._policy.template_params(customer, self._policy.language(customer)))
        return [Say(self._prompts.render("greeting", each, **params), each) for each in spoken]

    def refused(self, customer: Subscription) -> list[Verb]:
        """Why this caller is not served here: in the known language, else in both."""
        known = customer.language
        return [*self.refusals(customer, (known,) if known else tuple(Language)), Hangup()]

    def refusals(self, customer: Subscription, languages: tuple[Language, ...]) -> list[Say]:
        """The same without hanging up; nothing where the caller is served."""
        told = [
            (each, self._policy.ineligibility(customer, Channel.VOICE, each)) for each in languages
        ]
        return [self.say(why[0], each, why[1]) for each, why in told if why]

    def both(self, key: str, params: dict[str, str]) -> list[Verb]:
        """A last sentence to a caller of whom no language is known."""
        return [*(self.say(key, language, params) for language in Language), Hangup()]

    def phrases(self, messages: tuple[Message, ...], language: Language) -> list[Say]:
        """What an act has to tell."""
        return [self.say(key, language, params) for key, params in messages]

    def say(self, key: str, language: Language, params: dict[str, str] | None = None) -> Say:
        """One sentence, with numbers and outcomes as people hear them."""
        spoken = _spelt(params or {})
        if "outcome" in spoken:
            spoken["outcome"] = self._prompts.render(f"outcome.{spoken['outcome']}", language)
        return Say(self._prompts.render(key, language, **spoken), language.value)


def _short(words: str) -> str:
    return hashlib.blake2b(words.encode(), digest_size=4).hexdigest()


def _spelt(params: Mapping[str, str]) -> dict[str, str]:
    """The facts with telephone numbers digit by digit: 7500 would be heard as one big number."""
    apart = {
        name: re.sub("[0-9]{3,}", lambda number: " ".join(number[0]), params[name])
        for name in _NUMBERS
        if name in params
    }
    return {**params, **apart}
