"""A customer's charges, by month, in full or as sums.

The sums are kept beside the charges in their hash. The script adds to them with each charge. They
begin with the first charge of a month; a month that an earlier release began has none.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from receipts.charging.charges import monthly_id
from receipts.model.charge import Charge, ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import MonthLedger, MonthSums
from receipts.store import codec
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import Command

#: The mark of a field that is no charge; alone it says that the sums are whole.
MARK = "="

#: A sum is fen times this unit, and the number of charges that are not free.
_UNIT = 10_000_000

_FIELDS = (MARK, *(MARK + kind for kind in ChargeKind))


def sum_of(charge: Charge) -> tuple[str, int]:
    """The field of a charge's sum, and what the charge adds to it."""
    return MARK + charge.kind, charge.fen * _UNIT + (charge.fen != 0)


def sums_request(key: str) -> tuple[Command, Command]:
    """The commands that read the sums of the hash at a key."""
    return ("HLEN", key), ("HMGET", key, *_FIELDS)


def _decoded(length: int, values: Sequence[bytes | None]) -> MonthSums | None:
    """The sums from both replies; None if the month has charges without sums."""
    mark, *sums = values
    if mark is None:
        return None if length else MonthSums()
    by_kind = {
        kind: divmod(int(raw), _UNIT)
        for kind, raw in zip(ChargeKind, sums, strict=True)
        if raw is not None
    }
    return MonthSums(
        length - 1 - len(by_kind),
        {kind: fen for kind, (fen, _) in by_kind.items()},
        {kind: paid for kind, (_, paid) in by_kind.items()},
    )


def _summed(charges: Iterable[Charge]) -> MonthSums:
    """The sums of all charges of a month."""
    fen, paid, count = dict[ChargeKind, int](), dict[ChargeKind, int](), 0
    for each in charges:
        count += 1
        fen[each.kind] = fen.get(each.kind, 0) + each.fen
        paid[each.kind] = paid.get(each.kind, 0) + (each.fen != 0)
    return MonthSums(count, fen, paid)


class ChargeReader:
    """Reads charges. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys

    def charges_of(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's charges of some months, oldest first."""
        keys = [self._keys.charges(number, month) for month in months]
        replies = self._connection.execute(*(("HGETALL", key) for key in keys))
        return list(_by_time(number, months, replies))

    def month_sums(self, number: Msisdn, months: Sequence[str]) -> list[MonthSums]:
        """The sums of a customer's charges of some months, in order."""
        keys = [self._keys.charges(number, month) for month in months]
        replies = self._connection.execute(*chain(*map(sums_request, keys)))
        found = zip(months, replies[::2], replies[1::2], strict=True)
        return [self.summed(number, *each) for each in found]

    def summed(
        self, number: Msisdn, month: str, length: int, values: Sequence[bytes | None]
    ) -> MonthSums:
        """The sums of a month from the replies to ``sums_request``."""
        sums = _decoded(length, values)
        return sums or _summed(self.charges_of(number, [month]))

    def ledgers(
        self, number: Msisdn, months: Sequence[str], limit: int = 0, skip: int = 0
    ) -> list[MonthLedger]:
        """A customer's charges by month, each with up to ``limit`` behind the newest ``skip``."""
        keys = [self._keys.charges(number, month) for month in months]
        replies = self._connection.execute(*(("HGETALL", key) for key in keys))
        found = zip(months, replies, strict=True)
        return [codec.decode_ledger(number, *each, limit, skip) for each in found]

    def monthly_fees(self, number: Msisdn, months: Sequence[str]) -> list[Charge]:
        """A customer's monthly fees of some months, without those that were not charged."""
        return self.charges_by_id(number, [(each, monthly_id(each)) for each in months])

    def charges_by_id(self, number: Msisdn, ids: Sequence[tuple[str, str]]) -> list[Charge]:
        """Those of a customer's charges that exist, each by month and id, in one round trip."""
        keys = ((self._keys.charges(number, month), charge_id) for month, charge_id in ids)
        found = self._connection.execute(*(("HGET", *each) for each in keys))
        return [
            codec.decode_charge(number, *each, r) for each, r in zip(ids, found, strict=True) if r
        ]

    def charged_months(self, number: Msisdn, months: Sequence[str]) -> list[str]:
        """Those of some months in which a customer has charges, in order."""
        keys = [self._keys.charges(number, month) for month in months]
        found = self._connection.execute(*(("EXISTS", key) for key in keys))
        return [month for month, exists in zip(months, found, strict=True) if exists]


def _by_time(number: Msisdn, months: Sequence[str], replies: Iterable[Any]) -> tuple[Charge, ...]:
    found = zip(months, replies, strict=True)
    charges = chain.from_iterable(codec.decode_charges(number, *each) for each in found)
    return tuple(sorted(charges, key=lambda charge: (charge.at, charge.id)))
