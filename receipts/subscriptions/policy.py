"""What holds for one customer: where it belongs, what it costs, and what may be told of it."""

import datetime as dt

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from receipts.charging.charges import is_active, monthly
from receipts.charging.tariffs import fees, first_charge_at, tariff_on
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Intent, Language, Network
from receipts.numbering.plan import NumberInfo, NumberingPlan
from receipts.ports.clock import Clock
from receipts.rulebook.schema import Limits, Province, RuleBook, Tariff
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.wording.notice_text import day, last_day, notices
from statemachines.engine import Transition
from statemachines.subscription import SubscriptionEvent, SubscriptionState


class ServiceArea(Struct, frozen=True):
    """Where a number belongs, and the rules there. ``province`` is None where we do not serve."""

    number_info: NumberInfo
    province: Province | None


class SubscriptionPolicy:
    """The rules as they apply to a customer now; writes nothing and changes nobody."""

    def __init__(
        self,
        book: RuleBook,
        numbering: NumberingPlan,
        clock: Clock,
        hotline: str = "10086",
        short_code: str = "7500",
    ) -> None:
        self.book, self._numbering, self._clock = book, numbering, clock
        self._access_numbers = {"hotline": hotline, "short_code": short_code}
        # What every answer in a province tells alike, put together once.
        self._params_by_province = {
            code: self._province_params(each) for code, each in book.provinces.items()
        }

    def service_area(self, customer: Subscription) -> ServiceArea:
        """Where this customer belongs, with the rules of the province if we serve it."""
        home = self._numbering.info_of(customer)
        return ServiceArea(home, self.book.province(home.province))

    def now(self) -> dt.datetime:
        """The moment by the one clock, aware."""
        return self._clock.now()

    def limits(self, customer: Subscription) -> Limits:
        """How much this customer is answered, shown and charged at the most."""
        return self.book.limits_in(self._numbering.info_of(customer).province)

    def language(self, customer: Subscription, just_used: Language | None = None) -> Language:
        """The language to answer in: the one just used, the one chosen, the province's own."""
        spoken = just_used or customer.language
        if spoken is not None:
            return spoken
        province = self.service_area(customer).province
        return province.languages[0] if province else Language.ZH

    def ineligibility(
        self, customer: Subscription, channel: Channel, language: Language
    ) -> Message | None:
        """Why this customer cannot open the service through this door; None when it can."""
        area = self.service_area(customer)
        if area.number_info.network not in {Network.CHINA_MOBILE, Network.UNKNOWN}:
            return "not_on_net", {}
        if area.number_info.province is None:
            return "province_unknown", {}
        today = self.now().astimezone(SHANGHAI).date()
        if area.province is None or not area.province.begun(today):
            return "not_covered", {"province": self.book.name(area.number_info.province, language)}
        if not area.province.has(channel):
            params = {"province": self.book.name(area.number_info.province, language)}
            return "door_missing", params | {"doors": self._channel_names(area.province, language)}
        return None

    def _channel_names(self, province: Province, language: Language) -> str:
        names = [self._channel_name(channel, language) for channel in province.doors]
        return ("、" if language is Language.ZH else ", ").join(names)

    def _channel_name(self, channel: Channel, language: Language) -> str:
        return notices().render(f"door.{channel}", language, **self._access_numbers)

    def consent_summary(self, customer: Subscription, language: Language) -> tuple[Message, ...]:
        """What charges stand on: when, through which door and to what price the customer agreed."""
        if customer.opened_at is None or customer.channel is None:
            return ()
        params = self.template_params(replace(customer, order=None), language)
        opened, channel = (
            day(customer.opened_at, language),
            self._channel_name(customer.channel, language),
        )
        return (("charges_why", params | {"opened": opened, "door": channel}),)

    def template_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What sentences may tell of a customer: price, mode, dates, and the words to text."""
        province = self.service_area(customer).province
        if province is None:
            params = self._access_numbers | self._default_params(customer, language)
        else:
            version = customer.order.tariff if customer.order else customer.tariff
            tariff = self.tariff(province, version)
            if tariff.trial_days and not (customer.trial or self.trial_available(customer)):
                tariff = msgspec.structs.replace(tariff, trial_days=0)
            params = self._params_by_province[province.code].copy()
            params["price"] = fees(language, tariff)
        params["mode"] = notices().render(f"mode.{customer.mode.value}", language)
        params["ends"] = last_day(customer.ends_at, language) if customer.ends_at else ""
        return params

    def _province_params(self, province: Province) -> dict[str, str]:
        return self._access_numbers | {
            "open": self._keyword(province, Intent.OPEN),
            "cancel": self._keyword(province, Intent.CANCEL),
            "ask": self._keyword(province, Intent.ASK),
            "hours": str(province.confirmation_hours),
        }

    def _default_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """The facts of one whose place has no rules (any more): the words valid everywhere."""
        words = self.book.words
        plain = words.zh if language is Language.ZH else words.en
        agreed = (each.tariff(customer.tariff or "") for each in self.book.provinces.values())
        tariff = next((found for found in agreed if found is not None), None)
        return {
            "price": fees(language, tariff)
            if tariff
            else notices().render("price.agreed", language),
            "open": plain[Intent.OPEN][0],
            "cancel": words.code[Intent.CANCEL][0],
            "ask": plain[Intent.ASK][0],
            "hours": "48",
        }

    def offer_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """What an offer must tell: price, first charge date, how to cancel, how long it stands."""
        now = self.now()
        tariff = self.tariff(self.province(customer), None)
        trial = self.trial_available(customer)
        first = day(first_charge_at(tariff, now) if trial else now, language)
        key = "charged.never" if tariff.free else "charged.from"
        return self.template_params(replace(customer, order=None, tariff=None), language) | {
            "charged": notices().render(key, language, **({} if tariff.free else {"day": first}))
        }

    def province(self, customer: Subscription) -> Province:
        """The rules of the customer's province. Raises LookupError where there are none."""
        province = self.service_area(customer).province
        if province is None:
            raise LookupError("an order in a province without rules")
        return province

    def tariff(self, province: Province, version: str | None) -> Tariff:
        """The tariff agreed upon; today's when none is, or when the book has dropped it."""
        agreed = province.tariff(version) if version else None
        return agreed or tariff_on(province, self.now())

    def _keyword(self, province: Province, intent: Intent) -> str:
        """The word to teach for a wish: the province's own, else the one valid everywhere."""
        own = province.words.get(intent) or self.book.words.code.get(intent)
        return (own or self.book.words.zh[intent])[0]

    def trial_available(self, customer: Subscription) -> bool:
        """Whether a trial is still to be had: once a number, and not where the service runs on."""
        return not customer.trial_used and not is_active(customer, self.now())

    def monthly_fee(
        self, customer: Subscription, now: dt.datetime, why: str, month: str | None = None
    ) -> tuple[Charge, ...]:
        """The fee of a month, by default this one, if it has fallen due."""
        province = self.service_area(customer).province
        if province is None:
            return ()
        cap = self.limits(customer).monthly_cap_fen
        return monthly(customer, province, month or month_of(now), now, why, cap)

    def refused(self, customer: Subscription, reason: str, request: CustomerRequest) -> Decision:
        """An act that may not be done now: nothing changes, and the reason is told."""
        return Decision(customer, ((reason, self.template_params(customer, request.language)),))

    def audit(
        self,
        customer: Subscription,
        event: SubscriptionEvent,
        outcome: Transition[SubscriptionState],
        request: CustomerRequest,
        tariff: str = "",
    ) -> AuditEntry:
        """What is written down of an act: who, through which door, from where to where."""
        return AuditEntry(
            self.now(),
            customer.number,
            request.channel.value,
            request.event,
            customer.state.value,
            outcome.state.value,
            tariff=tariff,
            shown_text=request.shown_text,
            reply_text=request.reply_text,
            clerk=request.clerk,
            action=event.value,
        )
