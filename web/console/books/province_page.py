"""One province's rules in sections, and the rules that all provinces share."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from receipts.model.vocabulary import Intent
from receipts.rulebook.schema import Promotion, Province, RuleBook, Tariff
from web.console.books.terms import BookTerms

TARIFF_FIELDS = ("version", "from", "monthly_fen", "per_receipt_fen", "free_receipts", "trial_days")
_GENERAL = (
    *("doors", "languages", "greeting"),
    *("confirmation_hours", "cancel_takes_effect", "voice_password", "web_password"),
)
_SHARED = ("limits", "retention", "sending")
_LISTS = ("code", "zh", "en", "kept")

#: Labels with their values.
Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ProvinceRow:
    """A province in the overview."""

    code: str
    name: str
    channels: str
    monthly: str
    per_receipt: str
    keyword: str


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A tariff; ``when`` is now, past or later."""

    cells: tuple[str, ...]
    when: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """An operator's message; ``when`` as of a tariff."""

    name: str
    kind: str
    provinces: str
    days: str
    zh: str
    en: str
    when: str


@dataclass(frozen=True, slots=True)
class ProvincePage:
    """All rules of one province."""

    name: str
    general: Rows
    tariffs: list[TariffRow]
    words: Rows
    limits: Rows
    messages: list[MessageRow]


def overview(book: RuleBook, terms: BookTerms, today: dt.date) -> list[ProvinceRow]:
    """A row for each province, with its tariff of today."""
    return [_province_row(each, terms, each.tariff_at(today)) for each in book.provinces.values()]


def _province_row(province: Province, terms: BookTerms, tariff: Tariff) -> ProvinceRow:
    return ProvinceRow(
        province.code,
        terms.book.name(province.code, terms.language),
        terms.value(("doors",), tuple(map(str, province.doors))),
        terms.value(("monthly_fen",), tariff.monthly_fen),
        terms.value(("per_receipt_fen",), tariff.per_receipt_fen),
        next(iter(province.words.get(Intent.OPEN, ())), ""),
    )


def province_page(province: Province, terms: BookTerms, today: dt.date) -> ProvincePage:
    """The page of one province."""
    raw, book, code = msgspec.to_builtins(province), terms.book, province.code
    now = province.tariff_at(today)
    messages = [each for each in book.messages if not each.provinces or code in each.provinces]
    return ProvincePage(
        terms.province(code),
        _rows({name: raw[name] for name in _GENERAL}, (), terms),
        [_tariff_row(each, now, terms, today) for each in province.tariffs],
        list(_words(province, terms)),
        _rows(msgspec.to_builtins(book.limits_in(code)), ("limits",), terms),
        message_rows(messages, terms, today),
    )


def shared_sections(book: RuleBook, terms: BookTerms) -> list[tuple[str, Rows]]:
    """The rules that all provinces share, by section."""
    raw = msgspec.to_builtins(book)
    sections = [(terms.text(f"group.{name}"), _rows(raw[name], (name,), terms)) for name in _SHARED]
    lists = [
        (terms.text(f"group.words_{name}"), _rows(raw["words"][name], ("words",), terms))
        for name in _LISTS
    ]
    return sections + lists


def message_rows(messages: list[Promotion], terms: BookTerms, today: dt.date) -> list[MessageRow]:
    """The operator's messages in the order of the book."""
    return [
        MessageRow(
            each.name,
            terms.text(f"kind.{each.kind}"),
            terms.value(("provinces",), each.provinces),
            f"{each.since} – {each.until}",
            each.zh,
            each.en,
            "later" if today < each.since else "past" if today > each.until else "now",
        )
        for each in messages
    ]


def _rows(table: dict[str, Any], group: tuple[str, ...], terms: BookTerms) -> Rows:
    """A row for each field; the label is without the group, which is the section's title."""
    prefix = "intent" if group == ("words",) else "field"
    return [
        (terms.text(f"{prefix}.{name}"), terms.value((*group, name), _plain(value)))
        for name, value in table.items()
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a field of a table as msgspec gives it
    return tuple(map(str, value)) if isinstance(value, list | tuple) else value


def _tariff_row(tariff: Tariff, now: Tariff, terms: BookTerms, today: dt.date) -> TariffRow:
    raw = msgspec.to_builtins(tariff)
    when = "later" if tariff.since > today else "now" if tariff is now else "past"
    return TariffRow(tuple(terms.value((name,), _plain(raw[name])) for name in TARIFF_FIELDS), when)


def _words(province: Province, terms: BookTerms) -> Iterator[tuple[str, str]]:
    """Keywords of each intent: those of the province first, which replies teach."""
    lists = (province.words, *(getattr(terms.book.words, name) for name in _LISTS))
    for intent in Intent:
        words = tuple(word for listed in lists for word in listed.get(intent, ()))
        yield terms.text(f"intent.{intent}"), terms.listed(words)
