"""Prompts of the hotline as voice verbs: menus, greetings, refusals and results."""

import hashlib
from collections.abc import Iterable

from msgspec.structs import replace

from ivr.call_context import CallContext
from ivr.menu import DIGIT_STATES, options, other_language
from ivr.speech import SpeechMatcher
from ivr.spoken import speaking_seconds, spell
from ivr.verbs import Gather, Hangup, Say, Verb
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language
from receipts.subscriptions import cancellation
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.separators import SPACE
from statemachines.call_menu import CallEvent, CallState

#: Longest page of a call, and the first part of the keys of a list's lines.
PAGE_SECONDS, _LINE = 15, "receipt_line."


class PromptBuilder:
    """Build prompts for a customer and a call context, without the store."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        catalogue: Catalogue,
        speech: SpeechMatcher,
        base: str,
        agent: str | None,
    ) -> None:
        self._policy, self._catalogue, self._speech = policy, catalogue, speech
        self._base, self.agent = base, agent

    def gather(self, customer: Subscription, context: CallContext, *lead: Say) -> Gather:
        """The prompt of a menu after leading sentences, all of which a key interrupts."""
        says = (*lead, *self._says(customer, context))
        if context.state is CallState.OFFER:
            context = context.with_offer(_digest(self.offer(customer, context)))
        link, language = context.link(self._base), context.language
        if digits := DIGIT_STATES.get(context.state):
            return Gather(says, link, language, digits=digits)
        return Gather(says, link, language, self._speech.hints(context))

    def offer(self, customer: Subscription, context: CallContext) -> str:
        """The text of an offer; empty where the service is not offered."""
        if self._policy.service_area(customer).province is None:
            return ""
        return "".join(say.text for say in self._says(customer, context))

    @staticmethod
    def was_heard(offer: str, context: CallContext) -> bool:
        """Whether this offer is the one that the caller heard."""
        return context.offer_digest in {"", _digest(offer)}

    def refusal(self, customer: Subscription, context: CallContext) -> Message | None:
        """Reason why this prompt has no question for the customer; None if it has."""
        if context.state is CallState.OFFER:
            return self._policy.ineligibility(customer, Channel.VOICE, context.language)
        if context.state is CallState.CANCELLING:
            key, params = self._cancellation(customer, context.language)
            return None if f"cancelling.{key}" in self._catalogue else (key, params)
        return None

    def _cancellation(self, customer: Subscription, language: Language) -> Message:
        """The message of a cancellation now: its consequence, or the reason of a refusal."""
        return cancellation.preview(self._policy, customer, Channel.VOICE, language)

    def _says(self, customer: Subscription, context: CallContext) -> list[Say]:
        language = context.language
        match context.state:
            case CallState.LANGUAGE:
                return self._languages(customer)
            case CallState.MENU:
                return self._main_menu(context)
            case CallState.WHICH_PROVINCE:
                return self._province_menu(context)
            case CallState.CANCELLING:
                key, params = self._cancellation(customer, language)
                question = self.say("cancelling_ask", language)
                return [self.say(f"cancelling.{key}", language, params), question]
        return [self.say(f"{context.state}_ask", language, self._params(customer, context))]

    def _languages(self, customer: Subscription) -> list[Say]:
        """The choice of language first, in both; a caller who knows the key waits for no more."""
        zh, en = Language.ZH, Language.EN
        province = self._policy.service_area(customer).province if customer.number else None
        greeted = province.greeting if province else (zh, en)
        last = "greeting" if customer.number else "withheld"
        return [
            self.say("hello", zh),
            *(self.say("languages", language) for language in (en, zh)),
            *(self.say(last, each, self._policy.access_numbers) for each in greeted),
            *(say for each in greeted for say in self.trial_note(customer, each)),
        ]

    def trial_note(self, customer: Subscription, language: Language) -> list[Say]:
        """To a trial person, the sentence that it is a trial."""
        return self.messages(self.with_trial_note(customer, ()), language)

    def with_trial_note(
        self, customer: Subscription, messages: tuple[Message, ...]
    ) -> tuple[Message, ...]:
        """The messages; to a trial person, with the note that it is a trial."""
        is_trial = self._policy.is_trial_person(customer.number)
        return (*messages, ("trial_note", {})) if is_trial else messages

    def _main_menu(self, context: CallContext) -> list[Say]:
        language, render = context.language, self._catalogue.render
        listed = options(context)[:-1]
        text = [render(f"menu.{name}", language, key=key) for key, _, name in listed]
        text += [render("menu.agent", language)] if self.agent else []
        text.append(render("menu.again", language))
        return [Say(SPACE[language].join(text), language.value), self._switch(context)]

    def _switch(self, context: CallContext) -> Say:
        """The key of the other language, in that language."""
        key, event, name = other_language(context)
        spoken = Language.EN if event is CallEvent.ENGLISH else Language.ZH
        return Say(self._catalogue.render(f"menu.{name}", context.language, key=key), spoken.value)

    def _province_menu(self, context: CallContext) -> list[Say]:
        language, render = context.language, self._catalogue.render
        listed = [
            render("menu.province", language, province=self._province_name(code, language), key=key)
            for key, code in enumerate(self._policy.book.provinces, start=1)
        ]
        text = SPACE[language].join([render("which_province", language), *listed])
        # The key of a ninth province is the one of the other language elsewhere.
        switch = [self._switch(context)] if len(listed) < int(other_language(context)[0]) else []
        return [Say(text, language.value), *switch]

    def _province_name(self, code: str, language: Language) -> str:
        """The name of a province for the ear, with its capital where two sound alike."""
        if f"province.{code}" in self._catalogue:
            return self._catalogue.render(f"province.{code}", language)
        return self._policy.book.provinces[code].names.in_(language)

    def _params(self, customer: Subscription, context: CallContext) -> dict[str, str]:
        params = self._policy.template_params(customer, context.language)
        if self._policy.service_area(customer).province is None:
            return params
        # The current offer, not that of an order made under an earlier tariff.
        fresh = replace(customer, order=None)
        return params | self._policy.offer_params(fresh, context.language)

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

    def farewell(
        self, key: str, *languages: Language, facts: dict[str, str] | None = None
    ) -> list[Verb]:
        """One sentence in some languages and the end of the call."""
        params = self._policy.access_numbers if facts is None else facts
        return [*(self.say(key, language, params) for language in languages), Hangup()]

    def messages(self, messages: Iterable[Message], language: Language) -> list[Say]:
        """The messages of a decision; of a list, as many lines as fit a page."""
        says, seconds = list[Say](), 0.0
        for key, params in messages:
            say = self.say(key, language, params)
            seconds += speaking_seconds(say.text, language)
            if seconds > PAGE_SECONDS and key.startswith(_LINE):
                break
            says.append(say)
        return says

    def say(self, key: str, language: Language, params: dict[str, str] | None = None) -> Say:
        """One sentence of the catalogue, with telephone numbers and outcomes in spoken form."""
        spoken = spell(params or {}, language)
        if "outcome" in spoken:
            spoken["outcome"] = self._catalogue.render(f"outcome.{spoken['outcome']}", language)
        return Say(self._catalogue.render(key, language, **spoken), language.value)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
