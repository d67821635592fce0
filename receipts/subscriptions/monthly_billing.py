"""The monthly fees of a month, for all customers: once each, however often this runs.

Customers are looked at in batches, so a million take no more memory than a thousand. A charge goes
in without a look at its customer's version: whoever owes the fee of a month at one moment owes it
at every later one, so nothing that comes between makes it wrong; its id keeps it single.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import msgspec

from receipts.charging.charges import monthly, monthly_id, oldest_billable
from receipts.model.calendar import month_of, month_start
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import BulkReader, Store
from receipts.subscriptions.policy import SubscriptionPolicy

#: Charges written in one round trip.
_BATCH_SIZE = 1_000


class MonthClosedError(ValueError):
    """A month that cannot be billed: it has not begun, or its records may be gone."""


class BillingTotals(msgspec.Struct, frozen=True):
    """How far a bill is: customers looked at; charged now, with the fen; charged before."""

    customers: int = 0
    charged_now: int = 0
    fen_now: int = 0
    charged_before: int = 0


class _Checkpoint(msgspec.Struct, frozen=True):
    """Where a bill stopped; good for as long as the same server runs."""

    server: str
    cursor: int
    tally: BillingTotals


class MonthlyBilling:
    """Makes the monthly fees of a month."""

    def __init__(
        self, store: Store, archive: BulkReader, policy: SubscriptionPolicy, clock: Clock
    ) -> None:
        self._store, self._archive = store, archive
        self._policy, self._clock = policy, clock

    def run(self, month: str) -> Iterator[tuple[int, BillingTotals]]:
        """Bill a month, each step on disk when it is told: the cursor behind it, and the tally.

        One that was killed goes on where it stopped. Raises MonthClosed, MonthWrong and
        StoreUnavailable.
        """
        self._check(month)
        server = self._archive.server_run_id()
        checkpoint = self._load_checkpoint(month, server)
        tally = checkpoint.tally
        for cursor, customers in self._archive.customers(checkpoint.cursor):
            for start in range(0, len(customers), _BATCH_SIZE):
                tally = self._batch(customers[start : start + _BATCH_SIZE], month, tally)
            self._save_checkpoint(month, _Checkpoint(server, cursor, tally))
            yield cursor, tally

    def _check(self, month: str) -> None:
        now = self._clock.now()
        if month_start(month) > now:
            raise MonthClosedError(f"{month} has not begun: nothing of it is due")
        oldest = oldest_billable(self._policy.book, now)
        if month < oldest:
            raise MonthClosedError(
                f"{month} is too long ago: the oldest that can be billed is {oldest}"
            )

    def _load_checkpoint(self, month: str, server: str) -> _Checkpoint:
        """Where the last run stopped; the beginning, if it came to its end or the store is anew."""
        noted = self._archive.checkpoint(f"bill:{month}")
        checkpoint = msgspec.json.decode(noted, type=_Checkpoint) if noted else None
        if checkpoint is None or checkpoint.server != server or checkpoint.cursor == 0:
            return _Checkpoint(server, 0, BillingTotals())
        return checkpoint

    def _save_checkpoint(self, month: str, checkpoint: _Checkpoint) -> None:
        self._archive.checkpoint(f"bill:{month}", msgspec.json.encode(checkpoint).decode())

    def _batch(
        self, customers: Sequence[Subscription], month: str, tally: BillingTotals
    ) -> BillingTotals:
        now = self._clock.now()
        due = [charge for customer in customers for charge in self._due(customer, month, now)]
        already_charged = self._archive.charged([c.number for c in due], month, monthly_id(month))
        fresh = [charge for charge, before in zip(due, already_charged, strict=True) if not before]
        if fresh:
            self._store.commit_all(
                [ChangeSet(charge.number, charges=(charge,)) for charge in fresh]
            )
        return BillingTotals(
            tally.customers + len(customers),
            tally.charged_now + len(fresh),
            tally.fen_now + sum(charge.fen for charge in fresh),
            tally.charged_before + len(due) - len(fresh),
        )

    def _due(self, customer: Subscription, month: str, now: dt.datetime) -> tuple[Charge, ...]:
        province = self._policy.service_area(customer).province
        if province is None:
            return ()
        why = "monthly fee" if month == month_of(now) else "monthly fee, billed late"
        cap = self._policy.limits(customer).monthly_cap_fen
        return monthly(customer, province, month, now, why, cap)
