"""The only writer of subscriptions: open, confirm, decline, cancel, switch, ask.

Every function is pure: it takes the customer and gives a Step. Doors join the Steps of one event
into one Change, so that whatever a text or a key does, it does at once.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Self

from receipts.charges import monthly
from receipts.model import (
    SHANGHAI,
    Audit,
    Charge,
    Door,
    Language,
    Mode,
    Msisdn,
    Network,
    Order,
    Subscription,
    Wish,
)
from receipts.numbering import Home, Numbering
from receipts.ports import Answer, Change, Clock, Timer
from receipts.provinces import Effect, Province, RuleBook, Tariff
from receipts.tariff import fees, first_charge_at, tariff_on, yuan
from receipts.wording import day, last_day, notices
from statemachines.engine import Outcome
from statemachines.subscription import (
    HOLDING,
    RECEIVING,
    SUBSCRIPTION,
    SubscriptionEvent,
    SubscriptionState,
)

#: Names of the timers that time alone rings for a customer.
LAPSE, END = "lapse", "end"

Phrase = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks: through which door, in which language, by which event and in which words."""

    door: Door
    language: Language
    event: str
    heard: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one act does to one customer, and what to say about it."""

    customer: Subscription
    phrases: tuple[Phrase, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[Audit, ...] = ()
    timers: tuple[Timer, ...] = ()
    untimers: tuple[Timer, ...] = ()

    def then(self, later: Self) -> Self:
        """Join this act and one decided after it."""
        return replace(
            later,
            phrases=self.phrases + later.phrases,
            charges=self.charges + later.charges,
            audit=self.audit + later.audit,
            timers=self.timers + later.timers,
            untimers=tuple(t for t in self.untimers if t not in later.timers) + later.untimers,
        )

    def change(self, was: Subscription, claim: str | None, answer: Answer) -> Change:
        """Make this act one change for the store."""
        changed = self.customer != was
        records = (self.customer.but(version=was.version + 1),) if changed else ()
        return Change(
            was.number,
            claim=claim,
            answer=answer,
            records=records,
            charges=self.charges,
            audit=self.audit,
            timers=self.timers,
            untimers=self.untimers,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number belongs, and the rules there. ``province`` is None where we do not serve."""

    home: Home
    province: Province | None


class Subscriptions:
    """The decisions about one customer, the same through every door."""

    def __init__(
        self,
        book: RuleBook,
        numbering: Numbering,
        clock: Clock,
        hotline: str = "10086",
        short_code: str = "7500",
    ) -> None:
        self.book, self._numbering, self._clock = book, numbering, clock
        self._numbers = {"hotline": hotline, "short_code": short_code}

    def place(self, number: Msisdn) -> Place:
        """Where this number belongs, with the rules of its province if we serve it."""
        home = self._numbering.home(number)
        province = self.book.province(home.province) if home.province else None
        return Place(home, province)

    def language(self, customer: Subscription, heard: Language | None = None) -> Language:
        """The language to answer in: the one just used, the one chosen, the province's own."""
        province = self.place(customer.number).province
        usual = Language(province.languages[0]) if province else Language.ZH
        return heard or customer.language or usual

    # -- may this number be served here? -----------------------------------------------------

    def refusal(self, number: Msisdn, door: Door, language: Language) -> Phrase | None:
        """Why this number cannot open the service through this door; None when it can."""
        place = self.place(number)
        if place.home.network not in {Network.CHINA_MOBILE, Network.UNKNOWN}:
            return "not_on_net", {}
        if place.home.province is None:
            return "province_unknown", {}
        if place.province is None:
            return "not_covered", {"province": self.book.name(place.home.province, language)}
        if not place.province.has(door):
            facts = {"province": self.book.name(place.home.province, language)}
            return "door_missing", facts | {"doors": self._doors(place.province, language)}
        return None

    def _doors(self, province: Province, language: Language) -> str:
        names = [
            notices().say(f"door.{door}", language, **self._numbers) for door in province.doors
        ]
        return ("、" if language is Language.ZH else ", ").join(names)

    # -- wishes ------------------------------------------------------------------------------

    def order(self, customer: Subscription, asked: Asked, *, late: bool = False) -> Step:
        """Offer the service with its price; nothing is opened until the customer says yes."""
        refusal = self.refusal(customer.number, asked.door, asked.language)
        if refusal is not None:
            return Step(customer, (refusal,))
        event = SubscriptionEvent.CONFIRM_LATE if late else SubscriptionEvent.ORDER
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        now, province = self._clock.now(), self._province(customer)
        until = now + province.window
        tariff = tariff_on(province, now)
        order = Order(asked.door, now, until, tariff.version)
        ordered = customer.but(state=outcome.state, order=order)
        return Step(
            ordered,
            (("offer_again" if late else "offer", self.offer_facts(customer, asked.language)),),
            audit=(self._audit(customer, outcome, asked, tariff=tariff.version),),
            timers=(self._timer(LAPSE, customer, until),),
        )

    def confirm(self, customer: Subscription, asked: Asked) -> Step:
        """The yes to an open order: the service runs at once, at the price that was shown."""
        order = customer.order
        outcome = SUBSCRIPTION.fire(customer.state, SubscriptionEvent.CONFIRM)
        if outcome.reason is not None or order is None:
            return self._refused(customer, outcome.reason or "no_order", asked)
        now = self._clock.now()
        tariff = self._tariff(self._province(customer), order.tariff)
        opened = customer.but(
            state=outcome.state,
            order=None,
            lapsed_at=None,
            opened_at=now,
            ends_at=None,
            channel=asked.door,
            tariff=tariff.version,
            language=customer.language or asked.language,
        )
        return Step(
            opened,
            (("opened", self.facts(opened, asked.language)),),
            charges=self._first_fee(opened, tariff, now),
            audit=(self._audit(customer, outcome, asked, tariff=tariff.version),),
            untimers=(self._timer(LAPSE, customer), self._timer(END, customer)),
        )

    def open_at_once(self, customer: Subscription, asked: Asked) -> Step:
        """Order and yes in one breath, for a door where the price was heard just before."""
        ordered = self.order(customer, asked)
        if ordered.customer == customer:
            return ordered
        confirmed = self.confirm(ordered.customer, asked)
        both = replace(ordered, phrases=(), timers=()).then(confirmed)
        return replace(both, customer=confirmed.customer)

    def decline(self, customer: Subscription, asked: Asked) -> Step:
        """An answer that was not yes: the order ends, and the customer is told."""
        return self._end_order(customer, SubscriptionEvent.DECLINE, asked)

    def lapse(self, customer: Subscription, asked: Asked) -> Step:
        """No answer within the window: the order ends, and the customer is told."""
        return self._end_order(customer, SubscriptionEvent.LAPSE, asked)

    def _end_order(self, customer: Subscription, event: SubscriptionEvent, asked: Asked) -> Step:
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None or customer.order is None:
            return Step(customer)
        lapsed = self._clock.now() if event is SubscriptionEvent.LAPSE else None
        ended = customer.but(state=outcome.state, order=None, lapsed_at=lapsed)
        return Step(
            ended,
            ((f"order_{event}", self.facts(ended, asked.language)),),
            audit=(self._audit(customer, outcome, asked, tariff=customer.order.tariff),),
            untimers=(self._timer(LAPSE, customer),),
        )

    def cancel(self, customer: Subscription, asked: Asked) -> Step:
        """End the service, now or at the month's end as the province has it. Always free."""
        province = self.place(customer.number).province
        at_month_end = province is not None and province.cancel_takes_effect is Effect.MONTH_END
        event = (
            SubscriptionEvent.CANCEL_AT_MONTH_END if at_month_end else SubscriptionEvent.CANCEL_NOW
        )
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        runs_on = outcome.state in RECEIVING
        ends_at = month_end(self._clock.now()) if runs_on else None
        ended = customer.but(state=outcome.state, order=None, ends_at=ends_at)
        return Step(
            ended,
            (("cancelled_later" if runs_on else "cancelled", self.facts(ended, asked.language)),),
            audit=(self._audit(customer, outcome, asked),),
            timers=(self._timer(END, customer, ends_at),) if ends_at else (),
            untimers=(self._timer(LAPSE, customer),),
        )

    def month_ended(self, customer: Subscription, asked: Asked) -> Step:
        """The last month of a cancelled service is over."""
        outcome = SUBSCRIPTION.fire(customer.state, SubscriptionEvent.MONTH_ENDED)
        if outcome.reason is not None:
            return Step(customer)
        return Step(
            customer.but(state=outcome.state, order=None, ends_at=None),
            audit=(self._audit(customer, outcome, asked),),
        )

    def set_mode(self, customer: Subscription, mode: Mode, asked: Asked) -> Step:
        """Receipts over the screen, or filed in the inbox."""
        outcome = SUBSCRIPTION.fire(customer.state, SubscriptionEvent.SET_MODE)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        same = customer.mode is mode
        return Step(
            customer.but(mode=mode),
            ((f"{'still' if same else 'now'}_{mode}", self.facts(customer, asked.language)),),
            audit=() if same else (self._audit(customer, outcome, asked),),
        )

    def set_language(self, customer: Subscription, language: Language) -> Step:
        """The language of all that we say from now on."""
        return Step(
            customer.but(language=language), (("language_set", self.facts(customer, language)),)
        )

    def ask(self, customer: Subscription, asked: Asked, spent_fen: int) -> Step:
        """State, mode, price and what this month has cost so far, as they are."""
        if customer.state not in HOLDING:
            refusal = self.refusal(customer.number, asked.door, asked.language)
            if refusal is not None:
                return Step(customer, (refusal,))
        facts = self.facts(customer, asked.language)
        facts["spent"] = spent_words(spent_fen, asked.language)
        return Step(customer, ((f"state_{customer.state}", facts),))

    # -- facts -------------------------------------------------------------------------------

    def facts(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What sentences may tell of a customer: price, mode, dates, and the words to text."""
        facts = self._numbers | {
            "mode": notices().say(f"mode.{customer.mode}", language),
            "ends": last_day(customer.ends_at, language) if customer.ends_at else "",
        }
        province = self.place(customer.number).province
        if province is None:
            return facts | {"price": "", "open": "", "cancel": "", "ask": "", "hours": ""}
        version = customer.order.tariff if customer.order else customer.tariff
        return facts | {
            "price": fees(language, self._tariff(province, version)),
            "open": self._word(province, Wish.OPEN),
            "cancel": self._word(province, Wish.CANCEL),
            "ask": self._word(province, Wish.ASK),
            "hours": str(province.confirmation_hours),
        }

    def offer_facts(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What an offer must tell: price, first charge date, how to cancel, how long it stands."""
        now = self._clock.now()
        tariff = self._tariff(self._province(customer), None)
        first = day(first_charge_at(tariff, now), language)
        return self.facts(customer.but(order=None, tariff=None), language) | {"from": first}

    # -- parts -------------------------------------------------------------------------------

    def _province(self, customer: Subscription) -> Province:
        province = self.place(customer.number).province
        if province is None:
            raise LookupError("an order in a province without rules")
        return province

    def _tariff(self, province: Province, version: str | None) -> Tariff:
        """The tariff agreed upon; today's when none is, or when the book has dropped it."""
        agreed = province.tariff(version) if version else None
        return agreed or tariff_on(province, self._clock.now())

    def _word(self, province: Province, wish: Wish) -> str:
        """The word to teach for a wish: the province's own, else the one valid everywhere."""
        own = province.words.get(wish) or self.book.words.code.get(wish)
        return (own or self.book.words.zh[wish])[0]

    def _first_fee(
        self, customer: Subscription, tariff: Tariff, now: dt.datetime
    ) -> tuple[Charge, ...]:
        if tariff.monthly_fen == 0 or first_charge_at(tariff, now) > now:
            return ()
        fee = monthly(customer.number, tariff.monthly_fen, tariff.version, now, "opened")
        return (fee,)

    def _refused(self, customer: Subscription, reason: str, asked: Asked) -> Step:
        return Step(customer, ((reason, self.facts(customer, asked.language)),))

    def _audit(
        self,
        customer: Subscription,
        outcome: Outcome[SubscriptionState],
        asked: Asked,
        tariff: str = "",
    ) -> Audit:
        return Audit(
            self._clock.now(),
            customer.number,
            asked.door.value,
            asked.event,
            customer.state.value,
            outcome.state.value,
            tariff=tariff,
            heard=asked.heard,
        )

    @staticmethod
    def _timer(kind: str, customer: Subscription, at: dt.datetime | None = None) -> Timer:
        return Timer(kind, customer.number, "", at)


def month_end(now: dt.datetime) -> dt.datetime:
    """The first moment of the next Shanghai month."""
    local = now.astimezone(SHANGHAI)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + dt.timedelta(days=32)).replace(day=1)


def spent_words(fen: int, language: Language) -> str:
    """What a month has cost so far; nothing is an amount here, not a gift."""
    if fen:
        return yuan(language, fen)
    return "0元" if language is Language.ZH else "0 yuan"
