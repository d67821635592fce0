"""Checks of customers: timers of what is open, the chain of consent, receipts and charges."""

import datetime as dt
from collections.abc import Sequence
from functools import partial

from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.store.check.findings import Damage, DamageKind
from receipts.store.check.parts import is_readable, record
from receipts.store.codec import decode, timer_member
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.subscriptions.consent import first_broken_link
from receipts.subscriptions.decision import END, ORDER_EXPIRY, UNPAID

#: Ids of one list that are looked at in one round trip.
_IDS = 1000


class CustomerCheck:
    """Each method takes a part of all keys of its kind, and may be repeated."""

    def __init__(self, connection: RedisConnection, keys: KeySchema, kept: dt.timedelta) -> None:
        """``kept`` is the shortest time that a receipt is kept."""
        self._connection, self._keys, self._kept = connection, keys, kept

    def records(self, numbers: Sequence[Msisdn]) -> list[Damage]:
        """Subscriptions with their chains and timers."""
        keys = self._keys
        replies = self._connection.execute(
            *(command for number in numbers for command in (
                ("GET", keys.subscription(number)),
                ("LRANGE", keys.consent(number), 0, -1),
                *(("ZSCORE", keys.timers(keys.shard(number)), timer_member(Timer(k, number, "")))
                  for k in (ORDER_EXPIRY, END, UNPAID)),
            ))
        )  # fmt: skip
        found: list[Damage] = []
        for index, number in enumerate(numbers):
            raw, chain, *timers = replies[5 * index : 5 * index + 5]
            customer = record(Subscription, raw)
            if customer is not None:
                found += self._of_customer(number, customer, chain, timers)
        return found

    def _of_customer(
        self, number: Msisdn, customer: Subscription, chain: list[bytes], timers: list[object]
    ) -> list[Damage]:
        key = self._keys.subscription(number)
        needed = (customer.order, customer.ends_at, customer.suspended_at)
        kinds = (ORDER_EXPIRY, END, UNPAID)
        found = [
            Damage(DamageKind.TIMER_MISSING, key, kind)
            for kind, need, timer in zip(kinds, needed, timers, strict=True)
            if need and timer is None
        ]
        read = partial(decode, AuditEntry)
        # A chain that has expired says nothing; one that cannot be read is a finding of its own.
        entries = [read(raw) for raw in chain] if all(is_readable(read, r) for r in chain) else []
        broken = first_broken_link(entries, customer.chain) if entries else None
        if broken is not None:
            where = f"entry {broken + 1} of {len(entries)}"
            found.append(Damage(DamageKind.CHAIN_BROKEN, self._keys.consent(number), where))
        return found

    def receipt_lists(self, numbers: Sequence[Msisdn]) -> list[Damage]:
        """Lists of receipts: none names one that is missing before its time."""
        return [found for number in numbers for found in self._of_list(number)]

    def _of_list(self, number: Msisdn) -> list[Damage]:
        name, shard = self._keys.receipts(number), self._keys.shard(number)
        found: list[Damage] = []
        start = 0
        while True:
            (ids,) = self._connection.execute(("LRANGE", name, start, start + _IDS))
            named = self._keys.listed_ids(number, ids)
            keys = [self._keys.receipt(shard, each) for each in named]
            if keys and self._connection.execute(("EXISTS", *keys)) != [len(keys)]:
                found += self._missing(name, keys)
            if len(ids) <= _IDS:
                return found
            start += _IDS

    def _missing(self, name: str, keys: Sequence[str]) -> list[Damage]:
        """Missing receipts that are younger than one that has not expired yet."""
        raws = self._connection.values(keys)
        found, newest = list[Damage](), dt.datetime.now(dt.UTC) - self._kept
        is_young = False
        # Newest first in the list: from its end on, each is younger than the one before.
        for key, raw in reversed(list(zip(keys, raws, strict=True))):
            receipt = record(Receipt, raw)
            if receipt is not None:
                is_young = is_young or receipt.created_at > newest
            elif raw is None and is_young:
                found.append(Damage(DamageKind.RECEIPT_MISSING, name, key.partition(":")[2]))
        return found

    def charges(self, months: Sequence[tuple[Msisdn, str]]) -> list[Damage]:
        """Charges of customers and months: listed for exports, and of a customer."""
        keys = self._keys
        replies = self._connection.execute(
            *(command for number, month in months for command in (
                ("EXISTS", keys.charges(number, month)),
                ("SISMEMBER", keys.charged(keys.shard(number), month), number),
                ("EXISTS", keys.subscription(number)),
            ))
        )  # fmt: skip
        found: list[Damage] = []
        for index, (number, month) in enumerate(months):
            exists, listed, customer = replies[3 * index : 3 * index + 3]
            key = keys.charges(number, month)
            if exists and not listed:
                found.append(Damage(DamageKind.CHARGES_NOT_LISTED, key))
            if exists and not customer:
                found.append(Damage(DamageKind.CHARGE_WITHOUT_CUSTOMER, key))
            if listed and not exists:
                found.append(Damage(DamageKind.CHARGES_MISSING, key))
        return found
