"""What a rule book says, as frozen values; how it is written down is ``loading``'s matter."""

import datetime as dt
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from receipts.model.vocabulary import Channel, Intent, Language, PromotionCategory

# Nothing here needs more, and dates reckoned with more would leave the calendar.
Count = Annotated[int, Meta(ge=0, le=100_000)]
Some = Annotated[int, Meta(ge=1, le=100_000)]
Months = Annotated[int, Meta(ge=1, le=600)]
Text = Annotated[str, Meta(min_length=1)]
#: The source's own bounds: 0-3 yuan.
Fen = Annotated[int, Meta(ge=0, le=300)]
WordList = dict[Intent, Annotated[tuple[Text, ...], Meta(min_length=1)]]


class CancellationEffect(StrEnum):
    """When a cancelled subscription ends."""

    MONTH_END = "month_end"
    NOW = "now"


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the rule book; a key that we do not know is refused, not ignored."""


class LocalizedName(RuleTable, frozen=True, kw_only=True):
    """A province's name in both languages."""

    zh: Text
    en: Text

    def in_(self, language: Language) -> str:
        """The name in one of the languages."""
        return self.zh if language is Language.ZH else self.en


class Tariff(RuleTable, frozen=True, kw_only=True):
    """What the service costs from a day on; a new price is a new version."""

    version: Text
    since: dt.date = msgspec.field(name="from")
    monthly_fen: Fen
    per_receipt_fen: Fen
    free_receipts: Count = 0
    trial_days: Annotated[int, Meta(ge=0, le=366)] = 0

    @property
    def free(self) -> bool:
        """Whether nothing is ever charged."""
        return self.monthly_fen == 0 and self.per_receipt_fen == 0


class Limits(RuleTable, frozen=True, kw_only=True):
    """How often we answer, so that machines do not talk to each other for long."""

    help_answers_a_day: Count = 3
    hints_a_day: Some = 20
    receipts_shown: Some = 3
    monthly_cap_fen: Fen = 300


class Province(RuleTable, frozen=True, kw_only=True):
    """One covered province. ``tariffs`` stand in the order of their days."""

    code: str
    names: LocalizedName
    doors: Annotated[tuple[Channel, ...], Meta(min_length=1)]
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)] = (Language.ZH, Language.EN)
    greeting: Annotated[tuple[Text, ...], Meta(min_length=1)] = ("zh", "en")
    words: WordList = {}
    tariffs: Annotated[tuple[Tariff, ...], Meta(min_length=1)]
    confirmation_hours: Annotated[int, Meta(ge=1, le=720)] = 48
    cancel_takes_effect: CancellationEffect = CancellationEffect.MONTH_END
    voice_password: bool = False
    #: What this province limits otherwise than [limits]; there, what it leaves out.
    limits: Limits | None = None

    def has(self, channel: Channel) -> bool:
        """Whether customers of this province may use the door."""
        return channel in self.doors

    def tariff_at(self, day: dt.date) -> Tariff:
        """The tariff in force on a day in China; before the first one, the first."""
        begun = [tariff for tariff in self.tariffs if tariff.since <= day]
        return begun[-1] if begun else self.tariffs[0]

    def begun(self, day: dt.date) -> bool:
        """Whether there is a price by a day in China; before that nobody can order here."""
        return self.tariffs[0].since <= day

    def tariff(self, version: str) -> Tariff | None:
        """The tariff of that version, None when this book has none."""
        for each in self.tariffs:
            if each.version == version:
                return each
        return None

    @property
    def window(self) -> dt.timedelta:
        """How long an offer waits for its yes."""
        return dt.timedelta(hours=self.confirmation_hours)


class KeywordLists(RuleTable, frozen=True, kw_only=True):
    """Words valid everywhere, by the language they are in; ``kept`` are the provider's own."""

    code: WordList = {}
    zh: WordList = {}
    en: WordList = {}
    kept: WordList = {}


class Retention(RuleTable, frozen=True, kw_only=True):
    """How long things are kept."""

    claims_days: Some = 40
    trails_days: Some = 40
    receipts_months: Months = 6
    # Orders are disputed within five months at the latest (telecom rules, domain notes rule 14).
    audit_months: Annotated[int, Meta(ge=5, le=600)] = 36


class SendingRules(RuleTable, frozen=True, kw_only=True):
    """How a receipt is tried, and when silence counts as an answer."""

    max_attempts: Some = 6
    delays_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (5, 30, 120, 600, 3600)
    look_after_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (1, 5, 15)
    expire_after_hours: Some = 24
    validity_hours: Some = 48
    margin_hours: Count = 2
    #: A provider that failed so often in a row is demoted, and tried again after these waits.
    demote_after: Some = 3
    probe_after_seconds: Annotated[tuple[Some, ...], Meta(min_length=1)] = (5, 15, 60, 300)
    #: Of the room on a line that a backlog waits for, this much is kept for fresh receipts.
    fresh_percent: Annotated[int, Meta(ge=1, le=99)] = 20
    # A receipt that comes a minute late has lost its point.
    digest_seconds: Annotated[int, Meta(ge=0, le=60)] = 1

    @property
    def digest(self) -> dt.timedelta:
        """How long a flash receipt waits for others to join it; nothing is off."""
        return dt.timedelta(seconds=self.digest_seconds)

    def delay(self, attempts: int) -> dt.timedelta:
        """How long to wait after so many attempts; the last delay repeats."""
        position = min(max(attempts, 1), len(self.delays_seconds)) - 1
        return dt.timedelta(seconds=self.delays_seconds[position])


class Promotion(RuleTable, frozen=True, kw_only=True):
    """A message that receipts may carry while it runs; ``until`` is its last day, in China.

    It is short enough to fit beside the shortest receipt. Its English is of the 7-bit alphabet:
    one other character would cost the receipt half its room.
    """

    name: Text
    kind: PromotionCategory
    provinces: tuple[Text, ...] = ()
    since: dt.date = msgspec.field(name="from")
    until: dt.date
    zh: Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^\S(.*\S)?$")]
    en: Annotated[
        str, Meta(min_length=1, max_length=80, pattern=r"^[!-Z_a-z]([ -Z_a-z]*[!-Z_a-z])?$")
    ]

    def runs(self, province: str, day: dt.date) -> bool:
        """Whether it is for customers of a province on a day; without provinces, for all."""
        here = not self.provinces or province in self.provinces
        return here and self.since <= day <= self.until

    def in_(self, language: Language) -> str:
        """The message in one of the languages."""
        return self.zh if language is Language.ZH else self.en


class RuleBook(RuleTable, frozen=True, kw_only=True):
    """All the rules, checked. ``invented`` says that its values are for trying out only."""

    version: Text
    invented: bool = False
    limits: Limits = Limits()
    retention: Retention = Retention()
    sending: SendingRules = SendingRules()
    words: KeywordLists
    provinces: dict[str, Province]
    names: dict[str, LocalizedName]
    messages: tuple[Promotion, ...] = ()

    def province(self, code: str | None) -> Province | None:
        """The rules of a province, None when it is unknown or not covered."""
        return self.provinces.get(code) if code else None

    def limits_in(self, code: str | None) -> Limits:
        """The limits of a province: its own where it has some, else those of all."""
        province = self.province(code)
        return (province.limits if province else None) or self.limits

    def name(self, code: str, language: Language) -> str:
        """What people call a province, covered or not; its code when the book does not know it."""
        known = self.names.get(code)
        return known.in_(language) if known else code
