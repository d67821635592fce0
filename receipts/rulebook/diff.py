"""Differences between rule books: tariffs already in force, risks, and the fingerprint."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from receipts.rulebook.schema import Province, RuleBook


@dataclass(frozen=True, slots=True)
class BookIssue:
    """An issue of a proposed book: the key of its sentence, and the parameters by name.

    ``refused``: a book with it cannot come into force through the console.
    """

    key: str
    params: dict[str, str]
    refused: bool = False


def changed_tariffs(old: RuleBook, new: RuleBook, today: dt.date) -> Iterator[str]:
    """Warnings, one for each tariff in force that the new book drops or changes.

    Past charges keep their amounts. Customers on a dropped tariff pay the current one next month.
    """
    for code, version, change in _edited_tariffs(old, new, today):
        yield f"{code}: tariff {version} is in force and was {change}"


def _edited_tariffs(old: RuleBook, new: RuleBook, today: dt.date) -> Iterator[tuple[str, str, str]]:
    for code, province in old.provinces.items():
        after = new.province(code)
        for tariff in province.tariffs:
            now = after.tariff(tariff.version) if after else None
            if tariff.since <= today and now != tariff:
                yield code, tariff.version, "changed" if now else "dropped"


def removed_provinces(old: RuleBook, new: RuleBook) -> list[str]:
    """Provinces that the new book no longer covers; their customers would lose the service."""
    return [code for code in old.provinces if code not in new.provinces]


def book_issues(old: RuleBook, new: RuleBook, today: dt.date) -> list[BookIssue]:
    """Refusals and warnings of a proposed book beside the one in force, refusals first."""
    removed = removed_provinces(old, new)
    found = [
        BookIssue(f"tariff_{change}", {"province": code, "version": version}, refused=True)
        for code, version, change in _edited_tariffs(old, new, today)
        if code not in removed
    ]
    found += [BookIssue("province_removed", {"province": code}) for code in removed]
    if new.invented:
        found.append(BookIssue("invented", {}))
    for code, province in new.provinces.items():
        if (before := old.province(code)) is not None:
            found += _backdated(before, province, today)
            found += _withdrawn(before, province)
            found += _dearer(before, province)
    return sorted(found, key=lambda each: not each.refused)


def _backdated(old: Province, new: Province, today: dt.date) -> Iterator[BookIssue]:
    """A new tariff from a past day would end the one in force on that day."""
    for tariff in new.tariffs:
        if old.tariff(tariff.version) is None and tariff.since < today:
            params = {"province": new.code, "version": tariff.version, "from": str(tariff.since)}
            yield BookIssue("tariff_backdated", params, refused=True)


def _withdrawn(old: Province, new: Province) -> Iterator[BookIssue]:
    for name in ("doors", "languages"):
        for each in set(getattr(old, name)) - set(getattr(new, name)):
            yield BookIssue(f"{name}_removed", {"province": new.code, "value": str(each)})


def _dearer(old: Province, new: Province) -> Iterator[BookIssue]:
    """Tariffs that the old book has not, dearer than its last one."""
    last = old.tariffs[-1]
    for tariff in new.tariffs:
        monthly, receipt = tariff.monthly_fen, tariff.per_receipt_fen
        dearer = monthly > last.monthly_fen or receipt > last.per_receipt_fen
        if dearer and old.tariff(tariff.version) is None:
            params = {"province": new.code, "version": tariff.version, "from": str(tariff.since)}
            yield BookIssue("dearer", params)


def fingerprint(book: RuleBook) -> str:
    """Short hash of a book's content (8 hex digits), independent of its version name."""
    return hashlib.blake2b(msgspec.json.encode(book), digest_size=4).hexdigest()
