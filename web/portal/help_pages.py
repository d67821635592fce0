"""Help: keywords, hotline keys, prices, cancelling and privacy, as they are in one province."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, request

from receipts.charging.tariffs import fees, tariff_on
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Channel, Intent, Language
from receipts.rulebook.schema import Province, Retention
from receipts.wording.notice_text import day, notices
from receipts.wording.separators import COMMA
from web import forms
from web.portal import session
from web.portal.rendering import VISITOR, PageRenderer, PortalServices

#: Keywords on the page, the most used first, and words of each.
_INTENTS = (
    Intent.OPEN, Intent.CANCEL, Intent.ASK, Intent.ORDINARY, Intent.FLASH, Intent.RECEIPTS,
    Intent.CHARGES, Intent.LIST_ALL, Intent.NEWS, Intent.PUBLIC_INTEREST, Intent.ADVERTISING,
    Intent.NO_MESSAGES, Intent.CHINESE, Intent.ENGLISH, Intent.HELP,
)  # fmt: skip
_WORDS = 3


@dataclass(frozen=True, slots=True)
class ProvinceHelp:
    """A province in words: prices, doors, keywords, hotline keys, and the end of a cancellation."""

    code: str
    name: str
    prices: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    has_web: bool
    has_counter: bool
    hours: int
    ends: str


class HelpPages:
    """The page of help, for visitors and customers."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal, self._policy = portal, portal.presenter.policy

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/help", endpoint="help")(self.show)

    def show(self) -> Response:
        """Help for the customer's own province, else for the one that a visitor chose."""
        page = self._page()
        own = self._policy.service_area(page.customer).province if page.customer.number else None
        provinces = self._policy.book.provinces
        chosen = own or provinces.get(request.args.get("province", ""))
        here = self._help(chosen, page.language) if chosen else None
        overview = [] if here else [self._help(each, page.language) for each in provinces.values()]
        retention = dict(self._retention(page.language))
        store = notices().render("door.counter", page.language)
        doors = self._policy.access_numbers | {"store": store}
        return page.render(
            "help.html", here=here, overview=overview, own=own, kept=retention, doors=doors
        )

    def _page(self) -> PageRenderer:
        number = session.signed_in_number(self._portal.passcodes.has_session)
        customer = self._portal.presenter.customer(number) if number else None
        language = (customer and customer.language) or forms.preferred_language()
        return PageRenderer(self._portal, language, customer or VISITOR)

    def _help(self, province: Province, language: Language) -> ProvinceHelp:
        return ProvinceHelp(
            province.code,
            province.names.in_(language),
            tuple(self._prices(province, language)),
            tuple(self._keywords(province, language)) if Channel.TEXT in province.doors else (),
            tuple(self._keys(language)) if Channel.VOICE in province.doors else (),
            Channel.WEB in province.doors,
            Channel.COUNTER in province.doors,
            province.confirmation_hours,
            self._text(f"help.ends.{province.cancel_takes_effect}", language),
        )

    def _prices(self, province: Province, language: Language) -> Iterator[str]:
        """The tariff in force, and those that are announced."""
        now = self._portal.presenter.clock.now()
        today = now.astimezone(SHANGHAI).date()
        if province.begun(today):
            yield fees(language, tariff_on(province, now))
        for tariff in province.tariffs:
            if tariff.since > today:
                since = dt.datetime.combine(tariff.since, dt.time(), SHANGHAI)
                price, since_text = fees(language, tariff), day(since, language)
                yield self._text("help.price_from", language, price=price, day=since_text)

    def _keywords(self, province: Province, language: Language) -> Iterator[tuple[str, str]]:
        """Words to text and their meaning, the province's own words first."""
        words = self._policy.book.words
        general = (words.code, words.zh if language is Language.ZH else words.en)
        for intent in _INTENTS:
            listed = [word for each in (province.words, *general) for word in each.get(intent, ())]
            if known := list(dict.fromkeys(listed))[:_WORDS]:
                yield COMMA[language].join(known), self._text(f"help.word.{intent}", language)

    def _keys(self, language: Language) -> Iterator[tuple[str, str]]:
        for key, names in self._portal.hotline_keys.items():
            yield key, " / ".join(self._text(f"help.key.{name}", language) for name in names)

    def _retention(self, language: Language) -> Iterator[tuple[str, str]]:
        """Retention periods of the rule book, in words."""
        kept: Retention = self._policy.book.retention
        for name in ("receipts_months", "left_months", "audit_months"):
            yield name, self._text("help.months", language, count=str(getattr(kept, name)))
        yield "trails_days", self._text("help.days", language, count=str(kept.trails_days))
        hours = str(kept.strangers_hours)
        yield "strangers_hours", self._text("help.hours", language, count=hours)

    def _text(self, key: str, language: Language, **params: str) -> str:
        return self._portal.catalogue.render(key, language, **params)
