"""Rehearsed bills as rows of a table."""

from collections.abc import Mapping

from receipts.charging.simulation import TariffComparison
from receipts.staff.books.rehearsal_chart import amounts, shares, together, yuan
from web.console.books.terms import BookTerms

_AMOUNTS = ("average", "median", "upper", "highest", "total")
_SHARES = ("more", "less", "same")


def bill_rows(
    found: Mapping[str, TariffComparison], terms: BookTerms, name_of_all: str
) -> list[list[str]]:
    """A row for each province, and one for all: name, customers, amounts now → then, shares."""
    rows = [_row(terms.province(code), each) for code, each in found.items()]
    return [*rows, _row(name_of_all, together(found))] if len(found) > 1 else rows


def _row(name: str, compared: TariffComparison) -> list[str]:
    now, then, counts = amounts(compared.now), amounts(compared.then), shares(compared)
    bills = [f"{yuan(now[key])} → {yuan(then[key])}" for key in _AMOUNTS]
    return [name, f"{compared.now.count:,}", *bills, *(f"{counts[key]:,}" for key in _SHARES)]
