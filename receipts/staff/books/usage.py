"""A month's usage of customers, from their charges and receipts in the store."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

from receipts.charging.charges import was_active_in
from receipts.charging.simulation import Usage
from receipts.model.calendar import month_of, month_start
from receipts.model.charge import ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import BulkReader
from receipts.subscriptions.policy import SubscriptionPolicy

#: Customers of one round trip.
USAGES_AT_ONCE = 100

#: Newest receipts of a customer read together with those of others; a longer list is read alone.
_LISTED_TOGETHER = 100


def usages_of(
    customers: Sequence[Subscription],
    month: str,
    history: ReceiptHistory,
    archive: BulkReader,
    policy: SubscriptionPolicy,
) -> Iterator[Usage]:
    """The usage of those customers that had the service in a month.

    Delivered receipts are counted from the charges, less the credited ones. Where receipts are
    free, they are counted from the receipts of the customer that are kept.

    Raises StoreUnavailableError.
    """
    active = [c for c in customers if c.trial or was_active_in(c, month)]
    for start in range(0, len(active), USAGES_AT_ONCE):
        yield from _read(active[start : start + USAGES_AT_ONCE], month, history, archive, policy)


def _read(
    active: Sequence[Subscription],
    month: str,
    history: ReceiptHistory,
    archive: BulkReader,
    policy: SubscriptionPolicy,
) -> Iterator[Usage]:
    charges = archive.charges_of([c.number for c in active], month)
    counts = Counter(each.number for each in charges if each.kind is ChargeKind.RECEIPT)
    counts.subtract(each.number for each in charges if each.kind is ChargeKind.CREDIT)
    in_store = dt.timedelta(days=policy.book.retention.receipts_in_store_days)
    is_archived = month_start(month) < policy.now() - in_store
    uncounted = [c.number for c in active if c.number not in counts]
    listed = _listed(history, uncounted, month, is_archived=is_archived)
    for customer in active:
        area, number = policy.service_area(customer), customer.number
        # A credit may belong to a charge of an earlier month.
        receipts = max(0, counts[number]) if number in counts else listed[number]
        yield Usage(area.number_info.province or "", receipts, customer.opened_at)


def _listed(
    history: ReceiptHistory, numbers: Sequence[Msisdn], month: str, *, is_archived: bool
) -> dict[Msisdn, int]:
    if not numbers:
        return {}
    if is_archived:
        found = [history.receipts_of(each, None, MessageKind.RECEIPT).receipts for each in numbers]
        return {n: _delivered(those, month) for n, those in zip(numbers, found, strict=True)}
    found = history.recent_by_customer(numbers, _LISTED_TOGETHER)
    return {
        number: _delivered(
            receipts
            if len(receipts) < _LISTED_TOGETHER
            else history.receipts_of(number, None, MessageKind.RECEIPT).receipts,
            month,
        )
        for number, receipts in zip(numbers, found, strict=True)
    }


def _delivered(receipts: Sequence[Receipt], month: str) -> int:
    return sum(
        receipt.kind is MessageKind.RECEIPT
        and receipt.outcome is ReceiptOutcome.DELIVERED
        and month_of(receipt.created_at) == month
        for receipt in receipts
    )
