"""What a new rule book does to prices that have begun: they are never edited, only followed."""

import datetime as dt
import hashlib
from collections.abc import Iterator

import msgspec

from receipts.rulebook.schema import RuleBook


def changed_tariffs(old: RuleBook, new: RuleBook, today: dt.date) -> Iterator[str]:
    """Each tariff that has begun and that the new book drops or changes, as a sentence.

    Charges carry their amounts and stay as they were; but a customer who agreed to a dropped
    version is told, and next month charged, the one in force instead.
    """
    for code, province in old.provinces.items():
        after = new.province(code)
        for tariff in province.tariffs:
            if tariff.since > today:
                continue
            now = after.tariff(tariff.version) if after else None
            if now is None:
                yield f"{code}: tariff {tariff.version} has begun and is dropped"
            elif now != tariff:
                yield f"{code}: tariff {tariff.version} has begun and is changed"


def fingerprint(book: RuleBook) -> str:
    """A few digits that tell two books apart, whatever they call their version."""
    return hashlib.blake2b(msgspec.json.encode(book), digest_size=4).hexdigest()
