"""Pages of charges: the months with their newest lines, and all lines of one month."""

import re
from dataclasses import dataclass

from flask import Blueprint, Response, request

from receipts.charging.charges import months_kept
from receipts.model.charge import Charge, ChargeKind
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language
from receipts.ports.store import MonthLedger
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.preferences import format_spent
from receipts.wording.notice_text import day
from web.forms import page_number
from web.portal.rendering import PageRenderer, PortalServices
from web.portal.view_models import Texts, format_month

#: Months on a page and lines of each, and lines on a page of one month.
_MONTHS, _FIRST_LINES, _LINES = 6, 30, 100

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)

#: Catalogue key by the reason of a charge.
_REASONS = {
    "opened": "why.opened",
    "first charge date": "why.first",
    "resumed": "why.resumed",
    "month of leaving": "why.leaving",
    "monthly fee, billed late": "why.late",
}


@dataclass(frozen=True, slots=True)
class MonthTable:
    """A month of the account: name, total, and rows of date, item, reason and amount."""

    month: str
    name: str
    total: str
    count: int
    rows: list[tuple[str, str, str, str]]


class ChargePages:
    """The list of charges."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal, self._presenter = portal, portal.presenter

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/charges")(self.charges)

    def charges(self) -> Response:
        """A page of the months with charges that are kept, newest first, or of one month."""
        page, index = PageRenderer.of_caller(self._portal), page_number()
        month = request.args.get("month", "")
        number, store = page.customer.number, self._presenter.store
        kept = months_kept(self._presenter.policy.book, self._presenter.clock.now())[::-1]
        if _MONTH.fullmatch(month) and month in kept:
            (ledger,) = store.ledgers(number, [month], _LINES, (index - 1) * _LINES)
            is_more, ledgers = ledger.count > index * _LINES, [ledger] * bool(ledger.count)
        else:
            month, charged = "", store.charged_months(number, kept)
            months = charged[(index - 1) * _MONTHS : index * _MONTHS]
            is_more = len(charged) > index * _MONTHS
            ledgers = store.ledgers(number, months, _FIRST_LINES)
        consent = self._presenter.consent(page.customer, page.language)
        tables = month_tables(
            self._portal.catalogue, self._presenter.queries, ledgers, page.language
        )
        return page.render(
            "charges.html", months=tables, month=month,
            consent=consent, index=index, is_more=is_more,
        )  # fmt: skip


def month_tables(
    texts: Texts, queries: AccountQueries, ledgers: list[MonthLedger], language: Language
) -> list[MonthTable]:
    """Months of charges as tables."""
    charges = [charge for ledger in ledgers for charge in ledger.charges]
    receipts = queries.receipts_by_id(filter(None, map(_receipt_id, charges)))
    return [
        MonthTable(
            ledger.month,
            format_month(ledger.month, language),
            format_spent(ledger.fen, language),
            ledger.count,
            [_row(texts, charge, receipts, language) for charge in ledger.charges],
        )
        for ledger in ledgers
    ]


def _row(
    texts: Texts, charge: Charge, receipts: dict[str, Receipt], language: Language
) -> tuple[str, str, str, str]:
    render, month = texts.render, format_month(charge.month, language)
    item = render(f"charge.{charge.kind}", language, month=month)
    receipt = receipts.get(_receipt_id(charge) or "")
    if receipt is not None and receipt.recipient:
        key = "why.credit_friend" if charge.kind is ChargeKind.CREDIT else "why.friend"
        reason = render(key, language, friend=receipt.recipient.national)
    else:
        reason = render(_REASONS.get(charge.reason, f"why.{charge.kind}"), language)
    if charge.fen == 0:
        reason = render("why.free", language, reason=reason)
    return day(charge.at, language), item, reason, format_spent(charge.fen, language)


def _receipt_id(charge: Charge) -> str | None:
    """The receipt that a charge or a credit is about; None for a monthly fee."""
    about = charge.charge_id or charge.id
    return about.removeprefix("receipt-") if charge.kind is not ChargeKind.MONTHLY else None
