"""Prompts of the hotline as voice verbs: menus, greetings, refusals and results."""

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

#: Between the sentences of one <Say>.
_SEPARATOR = {Language.ZH: "", Language.EN: " "}

#: Template parameters that contain telephone numbers.
_PHONE_PARAMS = ("hotline", "short_code", "doors")


class PromptBuilder:
    """Build prompts from the call context, without the store."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        catalogue: Catalogue,
        speech: SpeechMatcher,
        base: str,
        agent: str | None,
    ) -> None:
        self._policy, self._catalogue, self._speech = policy, catalogue, speech
        self._base, self._agent = base, agent

    def result(self, caller: Msisdn, after: CallContext, action: str) -> list[Verb]:
        """The verbs of an action that changes no subscription."""
        language = after.language
        if action == "goodbye":
            return self.farewell("goodbye", language)
        if refused := self._offer_refusal(caller, after):
            return refused
        gather = self.gather(caller, after)
        if action == "agent":
            if self._agent is None:
                return [self.say("no_agent", language, self._params(caller, after)), gather]
            return [self.say("agent", language), Dial(self._agent), gather]
        if action in {"silence", "wrong", "not_opened", "not_cancelled"}:
            return [self.say(action, language), gather]
        return [gather]

    def _offer_refusal(self, caller: Msisdn, after: CallContext) -> list[Verb]:
        """The reason and the menu if the service cannot be offered any more, else empty."""
        customer = after.subscription(caller)
        refusal = self._policy.ineligibility(customer, Channel.VOICE, after.language)
        if after.state is not CallState.OFFER or refusal is None:
            return []
        menu = self.gather(caller, replace(after, state=CallState.MENU))
        return [self.say(refusal[0], after.language, refusal[1]), menu]

    def gather(self, caller: Msisdn, context: CallContext) -> Gather:
        """The prompt of a menu, with the URL for its answer and its speech hints."""
        says = tuple(self._says(caller, context))
        if context.state is CallState.OFFER:
            context = replace(context, offer_digest=_digest(self.offer(caller, context)))
        return Gather(says, context.link(self._base), context.language, self._speech.hints(context))

    def offer(self, caller: Msisdn, context: CallContext) -> str:
        """The text of an offer; empty where the service is not offered."""
        if self._policy.service_area(context.subscription(caller)).province is None:
            return ""
        return "".join(say.text for say in self._says(caller, context))

    def is_same_offer(self, caller: Msisdn, context: CallContext, current: CallContext) -> bool:
        """Whether the current offer, if there is one, is the one that the caller heard."""
        offer = self.offer(caller, current)
        return not offer or context.offer_digest in {"", _digest(offer)}

    def _says(self, caller: Msisdn, context: CallContext) -> list[Say]:
        if context.state is CallState.LANGUAGE:
            return [self.say("languages", language) for language in Language]
        if context.state is CallState.MENU:
            return self._main_menu(context)
        if context.state is CallState.WHICH_PROVINCE:
            return [self._province_menu(language) for language in Language]
        key = f"{context.state}_ask"
        return [self.say(key, context.language, self._params(caller, context))]

    def _main_menu(self, context: CallContext) -> list[Say]:
        language, render = context.language, self._catalogue.render
        listed = [
            render(f"menu.{name}", language, key=key)
            for key, event, name in options(context)
            if event is not CallEvent.LANGUAGES
        ]
        text = [render("menu_title", language), *listed, render("menu.rest", language)]
        other = Language.EN if language is Language.ZH else Language.ZH
        switch = Say(render("menu.languages", language, key="9"), other.value)
        return [Say(_SEPARATOR[language].join(text), language.value), switch]

    def _province_menu(self, language: Language) -> Say:
        names = [each.names.in_(language) for each in self._policy.book.provinces.values()]
        listed = [
            self._catalogue.render("menu.province", language, province=name, key=key)
            for key, name in enumerate(names, start=1)
        ]
        question = self._catalogue.render("which_province", language)
        return Say(_SEPARATOR[language].join([question, *listed]), language.value)

    def _params(self, caller: Msisdn, context: CallContext) -> dict[str, str]:
        customer = context.subscription(caller)
        params = self._policy.template_params(customer, context.language)
        if self._policy.service_area(customer).province is None:
            return params
        return params | self._policy.offer_params(customer, context.language)

    def greeting(self, customer: Subscription) -> list[Say]:
        """The greeting in the customer's language, else in each language of the province."""
        province = self._policy.service_area(customer).province
        languages = province.greeting if province else ("zh", "en")
        if customer.language:
            languages = (customer.language.value,)
        params = self._policy.template_params(customer, self._policy.language(customer))
        spoken = _spell_digits(params)
        return [Say(self._catalogue.render("greeting", code, **spoken), code) for code in languages]

    def refused(self, customer: Subscription) -> list[Verb]:
        """The refusal and the end of the call: in the customer's language, else in all."""
        known = customer.language
        return [*self.refusals(customer, (known,) if known else tuple(Language)), Hangup()]

    def refusals(self, customer: Subscription, languages: tuple[Language, ...]) -> list[Say]:
        """The reason why the caller is not eligible; empty if the caller is."""
        return [
            self.say(refusal[0], each, refusal[1])
            for each in languages
            if (refusal := self._policy.ineligibility(customer, Channel.VOICE, each))
        ]

    def farewell(self, key: str, *languages: Language) -> list[Verb]:
        """One sentence in some languages and the end of the call."""
        return [*(self.say(key, language) for language in languages), Hangup()]

    def messages(self, messages: tuple[Message, ...], language: Language) -> list[Say]:
        """The messages of a decision."""
        return [self.say(key, language, params) for key, params in messages]

    def say(self, key: str, language: Language, params: dict[str, str] | None = None) -> Say:
        """One sentence of the catalogue, with telephone numbers and outcomes in spoken form."""
        spoken = _spell_digits(params or {})
        if "outcome" in spoken:
            spoken["outcome"] = self._catalogue.render(f"outcome.{spoken['outcome']}", language)
        return Say(self._catalogue.render(key, language, **spoken), language.value)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _spell_digits(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters with spaced telephone numbers: a voice reads 7500 as one big number."""
    return {
        name: re.sub("[0-9]{3,}", lambda number: " ".join(number[0]), value)
        if name in _PHONE_PARAMS
        else value
        for name, value in params.items()
    }
