"""The only writer of subscriptions: open, confirm, decline, cancel, switch, ask.

Every function is pure: it takes the customer and gives a Step. Doors join the Steps of one event
into one Change, so that whatever a text or a key does, it does at once.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from receipts.charges import monthly, on_leaving, runs, served
from receipts.consent import chained
from receipts.model import (
    Audit,
    Charge,
    Door,
    Language,
    Mode,
    Network,
    Order,
    Question,
    Subscription,
    Topic,
    Wish,
    month_before,
    month_of,
    month_start,
    months_between,
    next_month,
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
LAPSE, END, TRIAL, FEE, OWED = "lapse", "end", "trial", "fee", "owed"
_WAITING = (LAPSE, END, TRIAL, FEE, OWED)

#: A trial's question may come so much late without the promised day having to move.
_LATE = dt.timedelta(hours=1)

#: How long a number answers a question of ours; after that it is just a number.
ANSWERED_WITHIN = dt.timedelta(minutes=30)

#: Where a cancel finds nothing more to end than an order.
_ONLY_ORDERED = frozenset({SubscriptionState.PENDING, SubscriptionState.ENDING})

Phrase = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks: through which door, in which language, by which event and in which words."""

    door: Door
    language: Language
    event: str
    heard: str = ""
    clerk: str = ""
    shown: str = ""
    #: What this month has cost so far, where it was read along with the customer.
    charges: tuple[Charge, ...] | None = None


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

    def change(
        self, was: Subscription, claim: str | None, answer: Answer, said: str = ""
    ) -> Change:
        """Make this act one change for the store.

        ``said`` is our answer in words: it is kept with the act as what the customer was shown,
        linked into the customer's chain of consent.
        """
        entries = (msgspec.structs.replace(e, shown=e.shown or said) for e in self.audit)
        audit, head = chained(entries, was.chain)
        now = self.customer.but(chain=head)
        records = (now.but(version=was.version + 1),) if now != was else ()
        return Change(
            was.number,
            claim=claim,
            answer=answer,
            records=records,
            charges=self.charges,
            audit=audit,
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

    def place(self, customer: Subscription) -> Place:
        """Where this customer belongs, with the rules of the province if we serve it."""
        home = self._numbering.home_of(customer)
        return Place(home, self.book.province(home.province))

    def language(self, customer: Subscription, heard: Language | None = None) -> Language:
        """The language to answer in: the one just used, the one chosen, the province's own."""
        province = self.place(customer).province
        usual = Language(province.languages[0]) if province else Language.ZH
        return heard or customer.language or usual

    # -- may this number be served here? -----------------------------------------------------

    def refusal(self, customer: Subscription, door: Door, language: Language) -> Phrase | None:
        """Why this customer cannot open the service through this door; None when it can."""
        place = self.place(customer)
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
        refusal = self.refusal(customer, asked.door, asked.language)
        if refusal is not None:
            return Step(customer, (refusal,))
        event = SubscriptionEvent.CONFIRM_LATE if late else SubscriptionEvent.ORDER
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        if customer.unpaid:
            # Whoever was ended for unpaid fees comes back once they are paid.
            return self._refused(customer, "unpaid", asked)
        now, province = self._clock.now(), self._province(customer)
        until = now + province.window
        tariff = tariff_on(province, now)
        order = Order(asked.door, now, until, tariff.version)
        ordered = customer.but(state=outcome.state, order=order, lapsed_at=None)
        return Step(
            ordered,
            (("offer_again" if late else "offer", self.offer_facts(customer, asked.language)),),
            audit=(self._audit(customer, event, outcome, asked, tariff=tariff.version),),
            timers=(self._timer(LAPSE, customer, until),),
        )

    def confirm(self, customer: Subscription, asked: Asked) -> Step:
        """The yes to an open order: the service runs at once, at the price that was shown."""
        order = customer.order
        event = SubscriptionEvent.CONFIRM
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None or order is None:
            return self._refused(customer, outcome.reason or "no_order", asked)
        if self.place(customer).province is None:
            # The rules changed between offer and yes: nothing may be opened on the old ones.
            refusal = self.refusal(customer, asked.door, asked.language)
            return Step(customer, (refusal,) if refusal else ())
        now = self._clock.now()
        opened = self._opened(customer, outcome.state, order, asked, now)
        timers = (self._timer(TRIAL, opened, self._second_yes_at(opened)),) if opened.trial else ()
        # The second yes of a trial leaves the fee to the day it was promised for.
        if opened.charged_from and opened.charged_from > now and not opened.trial:
            timers = (self._timer(FEE, opened, opened.charged_from),)
        return Step(
            opened,
            (("opened", self.facts(opened, asked.language)),),
            charges=self._fee(opened, now, "opened"),
            audit=(self._audit(customer, event, outcome, asked, tariff=order.tariff),),
            timers=timers,
            untimers=tuple(self._timer(kind, customer) for kind in (LAPSE, END)),
        )

    def _opened(
        self,
        customer: Subscription,
        state: SubscriptionState,
        order: Order,
        asked: Asked,
        now: dt.datetime,
    ) -> Subscription:
        """The customer after the yes: new, carrying on after a cancel, or out of the trial."""
        carries_on = runs(customer, now)
        tariff = self._tariff(self._province(customer), order.tariff)
        trial = tariff.trial_days > 0 and self._newcomer(customer)
        begins = first_charge_at(tariff, now) if trial else now
        if carries_on and customer.charged_from is not None:
            begins = customer.charged_from
        return customer.but(
            state=state,
            order=None,
            lapsed_at=None,
            ends_at=None,
            opened_at=customer.opened_at if carries_on else now,
            charged_from=begins,
            unserved=customer.unserved if carries_on else (),
            # A yes beside a running service carries it on: a trial has then had its second yes.
            trial=trial,
            trial_used=customer.trial_used or trial,
            channel=asked.door,
            tariff=tariff.version,
            language=customer.language or asked.language,
        )

    def _newcomer(self, customer: Subscription) -> bool:
        """Whether a trial is still to be had: once a number, and not where the service runs on."""
        return not customer.trial_used and not runs(customer, self._clock.now())

    def _second_yes_at(self, customer: Subscription) -> dt.datetime:
        """When a trial asks whether it may go on: early enough for the whole window to pass."""
        ends = customer.charged_from or self._clock.now()
        return ends - self._province(customer).window

    def renew(self, customer: Subscription, asked: Asked) -> Step:
        """A trial nears its end: nothing is charged after it without a second yes."""
        event = SubscriptionEvent.RENEW
        outcome = SUBSCRIPTION.fire(customer.state, event)
        promised, province = customer.charged_from, self.place(customer).province
        if outcome.reason is not None or not customer.trial or promised is None or province is None:
            return Step(customer)
        # A question that comes late still leaves the whole window; the trial is then the longer.
        ends = max(promised, self._clock.now() + province.window - _LATE)
        tariff = tariff_on(province, ends)
        order = Order(asked.door, self._clock.now(), ends, tariff.version)
        asking = customer.but(order=order, charged_from=ends)
        # The price from then on, without the trial that is over.
        price = self.facts(asking.but(trial=False), asked.language)
        facts = price | {"from": day(ends, asked.language)}
        return Step(
            asking,
            (("trial_ends", facts),),
            audit=(self._audit(customer, event, outcome, asked, tariff=tariff.version),),
            timers=(self._timer(LAPSE, customer, ends),),
        )

    def fee(self, customer: Subscription, _: Asked) -> Step:
        """The first charge date has come, or has just passed: its month is charged."""
        first = customer.charged_from
        if first is None:
            return Step(customer)
        charges = self._fee(customer, self._clock.now(), "first charge date", month_of(first))
        return Step(customer, charges=charges)

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
        timers: tuple[Timer, ...] = ()
        said = f"order_{event}"
        if customer.trial:
            # What was offered was to go on after the trial; the trial itself runs to its end.
            ended = ended.but(ends_at=customer.charged_from, trial=False, charged_from=None)
            timers = (self._timer(END, customer, customer.charged_from),)
            said = f"trial_{event}"
        if ended.state not in HOLDING:
            ended, timers = ended.but(ends_at=None), ()
        return Step(
            ended,
            ((said, self.facts(ended, asked.language)),),
            audit=(self._audit(customer, event, outcome, asked, tariff=customer.order.tariff),),
            timers=timers,
            untimers=(self._timer(LAPSE, customer),),
        )

    def cancel(self, customer: Subscription, asked: Asked) -> Step:
        """End the service, now or at the month's end as the province has it. Always free.

        Where nothing runs on but an order, it is the order that ends.
        """
        if customer.order is not None and customer.state in _ONLY_ORDERED:
            return self.decline(customer, asked)
        province = self.place(customer).province
        at_month_end = province is not None and province.cancel_takes_effect is Effect.MONTH_END
        event = (
            SubscriptionEvent.CANCEL_AT_MONTH_END if at_month_end else SubscriptionEvent.CANCEL_NOW
        )
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        now = self._clock.now()
        runs_on = outcome.state in RECEIVING
        ends_at = self._last_moment(customer, now) if runs_on else None
        ended = self._left(customer, outcome.state).but(ends_at=ends_at)
        stale = tuple(self._timer(kind, customer) for kind in _WAITING)
        return Step(
            ended,
            (("cancelled_later" if runs_on else "cancelled", self.facts(ended, asked.language)),),
            charges=on_leaving(customer, province, now, self.book),
            audit=(self._audit(customer, event, outcome, asked),),
            timers=(self._timer(END, customer, ends_at),) if ends_at else (),
            untimers=tuple(t for t in stale if not (ends_at and t.kind == END)),
        )

    @staticmethod
    def _last_moment(customer: Subscription, now: dt.datetime) -> dt.datetime:
        """The month's end; a cancel before the first charge date costs nothing, and ends by it."""
        first = customer.charged_from
        return min(next_month(now), first) if first and first > now else next_month(now)

    def _left(self, customer: Subscription, state: SubscriptionState) -> Subscription:
        """A customer who has left, or will at the month's end: nothing waits for an answer.

        What is unpaid stays so: it is paid before the service is ordered again.
        """
        first = customer.charged_from
        unborn = customer.trial or (first is not None and first > self._clock.now())
        return customer.but(
            state=state,
            order=None,
            question=None,
            ends_at=None,
            trial=False,
            charged_from=None if unborn else first,
            suspended_at=None,
        )

    def port_out(self, customer: Subscription, asked: Asked) -> Step:
        """The number has left the network: the service ends at once, and what is due stays due."""
        event = SubscriptionEvent.PORT_OUT
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return Step(customer)
        told = ("ported_out", self.facts(customer, asked.language))
        return self._ended(customer, event, outcome, told, asked)

    def _ended(
        self,
        customer: Subscription,
        event: SubscriptionEvent,
        outcome: Outcome[SubscriptionState],
        told: Phrase,
        asked: Asked,
    ) -> Step:
        """The service is over at once, whoever ended it; what is due stays due."""
        province = self.place(customer).province
        return Step(
            self._left(customer, outcome.state),
            (told,),
            charges=on_leaving(customer, province, self._clock.now(), self.book),
            audit=(self._audit(customer, event, outcome, asked),),
            untimers=tuple(self._timer(kind, customer) for kind in _WAITING),
        )

    def recorded(self, customer: Subscription, home: Home, asked: Asked) -> Step:
        """What the operator's list says of a number; one that left the network loses the service.

        A list that names no province says nothing of it: what was known stays, with its source.
        """
        on_net = home.network is Network.CHINA_MOBILE
        step = Step(customer) if on_net else self.port_out(customer, asked)
        speaks = home.province is not None or customer.province is None
        known = step.customer.but(
            network=home.network,
            province=home.province or customer.province,
            source=home.source if speaks else customer.source,
            looked_up_at=None,
        )
        return replace(step, customer=known)

    def looked_up(self, customer: Subscription, network: Network | None) -> Step:
        """What somebody outside said of a number's network; not to know is never to be off-net."""
        source = customer.source if customer.province else "lookup"
        now = self._clock.now()
        return Step(customer.but(network=network, source=source, looked_up_at=now))

    def collected(self, customer: Subscription, month: str, *, paid: bool, asked: Asked) -> Step:
        """The operator could, or could not, collect the fee of a month.

        Unpaid suspends the service; two months running end it; paying brings it back.
        """
        if paid:
            return self._paid(customer, month, asked)
        if month in customer.unpaid:
            return Step(customer)
        beside = {month_before(month), month_of(next_month(month_start(month)))}
        owing = customer.but(unpaid=tuple(sorted({*customer.unpaid, month})))
        if beside & set(customer.unpaid):
            return self.owed(owing, asked)
        event = SubscriptionEvent.SUSPEND
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return Step(owing)
        now = self._clock.now()
        return Step(
            owing.but(state=outcome.state, order=None, suspended_at=now),
            (("unpaid_once", self.facts(customer, asked.language)),),
            audit=(self._audit(customer, event, outcome, asked),),
            # Suspended, there may be no second fee to fail: a whole month unpaid is as good.
            timers=(self._timer(OWED, customer, next_month(next_month(now))),),
            untimers=(self._timer(LAPSE, customer),),
        )

    def owed(self, customer: Subscription, asked: Asked) -> Step:
        """Unpaid two months running: the service ends."""
        event = SubscriptionEvent.CANCEL_NOW
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None or not customer.unpaid:
            return Step(customer)
        told = ("unpaid_twice", self.facts(customer, asked.language))
        return self._ended(customer, event, outcome, told, asked)

    def _paid(self, customer: Subscription, month: str, asked: Asked) -> Step:
        paying = customer.but(unpaid=tuple(m for m in customer.unpaid if m != month))
        event = SubscriptionEvent.RESUME
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None or paying.unpaid:
            return Step(paying)
        now = self._clock.now()
        idle = months_between(customer.suspended_at or now, now)[:-1]
        unserved = (*customer.unserved, *(month for month in idle if not served(customer, month)))
        resumed = paying.but(
            state=outcome.state,
            suspended_at=None,
            unserved=unserved[-self.book.retention.audit_months :],
        )
        # A trial's question may have fallen into the pause: it is asked now, if not later.
        timers = (self._timer(TRIAL, resumed, self._second_yes_at(resumed)),)
        return Step(
            resumed,
            (("resumed", self.facts(customer, asked.language)),),
            charges=self._fee(resumed, now, "resumed"),
            audit=(self._audit(customer, event, outcome, asked),),
            timers=timers if resumed.trial else (),
            untimers=(self._timer(OWED, customer),),
        )

    def says_province(self, customer: Subscription, code: str) -> Step:
        """The customer told the home province of a number that no source knows."""
        return Step(customer.but(province=code, source="asked", question=None))

    def ask_province(self, customer: Subscription, language: Language) -> Step:
        """No tariff is guessed: the customer is asked where the number is at home."""
        listed = "，" if language is Language.ZH else ", "
        choices = listed.join(
            f"{place} {province.names.in_(language)}"
            for place, province in enumerate(self.book.provinces.values(), start=1)
        )
        question = Question(Topic.PROVINCE, self._clock.now() + ANSWERED_WITHIN)
        return Step(customer.but(question=question), (("which_province", {"choices": choices}),))

    def list_all(self, customer: Subscription, asked: Asked) -> Step:
        """The monthly services held here, each with the number that cancels it."""
        if customer.state not in HOLDING:
            return Step(customer, (("list_none", self.facts(customer, asked.language)),))
        question = Question(Topic.LIST, self._clock.now() + ANSWERED_WITHIN)
        return Step(
            customer.but(question=question),
            (("list_all", self.facts(customer, asked.language)),),
        )

    def month_ended(self, customer: Subscription, asked: Asked) -> Step:
        """The last month of a cancelled service is over."""
        event = SubscriptionEvent.MONTH_ENDED
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return Step(customer)
        state = outcome.state
        if customer.order is not None:
            # An offer keeps its whole window, also beyond the end of what ran beside it.
            state = SUBSCRIPTION.fire(state, SubscriptionEvent.ORDER).state
        return Step(
            customer.but(state=state, ends_at=None),
            audit=(self._audit(customer, event, outcome, asked),),
        )

    def set_mode(self, customer: Subscription, mode: Mode, asked: Asked) -> Step:
        """Receipts over the screen, or filed in the inbox."""
        event = SubscriptionEvent.SET_MODE
        outcome = SUBSCRIPTION.fire(customer.state, event)
        if outcome.reason is not None:
            return self._refused(customer, outcome.reason, asked)
        same = customer.mode is mode
        return Step(
            customer.but(mode=mode),
            ((f"{'still' if same else 'now'}_{mode}", self.facts(customer, asked.language)),),
            audit=() if same else (self._audit(customer, event, outcome, asked),),
        )

    def set_language(self, customer: Subscription, language: Language) -> Step:
        """The language of all that we say from now on."""
        return Step(
            customer.but(language=language), (("language_set", self.facts(customer, language)),)
        )

    def ask(self, customer: Subscription, asked: Asked, spent_fen: int) -> Step:
        """State, mode, price and what this month has cost so far, as they are."""
        if customer.state not in HOLDING:
            refusal = self.refusal(customer, asked.door, asked.language)
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
        province = self.place(customer).province
        if province is None:
            return facts | self._facts_anywhere(customer, language)
        version = customer.order.tariff if customer.order else customer.tariff
        tariff = self._tariff(province, version)
        if not (customer.trial or self._newcomer(customer)):
            tariff = msgspec.structs.replace(tariff, trial_days=0)
        return facts | {
            "price": fees(language, tariff),
            "open": self._word(province, Wish.OPEN),
            "cancel": self._word(province, Wish.CANCEL),
            "ask": self._word(province, Wish.ASK),
            "hours": str(province.confirmation_hours),
        }

    def _facts_anywhere(self, customer: Subscription, language: Language) -> dict[str, str]:
        """The facts of one whose place has no rules (any more): the words valid everywhere."""
        words = self.book.words
        plain = words.zh if language is Language.ZH else words.en
        agreed = (each.tariff(customer.tariff or "") for each in self.book.provinces.values())
        tariff = next((found for found in agreed if found is not None), None)
        return {
            "price": fees(language, tariff) if tariff else notices().say("price.agreed", language),
            "open": plain[Wish.OPEN][0],
            "cancel": words.code[Wish.CANCEL][0],
            "ask": plain[Wish.ASK][0],
            "hours": "48",
        }

    def offer_facts(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What an offer must tell: price, first charge date, how to cancel, how long it stands."""
        now = self._clock.now()
        tariff = self._tariff(self._province(customer), None)
        trial = self._newcomer(customer)
        first = day(first_charge_at(tariff, now) if trial else now, language)
        said = "charged.never" if tariff.free else "charged.from"
        return self.facts(customer.but(order=None, tariff=None), language) | {
            "charged": notices().say(said, language, **({} if tariff.free else {"day": first}))
        }

    # -- parts -------------------------------------------------------------------------------

    def _province(self, customer: Subscription) -> Province:
        province = self.place(customer).province
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

    def _fee(
        self, customer: Subscription, now: dt.datetime, why: str, month: str | None = None
    ) -> tuple[Charge, ...]:
        """The fee of a month, by default this one, if it has fallen due."""
        province = self.place(customer).province
        if province is None:
            return ()
        cap = self.book.limits.monthly_cap_fen
        return monthly(customer, province, month or month_of(now), now, why, cap)

    def _refused(self, customer: Subscription, reason: str, asked: Asked) -> Step:
        return Step(customer, ((reason, self.facts(customer, asked.language)),))

    def _audit(
        self,
        customer: Subscription,
        event: SubscriptionEvent,
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
            shown=asked.shown,
            heard=asked.heard,
            clerk=asked.clerk,
            act=event.value,
        )

    @staticmethod
    def _timer(kind: str, customer: Subscription, at: dt.datetime | None = None) -> Timer:
        return Timer(kind, customer.number, "", at)


def spent_words(fen: int, language: Language) -> str:
    """What a month has cost so far; nothing is an amount here, not a gift."""
    if fen:
        return yuan(language, fen)
    return "0元" if language is Language.ZH else "0 yuan"
