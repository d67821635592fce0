"""Subscription policy: home province, price, eligibility and template parameters."""

import datetime as dt

from msgspec import Struct
from msgspec.structs import replace

from receipts.charging.charges import CHARGEABLE, is_active, monthly
from receipts.charging.tariffs import fees, tariff_on
from receipts.charging.terms import OpeningTerms, opening_terms
from receipts.charging.trial_people import has_trial_tariff, terms_for
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Intent, Language, Msisdn, Network
from receipts.numbering.msisdn import unanswered_kind
from receipts.numbering.plan import NumberInfo, NumberingPlan
from receipts.ports.clock import Clock
from receipts.rulebook.schema import Limits, Province, RuleBook, Tariff
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.wording.notice_text import alternatives, day, last_day, notices
from receipts.wording.separators import COMMA
from statemachines.engine import Transition
from statemachines.subscription import HOLDING, SubscriptionEvent, SubscriptionState


class ServiceArea(Struct, frozen=True):
    """Home of a number, with the rules of its province; None where the service is not offered."""

    number_info: NumberInfo
    province: Province | None


class SubscriptionPolicy:
    """The rule book as it applies to a customer now; pure."""

    def __init__(
        self,
        book: RuleBook,
        numbering: NumberingPlan,
        clock: Clock,
        hotline: str = "10086",
        short_code: str = "7500",
    ) -> None:
        self.book, self._numbering, self._clock = book, numbering, clock
        self.access_numbers = {"hotline": hotline, "short_code": short_code}
        # The same for all customers of a province.
        self._params_by_province = {
            code: self._province_params(each) for code, each in book.provinces.items()
        }

    def service_area(self, customer: Subscription) -> ServiceArea:
        """Home network and province of a customer, with the rules there."""
        home = self._numbering.info_of(customer)
        province = self.book.province(home.province)
        if province is not None:
            province = terms_for(province, home, customer.number)
        return ServiceArea(home, province)

    def is_trial_person(self, number: Msisdn) -> bool:
        """Whether a number is on the list of trial people, who are never charged."""
        return number in self._numbering.trial_people

    def has_left_trial(self, customer: Subscription) -> bool:
        """Whether a subscription is a former trial person's: it gives no receipts."""
        held = customer.state in CHARGEABLE and has_trial_tariff(customer)
        return held and not self.is_trial_person(customer.number)

    def now(self) -> dt.datetime:
        """Current time, aware."""
        return self._clock.now()

    def limits(self, customer: Subscription) -> Limits:
        """Most replies, receipts shown and fees of a customer."""
        return self.book.limits_in(self._numbering.info_of(customer).province)

    def language(self, customer: Subscription, just_used: Language | None = None) -> Language:
        """Reply language: the one just used, else the one chosen, else the province's first."""
        if chosen := just_used or customer.language:
            return chosen
        province = self.service_area(customer).province
        if province is not None:
            return province.languages[0]
        return Language.ZH if customer.number.startswith("+86") else Language.EN

    def ineligibility(
        self, customer: Subscription, channel: Channel, language: Language
    ) -> Message | None:
        """Reason why the service cannot be opened on this channel; None if it can."""
        area = self.service_area(customer)
        home, province = area.number_info, area.province
        if home.network not in {Network.CHINA_MOBILE, Network.UNKNOWN}:
            return "not_on_net", {}
        if home.province is None:
            return "province_unknown", {"open": self._plain_keyword(Intent.OPEN, language)}
        params = {"province": self.book.name(home.province, language)}
        if province is None or not province.begun(self.now().astimezone(SHANGHAI).date()):
            return "not_covered", params
        if channel in province.doors:
            return None
        params["doors"] = self._joined(province.doors, language)
        return "door_missing", params

    def may_use_portal(self, customer: Subscription) -> bool:
        """Whether a number holds the service, or may subscribe to it in the portal."""
        if self.is_trial_person(customer.number):
            return self.ineligibility(customer, Channel.WEB, Language.ZH) is None
        if unanswered_kind(customer.number) or self.has_left_trial(customer):
            return False
        if customer.state in HOLDING:
            return True
        refusal = self.ineligibility(customer, Channel.WEB, Language.ZH)
        network = self.service_area(customer).number_info.network
        # The portal asks a number of ours for its province.
        is_ours = network is Network.CHINA_MOBILE
        return refusal is None or (is_ours and refusal[0] == "province_unknown")

    def may_use_password_online(self, customer: Subscription) -> bool:
        """Whether the service password signs this number in to the portal."""
        province = self.service_area(customer).province
        allowed = province is not None and province.web_password
        return allowed and self.may_use_portal(customer)

    def lacks_province(self, customer: Subscription) -> bool:
        """True if the number may hold the service, but its home province is unknown."""
        refusal = self.ineligibility(customer, Channel.VOICE, Language.ZH)
        return refusal is not None and refusal[0] == "province_unknown"

    def channels(self, customer: Subscription) -> tuple[Channel, ...]:
        """Channels that serve a number; those of every province where the home is unknown."""
        area = self.service_area(customer)
        if area.number_info.network not in {Network.CHINA_MOBILE, Network.UNKNOWN}:
            return ()
        if area.number_info.province is None:
            offered = [each.doors for each in self.book.provinces.values()]
            return tuple(each for each in Channel if all(each in doors for doors in offered))
        today = self.now().astimezone(SHANGHAI).date()
        return area.province.doors if area.province and area.province.begun(today) else ()

    def channel_params(
        self, customer: Subscription, language: Language, used: Channel
    ) -> dict[str, str]:
        """Names of the customer's channels, each empty where a text must not name it.

        ``other_doors`` are those beside the one in use, ``doors_but_store`` also without stores.
        """
        channels = self.channels(customer)
        others = tuple(each for each in channels if each is not used)
        but_store = tuple(each for each in others if each is not Channel.COUNTER)
        numbers = {Channel.TEXT: "short_code", Channel.VOICE: "hotline"}
        lines = {
            f"{each}_line": self.access_numbers[name] if each in channels else ""
            for each, name in numbers.items()
        }
        return lines | {
            "store": self._joined(tuple({Channel.COUNTER} & set(channels)), language),
            "other_doors": self._joined(others, language),
            "doors_but_store": self._joined(but_store, language),
        }

    def _joined(self, channels: tuple[Channel, ...], language: Language) -> str:
        return alternatives([self._channel_name(each, language) for each in channels], language)

    def _plain_keyword(self, intent: Intent, language: Language) -> str:
        words = self.book.words
        return (words.zh if language is Language.ZH else words.en)[intent][0]

    def _channel_name(self, channel: Channel, language: Language) -> str:
        return notices().render(f"door.{channel}", language, **self.access_numbers)

    def consent_summary(self, customer: Subscription, language: Language) -> tuple[Message, ...]:
        """Day, channel and price of the customer's consent; empty if none is recorded."""
        if customer.opened_at is None or customer.channel is None:
            return ()
        params = self.template_params(replace(customer, order=None), language)
        params["opened"] = day(customer.opened_at, language)
        params["door"] = self._channel_name(customer.channel, language)
        return (("charges_why", params),)

    def template_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """Template parameters of a customer: price, mode, dates, and the keywords to text."""
        province = self.service_area(customer).province
        if province is None:
            params = self.access_numbers | self._default_params(customer, language)
        else:
            version = customer.order.tariff if customer.order else customer.tariff
            tariff = self.tariff(province, version)
            trial = customer.trial or self.trial_available(customer)
            params = self._params_by_province[province.code].copy()
            params["price"] = self._price(customer, tariff, language, trial=trial)
            if language is Language.EN and self.is_trial_person(customer.number):
                taught = (Intent.OPEN, Intent.ASK)
                params |= {each.value: self._plain_keyword(each, language) for each in taught}
        params["mode"] = notices().render(f"mode.{customer.mode.value}", language)
        params["switch"] = notices().render(f"switch.{customer.mode.value}", language)
        params["ends"] = last_day(customer.ends_at, language) if customer.ends_at else ""
        refusal = self.ineligibility(customer, Channel.TEXT, language)
        served = (Channel.TEXT in each.doors for each in self.book.provinces.values())
        if refusal is not None and not (refusal[0] == "province_unknown" and any(served)):
            # No text offers a keyword that would be refused; a text may name the home province.
            params["open"] = ""
        return params

    def _price(
        self, customer: Subscription, tariff: Tariff, language: Language, *, trial: bool
    ) -> str:
        """A tariff in words: the monthly fee up to its cap, and the trial if there is one."""
        days = tariff.trial_days if trial else 0
        fen = min(tariff.monthly_fen, self.limits(customer).monthly_cap_fen)
        return fees(language, replace(tariff, trial_days=days, monthly_fen=fen))

    def _province_params(self, province: Province) -> dict[str, str]:
        taught = (Intent.OPEN, Intent.CANCEL, Intent.ASK)
        keywords = {intent.value: self._keyword(province, intent) for intent in taught}
        return self.access_numbers | keywords | {"hours": str(province.confirmation_hours)}

    def _default_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """Parameters where the home province has no rules: keywords valid everywhere."""
        agreed = (each.tariff(customer.tariff or "") for each in self.book.provinces.values())
        tariff = next(filter(None, agreed), None)
        price = fees(language, tariff) if tariff else notices().render("price.agreed", language)
        return {
            "price": price,
            "open": self._plain_keyword(Intent.OPEN, language),
            "cancel": self.book.words.code[Intent.CANCEL][0],
            "ask": self._plain_keyword(Intent.ASK, language),
            "hours": "48",
        }

    def offer_params(self, customer: Subscription, language: Language) -> dict[str, str]:
        """Template parameters of an offer: price, and the charges that a confirmation leads to."""
        order = customer.order
        terms = self.opening_terms(customer, order.tariff if order else None)
        params = self.template_params(replace(customer, order=None, tariff=None), language)
        params["price"] = self._price(customer, terms.tariff, language, trial=terms.is_new_trial)
        on = day(terms.day, language) if terms.day else ""
        key = f"charged.{terms.key}"
        params["charged"] = notices().render(key, language, day=on) if terms.key else ""
        params["terms"] = COMMA[language].join(filter(None, (params["price"], params["charged"])))
        return params

    def opening_terms(self, customer: Subscription, version: str | None = None) -> OpeningTerms:
        """Fees of a confirmation now. Raises: LookupError where the province has no rules."""
        return opening_terms(customer, self.province(customer), self.book, self.now(), version)

    def province(self, customer: Subscription) -> Province:
        """Rules of the customer's province. Raises: LookupError where there are none."""
        if (province := self.service_area(customer).province) is None:
            raise LookupError("an order in a province without rules")
        return province

    def tariff(self, province: Province, version: str | None) -> Tariff:
        """Tariff of that version; today's if None, or if the book has dropped it."""
        agreed = province.tariff(version) if version else None
        return agreed or tariff_on(province, self.now())

    def _keyword(self, province: Province, intent: Intent) -> str:
        """Keyword to teach for an intent: the province's own, else one valid everywhere."""
        own = province.words.get(intent) or self.book.words.code.get(intent)
        return (own or self.book.words.zh[intent])[0]

    def trial_available(self, customer: Subscription) -> bool:
        """True unless the number has had its trial or its service is still active."""
        return not customer.trial_used and not is_active(customer, self.now())

    def monthly_fee(
        self, customer: Subscription, now: dt.datetime, reason: str, month: str | None = None
    ) -> tuple[Charge, ...]:
        """Monthly fee of a month, by default the current one; empty if none is due."""
        if (province := self.service_area(customer).province) is None:
            return ()
        cap = self.limits(customer).monthly_cap_fen
        return monthly(customer, province, month or month_of(now), now, reason, cap)

    def refused(self, customer: Subscription, reason: str, request: CustomerRequest) -> Decision:
        """Decision that changes no record and replies with the text of the reason."""
        return Decision(customer, ((reason, self.template_params(customer, request.language)),))

    def audit(
        self,
        customer: Subscription,
        event: SubscriptionEvent,
        outcome: Transition[SubscriptionState],
        request: CustomerRequest,
        tariff: str = "",
    ) -> AuditEntry:
        """Audit entry of a transition, with the channel and texts of its request."""
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
