"""Schema of the rule book, as frozen msgspec structs."""

import datetime as dt
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.vocabulary import Channel, Intent, Language, PromotionCategory

# The bounds keep date arithmetic within the calendar.
Count = Annotated[int, Meta(ge=0, le=100_000)]
Some = Annotated[int, Meta(ge=1, le=100_000)]
Months = Annotated[int, Meta(ge=1, le=600)]
Text = Annotated[str, Meta(min_length=1)]
#: The public description of the service says 0-3 yuan.
Fen = Annotated[int, Meta(ge=0, le=300)]
WordList = dict[Intent, Annotated[tuple[Text, ...], Meta(min_length=1)]]


class PhraseRole(StrEnum):
    """Part that a phrase plays in a sentence to the service."""

    CANCELLING = "cancelling"
    LEAVE = "leave"
    WEAK = "weak"
    REFUSAL = "refusal"
    NEGATION = "negation"
    SERVICE = "service"
    GENERIC = "generic"
    OTHER = "other"
    EXTRAS = "extras"
    MESSAGES = "messages"
    CHARGES = "charges"
    AGREE = "agree"
    DECLINE = "decline"
    DOUBT = "doubt"
    POLITE = "polite"
    FLASH = "flash"
    REGULAR = "regular"
    CHINESE = "chinese"
    ENGLISH = "english"
    SWITCH = "switch"


PhraseLists = dict[PhraseRole, Annotated[tuple[Text, ...], Meta(min_length=1)]]


class CancellationEffect(StrEnum):
    """When a cancelled subscription ends."""

    MONTH_END = "month_end"
    NOW = "now"


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the rule book's tables; unknown keys are refused."""


class LocalizedName(RuleTable, frozen=True, kw_only=True):
    """A name or sentence in both languages."""

    zh: Text
    en: Text

    def in_(self, language: Language) -> str:
        """Text in a language."""
        return self.zh if language is Language.ZH else self.en


class Tariff(RuleTable, frozen=True, kw_only=True):
    """Price of the service from a day on; a new price is a new version."""

    version: Text
    since: dt.date = msgspec.field(name="from")
    monthly_fen: Fen
    per_receipt_fen: Fen
    free_receipts: Count = 0
    trial_days: Annotated[int, Meta(ge=0, le=366)] = 0

    @property
    def free(self) -> bool:
        """True if neither a monthly nor a receipt fee is charged."""
        return self.monthly_fen == 0 and self.per_receipt_fen == 0


class Limits(RuleTable, frozen=True, kw_only=True):
    """Limits per customer; those on replies stop loops between two machines."""

    replies_an_hour: Some = 40
    replies_a_day: Some = 120
    receipts_shown: Some = 3
    monthly_cap_fen: Fen = 300


class Province(RuleTable, frozen=True, kw_only=True):
    """A covered province; ``doors`` are the channels its customers may use, ``tariffs`` by day."""

    code: str
    names: LocalizedName
    doors: Annotated[tuple[Channel, ...], Meta(min_length=1)]
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)] = (Language.ZH, Language.EN)
    greeting: Annotated[tuple[Language, ...], Meta(min_length=1)] = (Language.ZH, Language.EN)
    words: WordList = {}
    phrases: PhraseLists = {}
    tariffs: Annotated[tuple[Tariff, ...], Meta(min_length=1)]
    confirmation_hours: Annotated[int, Meta(ge=1, le=720)] = 48
    cancel_takes_effect: CancellationEffect = CancellationEffect.MONTH_END
    voice_password: bool = False
    #: Whether a number and its service password sign in to the portal, besides a passcode.
    web_password: bool = False
    #: Complete limits of this province; the loader fills gaps from [limits].
    limits: Limits | None = None

    def tariff_at(self, day: dt.date) -> Tariff:
        """Tariff in force on a day in China; before the first one, the first."""
        begun = [tariff for tariff in self.tariffs if tariff.since <= day]
        return begun[-1] if begun else self.tariffs[0]

    def begun(self, day: dt.date) -> bool:
        """True if a tariff is in force on a day in China, which an order needs."""
        return self.tariffs[0].since <= day

    def tariff(self, version: str) -> Tariff | None:
        """Tariff of that version; None if this book has none."""
        return next((each for each in self.tariffs if each.version == version), None)

    @property
    def window(self) -> dt.timedelta:
        """Time to confirm an offer."""
        return dt.timedelta(hours=self.confirmation_hours)


class KeywordLists(RuleTable, frozen=True, kw_only=True):
    """Keywords valid everywhere, by language; ``kept`` are the provider's own."""

    code: WordList = {}
    zh: WordList = {}
    en: WordList = {}
    kept: WordList = {}


class Retention(RuleTable, frozen=True, kw_only=True):
    """Retention periods."""

    claims_days: Some = 40
    trails_days: Some = 31
    #: A repeated report is known as such for so long; afterwards only its count is left.
    strangers_hours: Annotated[int, Meta(ge=1, le=72)] = 2
    receipts_months: Months = 6
    #: Older receipts that have ended leave the store for the archive. The least is more than the
    #: days in which they may still change.
    receipts_in_store_days: Annotated[int, Meta(ge=7, le=18_600)] = 31
    #: Records of people who left, without the ledger and the evidence of consent.
    left_months: Months = 6
    # Customers may dispute orders for five months (telecom rules, domain notes rule 14).
    audit_months: Annotated[int, Meta(ge=5, le=600)] = 36


class SendingRules(RuleTable, frozen=True, kw_only=True):
    """Retries, report timeout, circuit breaker and digest of receipts."""

    max_attempts: Some = 6
    delays_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (5, 30, 120, 600, 3600)
    look_after_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (1, 5, 15)
    expire_after_hours: Some = 24
    validity_hours: Some = 48
    margin_hours: Count = 2
    #: Failures in a row that open the circuit breaker, and the waits before each trial.
    demote_after: Some = 3
    probe_after_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (5, 15, 60, 300)
    #: Share of a rate limit reserved for fresh receipts during a backlog.
    fresh_percent: Annotated[int, Meta(ge=1, le=99)] = 20
    # A receipt more than a minute late is useless.
    digest_seconds: Annotated[int, Meta(ge=0, le=60)] = 1

    @property
    def digest(self) -> dt.timedelta:
        """Time a flash receipt waits for others to join it; zero is off."""
        return dt.timedelta(seconds=self.digest_seconds)

    def delay(self, attempts: int) -> dt.timedelta:
        """Delay after a number of attempts; the last delay repeats."""
        position = min(max(attempts, 1), len(self.delays_seconds)) - 1
        return dt.timedelta(seconds=self.delays_seconds[position])


class ReportRules(RuleTable, frozen=True, kw_only=True):
    """Meanings of error codes that differ by gateway; they add to those known to the service."""

    #: By the two letters of a CMPP code, such as MA in MA:0051.
    families: dict[Annotated[str, Meta(pattern="^[A-Z]{2}$")], MessageStatus] = {}
    causes: dict[Text, FailureCause] = {}


class Promotion(RuleTable, frozen=True, kw_only=True):
    """Promotion, short enough for the shortest receipt; ``until`` is its last day in China."""

    name: Text
    kind: PromotionCategory
    provinces: tuple[Text, ...] = ()
    since: dt.date = msgspec.field(name="from")
    until: dt.date
    zh: Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^\S(.*\S)?$")]
    # English within the GSM 7-bit alphabet, so that a segment has 160 characters.
    en: Annotated[
        str, Meta(min_length=1, max_length=80, pattern=r"^[!-Z_a-z]([ -Z_a-z]*[!-Z_a-z])?$")
    ]

    def runs(self, province: str, day: dt.date) -> bool:
        """True if it runs in a province on a day; without provinces, in all."""
        here = not self.provinces or province in self.provinces
        return here and self.since <= day <= self.until

    def in_(self, language: Language) -> str:
        """Text in a language."""
        return self.zh if language is Language.ZH else self.en


class CounterRules(RuleTable, frozen=True, kw_only=True):
    """Figures of a counter from which on its supervisor is told to look."""

    #: Days without a receipt after which a subscription counts as unused.
    unused_days: Some = 3
    unused_subscriptions: Some = 5
    resets_in_a_row: Some = 3
    customers_an_hour: Some = 30
    customers_per_agent: Some = 3


class RuleBook(RuleTable, frozen=True, kw_only=True):
    """The whole rule book; ``invented`` marks sample values."""

    version: Text
    invented: bool = False
    limits: Limits = Limits()
    retention: Retention = Retention()
    sending: SendingRules = SendingRules()
    reports: ReportRules = ReportRules()
    counter: CounterRules = CounterRules()
    words: KeywordLists
    #: Phrases of customers' own sentences, by language; a province may add to them.
    phrases: dict[Language, PhraseLists] = {}
    provinces: dict[str, Province]
    names: dict[str, LocalizedName]
    messages: tuple[Promotion, ...] = ()
    #: How customers pay an unpaid fee; unset, the portal names the hotline and the stores.
    payment: LocalizedName | None = None

    def province(self, code: str | None) -> Province | None:
        """Rules of a province; None if it is unknown or not covered."""
        return self.provinces.get(code) if code else None

    def limits_in(self, code: str | None) -> Limits:
        """Limits of a province: its own, else the general ones."""
        province = self.province(code)
        return (province and province.limits) or self.limits

    def name(self, code: str, language: Language) -> str:
        """Name of a province, covered or not; its code if the book has none."""
        known = self.names.get(code)
        return known.in_(language) if known else code
