"""What a customer wishes for in the hall, decided and committed as at every other door."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification, is_notifiable
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn, PromotionCategory
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.promotions import WISHES, PromotionConsent
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day, notices

#: After these the customer is asked for the second yes, if an order waits for one.
_ORDERING = frozenset({"open", "yes"})

#: What pages have a button for, where it would change something.
_OFFERED = ("open", "cancel", "ordinary", "flash", *WISHES)

_BETWEEN = {Language.ZH: "", Language.EN: " "}


Act = Callable[[Subscription, CustomerRequest, str], Decision]


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One form that was sent: the wish, what was given with it, and its event."""

    number: Msisdn
    wish: str
    given: str
    event: str
    language: Language

    @property
    def claim(self) -> str:
        """The name under which the event is taken, once."""
        return claimed(self.number, self.event)


def claimed(number: Msisdn, event: str) -> str:
    """The name of an event: a token is good for the number it was given to."""
    return f"web:{number.digits}:{event}"


class ActionHandler:
    """Takes wishes. What each comes to is decided by the shared service alone."""

    def __init__(
        self,
        store: Store,
        policy: SubscriptionPolicy,
        delivery: ReceiptLifecycle,
        clock: Clock,
        sentences: Catalogue,
    ) -> None:
        self._store, self._policy, self._delivery = store, policy, delivery
        self._clock, self._sentences = clock, sentences
        messages = PromotionConsent(policy, clock)
        self._acts: dict[str, Act] = {
            "open": self._open,
            "yes": self._yes,
            "no": lambda customer, asked, _: ordering.decline(policy, customer, asked),
            "cancel": lambda customer, asked, _: cancellation.cancel(policy, customer, asked),
            "ordinary": lambda customer, asked, _: preferences.set_mode(
                policy, customer, DisplayMode.TEXT, asked
            ),
            "flash": lambda customer, asked, _: preferences.set_mode(
                policy, customer, DisplayMode.FLASH, asked
            ),
            "chinese": lambda customer, *_: preferences.set_language(policy, customer, Language.ZH),
            "english": lambda customer, *_: preferences.set_language(policy, customer, Language.EN),
            "province": self._province,
            **{action: _choosing(messages, kind) for action, kind in WISHES.items()},
        }

    @property
    def names(self) -> frozenset[str]:
        """All wishes there are."""
        return frozenset(self._acts)

    def would(self, customer: Subscription, language: Language) -> frozenset[str]:
        """The wishes that would change something now: each is decided, and none is done."""
        request = CustomerRequest(Channel.WEB, language, "")
        tried = {action: self._acts[action](customer, request, "") for action in _OFFERED}
        return frozenset(action for action, step in tried.items() if step.customer != customer)

    def take(self, wished: ActionRequest) -> Reply:
        """Do what was wished, once; a form that comes again gets the first answer.

        ``next`` of the answer is ``confirm`` when an order waits for its second yes. Raises
        StoreUnavailable.
        """
        return run_in_transaction(
            self._store, wished.number, lambda held: self._decide(held, wished), wished.claim
        )

    def _decide(self, snapshot: Snapshot, wished: ActionRequest) -> ChangeSet:
        customer = snapshot.subscription
        language = _LANGUAGE_OF.get(wished.wish, wished.language)
        # A yes answers the offer on the page: that is what the customer was shown.
        prompt = self.offer(customer, language) if wished.wish == "yes" else ""
        request = CustomerRequest(
            Channel.WEB, language, wished.claim, wished.wish, shown_text=prompt
        )
        step = self._acts[wished.wish](customer, request, wished.given)
        waits = wished.wish in _ORDERING and step.customer.order is not None
        answer = Reply(step.messages, language.value, "confirm" if waits else "")
        text = self.words(step.messages, language)
        change = step.change_set(customer, wished.claim, answer, text)
        return self._announced(change, wished, step.messages, language)

    def _announced(
        self,
        change: ChangeSet,
        wished: ActionRequest,
        messages: tuple[Message, ...],
        language: Language,
    ) -> ChangeSet:
        """The change, with a text to the phone: its owner learns of it, whoever did it."""
        acts = [(key, params) for key, params in messages if is_notifiable(key)]
        if not acts or not change.records:
            return change
        key, params = acts[0]
        told = notices().render(f"act.{key}", language, **params)
        text = notices().render("notice.web", language, **(params | {"acts": told}))
        about = wished.claim
        sent = build_notification(self._store, self._delivery, wished.number, about, text, language)
        return replace(change, records=(*change.records, sent), outbox=(*change.outbox, sent.id))

    # -- acts that need more than their name ---------------------------------------------------

    def _open(self, customer: Subscription, request: CustomerRequest, _: str) -> Decision:
        step = ordering.order(self._policy, customer, request)
        if step.customer == customer or customer.language:
            return step
        # Should the order lapse, the customer is told in the language it was made in.
        return replace(step, customer=replace(step.customer, language=request.language))

    def _yes(self, customer: Subscription, request: CustomerRequest, mark: str) -> Decision:
        """The second yes; to an offer that stands no more it is answered with a fresh one."""
        order = customer.order
        if order is None or mark != offer_mark(customer) or order.expires_at <= self._clock.now():
            return ordering.order(self._policy, customer, request, late=True)
        return ordering.confirm(self._policy, customer, request)

    def _province(self, customer: Subscription, _: CustomerRequest, code: str) -> Decision:
        """Where the number is at home, asked only where nobody knows: tariffs are not chosen."""
        unknown = self._policy.service_area(customer).number_info.province is None
        if not unknown or code not in self._policy.book.provinces:
            return Decision(customer)
        return preferences.set_province(customer, code)

    # -- words ---------------------------------------------------------------------------------

    def words(self, messages: tuple[Message, ...], language: Language) -> str:
        """What is answered, as one text."""
        text = (
            self._sentences.render(f"said.{key}", language, **params) for key, params in messages
        )
        return _BETWEEN[language].join(text)

    def offer_facts(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What an offer tells: of an order that waits, at its own price. Needs a covered place."""
        params = self._policy.offer_params(customer, language)
        if customer.order is not None:
            # After a trial there is none any more: the price is told without it.
            priced = replace(customer, trial=False)
            params["price"] = self._policy.template_params(priced, language)["price"]
        if customer.trial and customer.charged_from:
            first = day(customer.charged_from, language)
            params["charged"] = notices().render("charged.from", language, day=first)
        return params

    def offer(self, customer: Subscription, language: Language) -> str:
        """The offer in words, empty where nothing can be offered."""
        if self._policy.ineligibility(customer, Channel.WEB, language) is not None:
            return ""
        return self._sentences.render(
            "said.offer", language, **self.offer_facts(customer, language)
        )


def _choosing(messages: PromotionConsent, kind: PromotionCategory) -> Act:
    return lambda customer, asked, _: messages.choose(kind, customer, asked)


def offer_mark(customer: Subscription) -> str:
    """Which offer a yes is for, as the form carries it."""
    return customer.order.made_at.isoformat() if customer.order else ""


_LANGUAGE_OF = {"chinese": Language.ZH, "english": Language.EN}
