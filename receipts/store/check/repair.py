"""Repairs of findings that need no judgement; each may be repeated and changes no record."""

from collections.abc import Callable

from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from receipts.store.check.findings import Damage, DamageKind
from receipts.store.check.parts import record
from receipts.store.check.shapes import Named, named
from receipts.store.codec import timer_member
from receipts.store.connection import RedisConnection
from receipts.store.keys import KeySchema
from receipts.store.pipeline import Command
from receipts.subscriptions.decision import END, ORDER_EXPIRY, UNPAID
from receipts.subscriptions.dunning import unpaid_end


class Repair:
    """Repairs findings. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, keys: KeySchema) -> None:
        self._connection, self._keys = connection, keys
        self._ways: dict[DamageKind, Callable[[Named, str], list[Command]]] = {
            DamageKind.NOT_QUEUED: self._queue,
            DamageKind.NOT_IN_UNSURE: self._list,
            DamageKind.WRONGLY_UNSURE: lambda each, name: [("ZREM", each.key, name)],
            DamageKind.TIMER_MISSING: self._set_timer,
            DamageKind.CHARGES_NOT_LISTED: self._list_charges,
        }

    def apply(self, finding: Damage) -> bool:
        """Repair a finding; False for a kind that needs a decision."""
        way, each = self._ways.get(finding.kind), named(finding.key.encode())
        if way is None or each is None or not (commands := way(each, finding.detail)):
            return False
        self._connection.execute(*commands)
        return True

    def _queue(self, each: Named, _: str) -> list[Command]:
        # A worker looks at the receipt first: a second entry of one receipt sends no second text.
        entry = ("id", self._keys.named_receipt(each.shard, each.match["receipt"]))
        return [("XADD", self._keys.outbox(each.shard), "*", *entry)]

    def _list(self, each: Named, receipt_id: str) -> list[Command]:
        (raw,) = self._connection.execute(("GET", self._keys.receipt(each.shard, receipt_id)))
        receipt = record(Receipt, raw)
        if receipt is None:
            return []
        asked_at = receipt.requested_at or receipt.created_at
        return [("ZADD", each.key, asked_at.timestamp(), receipt_id)]

    def _set_timer(self, each: Named, kind: str) -> list[Command]:
        (raw,) = self._connection.execute(("GET", each.key))
        customer = record(Subscription, raw)
        if customer is None:
            return []
        deadlines = {
            ORDER_EXPIRY: customer.order and customer.order.expires_at,
            END: customer.ends_at,
            UNPAID: customer.suspended_at and unpaid_end(customer.suspended_at),
        }
        at = deadlines[kind]
        member = timer_member(Timer(kind, customer.number, ""))
        return [("ZADD", self._keys.timers(each.shard), at.timestamp(), member)] if at else []

    def _list_charges(self, each: Named, _: str) -> list[Command]:
        month, number = each.match.string.split(":")[1], Msisdn(f"+{each.match['number']}")
        (seconds,) = self._connection.execute(("TTL", each.key))
        listed = self._keys.charged(each.shard, month)
        # An end in the past would delete the list; charges without one are another finding.
        ways = ("NX", "GT") if seconds > 0 else ()
        ends: list[Command] = [("EXPIRE", listed, seconds, way) for way in ways]
        return [("SADD", listed, number), *ends]
