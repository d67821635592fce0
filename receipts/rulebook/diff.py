"""Differences between rule books: tariffs already in force, and the fingerprint."""

import datetime as dt
import hashlib
from collections.abc import Iterator

import msgspec

from receipts.rulebook.schema import RuleBook


def changed_tariffs(old: RuleBook, new: RuleBook, today: dt.date) -> Iterator[str]:
    """Warnings, one for each tariff in force that the new book drops or changes.

    Past charges keep their amounts. Customers on a dropped tariff pay the current one next month.
    """
    for code, province in old.provinces.items():
        after = new.province(code)
        for tariff in province.tariffs:
            now = after.tariff(tariff.version) if after else None
            if tariff.since <= today and now != tariff:
                change = "changed" if now else "dropped"
                yield f"{code}: tariff {tariff.version} is in force and was {change}"


def fingerprint(book: RuleBook) -> str:
    """Short hash of a book's content (8 hex digits), independent of its version name."""
    return hashlib.blake2b(msgspec.json.encode(book), digest_size=4).hexdigest()
