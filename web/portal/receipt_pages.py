"""Pages of receipts: all that are kept, or those found by recipient and day."""

import datetime as dt
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, request
from itsdangerous import BadSignature
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.receipt_search import ReceiptFilter, ReceiptPage
from receipts.model.calendar import SHANGHAI
from receipts.model.invisible import plain_digits
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from receipts.wording.times import short_time
from web import forms
from web.encrypted_cookie import EncryptedSerializer
from web.portal.rendering import PageRenderer, PortalServices, see_other
from web.portal.view_models import format_month

_POSITION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

#: Last digits of a number that a search takes, and the most characters of a typed number.
_ENDING = re.compile(r"[0-9]{3,15}", re.ASCII)
_LONGEST_NUMBER = 40

#: Days of this century: others lie beyond the calendar once hours are added.
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)

#: Country codes as people type them in front of the eleven digits of a number.
_COUNTRY = re.compile(r"(?:00)?86(?=1[0-9]{10}$)")

#: Cell of a time that is not known.
_UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One receipt as the list shows it, with the reason of its result in words."""

    sent: str
    recipient: str
    outcome: str
    done: str
    mode: str
    progress: str
    reason: str


class TypedSearch:
    """A search form as it was typed, with the key of what is wrong with it."""

    def __init__(self, recipient: str = "", day: str = "") -> None:
        self.recipient, self.day = recipient[:_LONGEST_NUMBER], day[:_LONGEST_NUMBER]
        self.errors: dict[str, str] = {}
        ending = _COUNTRY.sub("", plain_digits(self.recipient).lstrip("+"))
        if self.recipient.strip() and not _ENDING.fullmatch(ending):
            self.errors["to"] = "receipts.bad_to"
        self.wanted = ReceiptFilter("" if self.errors else ending, self._parsed_day())

    def _parsed_day(self) -> dt.date | None:
        if not self.day.strip():
            return None
        if _DAY.fullmatch(self.day.strip()):
            with suppress(ValueError):
                return dt.date.fromisoformat(self.day.strip())
        self.errors["day"] = "receipts.bad_day"
        return None


class ReceiptPages:
    """The list of receipts and its search."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal = portal

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/receipts")(self.receipts)
        blueprint.post("/receipts/search", endpoint="search")(self.search)

    def receipts(self) -> Response:
        """A page of receipts, newest first, of all or of the search that the address names."""
        number = self._portal.caller()
        typed, pages = _opened(number, request.args.get("search", "")), self._portal.receipts
        older, newer = (position(name) for name in ("older", "newer"))
        if newer is not None:
            page = pages.newer_page(number, typed.wanted, newer)
        else:
            page = pages.page(number, typed.wanted, older)
        return self._rendered(page, typed)

    def search(self) -> Response | AnyResponse:
        """The search of a form, sealed in the address: a number is in no address or log."""
        typed = TypedSearch(request.form.get("to", ""), request.form.get("day", ""))
        if typed.errors:
            return self._rendered(ReceiptPage(), typed)
        return see_other("receipts", search=_sealed(self._portal.caller(), typed))

    def _rendered(self, page: ReceiptPage, typed: TypedSearch) -> Response:
        renderer = PageRenderer.of_caller(self._portal)
        language, now = renderer.language, self._portal.presenter.clock.now()
        today = now.astimezone(SHANGHAI).date()
        searched_to = page.searched_to and short_time(ReportedTime(page.searched_to), now, language)
        return renderer.render(
            "receipts.html",
            HTTPStatus.BAD_REQUEST if typed.errors else HTTPStatus.OK,
            rows=[
                receipt_row(self._portal.catalogue, each, now, language) for each in page.receipts
            ],
            page=page,
            typed=typed,
            search=_sealed(renderer.customer.number, typed) if typed.wanted else None,
            searched_to=searched_to or "",
            unreadable=listed_months(page.unreadable, language),
            today=today.isoformat(),
            months=self._portal.presenter.policy.book.retention.receipts_months,
        )


def listed_months(months: Iterable[str], language: Language) -> str:
    """Months in words, with commas; empty for none."""
    comma = "、" if language is Language.ZH else ", "
    return comma.join(format_month(each, language) for each in months)


def receipt_row(
    texts: Catalogue, receipt: Receipt, now: dt.datetime, language: Language
) -> ReceiptRow:
    """A receipt as a list shows it."""
    sent, done = (
        short_time(time, now, language) if time else _UNKNOWN
        for time in (receipt.text_sent, receipt.text_done)
    )
    return ReceiptRow(
        sent,
        receipt.recipient.national if receipt.recipient else "",
        texts.render(f"outcome.{receipt.outcome or ReceiptOutcome.NO_ANSWER}", language),
        done,
        notices().render(f"mode.{receipt.sent_as or receipt.mode}", language),
        texts.render(f"progress.{receipt.state}", language),
        _reason(texts, receipt, language),
    )


def _reason(texts: Catalogue, receipt: Receipt, language: Language) -> str:
    """Why there is this result; empty for a delivery, and where no record tells."""
    told = receipt.failure or receipt.outcome or ReceiptOutcome.NO_ANSWER
    key = f"reason.{told}"
    # In a record of an earlier version "failed" is known alone.
    is_told = receipt.failure is not None or receipt.outcome is not ReceiptOutcome.FAILED
    return texts.render(key, language) if key in texts and is_told else ""


def _sealed(number: Msisdn, typed: TypedSearch) -> str | None:
    """A search for an address, readable for nobody and valid for one customer; None if empty."""
    wanted = typed.wanted
    return _seal().dumps([number, wanted.ending, typed.day.strip()]) if wanted else None


def _opened(number: Msisdn, sealed: str) -> TypedSearch:
    """The search of an address; an empty one for another customer's or a changed address."""
    try:
        owner, *typed = _seal().loads(sealed)
    except BadSignature:
        return TypedSearch()
    return TypedSearch(*typed) if owner == number else TypedSearch()


def _seal() -> EncryptedSerializer:
    return EncryptedSerializer(forms.session_keys(), "search")


def position(name: str) -> int | None:
    """The position in the list of receipts that the address names."""
    typed = request.args.get(name, "")
    return int(typed) if _POSITION.fullmatch(typed) else None
