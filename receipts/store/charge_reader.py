"""A customer's charges, by month: all, some of the newest, or their sums.

The sums are kept beside the charges in their hash. The script adds to them with each charge. They
begin with the first charge of a month; a month that an earlier release began has none.

Few charges of a month are read whole. Many of them have an order by time, a sorted set of ids that
the script begins. The charges before its beginning get their times from the first reader.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NamedTuple

from receipts.charging.charges import monthly_id
from receipts.model.charge import Charge, ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import MonthLedger, MonthSums, StoreUnavailableError
from receipts.store import codec
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import Command

#: The mark of a field that is no charge; alone it says that the sums are whole.
MARK = "="

#: A sum is fen times this unit, and the number of charges that are not free.
_UNIT = 10_000_000

#: The score of a charge in an order whose time is not known to it yet.
_UNDATED = 0

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


class _Stretch(NamedTuple):
    """The ids of some charges of a month by its order, newest first, with the month's sums."""

    month: str
    sums: MonthSums
    ids: list[str]
    #: Whether the order has all charges, and whether it knows the times of all.
    is_ordered: bool
    is_undated: bool

    @classmethod
    def of(
        cls,
        month: str,
        length: int,
        values: Sequence[bytes | None],
        ordered: int,
        oldest: list[Any],
        newest: Sequence[bytes],
    ) -> "_Stretch":
        """The stretch from the replies of the store."""
        sums, ids = _decoded(length, values), [each.decode() for each in newest]
        # Processes of an earlier release add charges to no order.
        is_ordered = sums is not None and sums.count == ordered
        is_undated = is_ordered and any(at == _UNDATED for _, at in codec.decode_scores(oldest))
        return cls(month, sums or MonthSums(), ids, is_ordered, is_undated)

    @property
    def is_readable(self) -> bool:
        """Whether the ids are the newest of the month."""
        return self.is_ordered and not self.is_undated

    def ledger(self, number: Msisdn, values: Sequence[bytes | None]) -> MonthLedger:
        """The ledger with these charges, from their values."""
        charges = _decoded_charges(number, self.month, self.ids, values)
        return MonthLedger(self.month, self.sums.count, self.sums.fen, tuple(charges))


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
        self, number: Msisdn, months: Sequence[str], limit: int, skip: int = 0
    ) -> list[MonthLedger]:
        """A customer's charges by month, each with up to ``limit`` behind the newest ``skip``."""
        stretches = self._stretches(number, months, limit, skip)
        if undated := [each.month for each in stretches if each.is_undated]:
            # A store that takes no writes is read whole.
            with suppress(StoreUnavailableError):
                for month in undated:
                    self._date(number, month)
            stretches = self._stretches(number, months, limit, skip)
        # The mark is read too, as there may be no ids.
        replies = self._connection.execute(*(
            ("HMGET", key, MARK, *each.ids) if each.is_readable else ("HGETALL", key)
            for each in stretches
            for key in [self._keys.charges(number, each.month)]
        ))  # fmt: skip
        return [
            each.ledger(number, reply[1:])
            if each.is_readable
            else codec.decode_ledger(number, each.month, reply, limit, skip)
            for each, reply in zip(stretches, replies, strict=True)
        ]

    def _stretches(
        self, number: Msisdn, months: Sequence[str], limit: int, skip: int
    ) -> list["_Stretch"]:
        keys = [
            (self._keys.charges(number, month), self._keys.charge_order(number, month))
            for month in months
        ]
        replies = iter(self._connection.execute(*chain.from_iterable(
            (
                *sums_request(charges),
                ("ZCARD", order),
                ("ZRANGE", order, 0, 0, "WITHSCORES"),
                ("ZRANGE", order, skip, skip + limit - 1, "REV"),
            )
            for charges, order in keys
        )))  # fmt: skip
        return [_Stretch.of(month, *islice(replies, 5)) for month in months]

    def _date(self, number: Msisdn, month: str) -> None:
        """Give the charges before the beginning of an order their times in it."""
        key, order = self._keys.charges(number, month), self._keys.charge_order(number, month)
        (found,) = self._connection.execute(("ZRANGE", order, _UNDATED, _UNDATED, "BYSCORE"))
        ids = [each.decode() for each in found]
        (values,) = self._connection.execute(("HMGET", key, MARK, *ids))
        charges = _decoded_charges(number, month, ids, values[1:])
        if dated := [word for each in charges for word in (each.at.timestamp(), each.id)]:
            # An order that has expired meanwhile is not made anew.
            self._connection.execute(("ZADD", order, "XX", *dated))

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


def _decoded_charges(
    number: Msisdn, month: str, ids: Sequence[str], values: Sequence[bytes | None]
) -> list[Charge]:
    """Those charges of a month that exist, by their ids and the replies to them."""
    found = zip(ids, values, strict=True)
    return [codec.decode_charge(number, month, name, raw) for name, raw in found if raw]
