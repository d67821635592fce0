"""Billing run: the monthly fees of all customers in batches, idempotent and resumable."""

from collections.abc import Iterator, Sequence

import msgspec

from receipts.charging.charges import monthly_id, oldest_billable
from receipts.model.calendar import month_of, month_start
from receipts.model.customer import Subscription
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import BulkReader, Store
from receipts.subscriptions.policy import SubscriptionPolicy

#: Charges written in one round trip.
_BATCH_SIZE = 1_000


class MonthClosedError(ValueError):
    """The month has not begun, or is older than the records kept."""


class BillingTotals(msgspec.Struct, frozen=True):
    """Totals so far: customers read, charges and fen of this run, charges of earlier runs."""

    customers: int = 0
    charged_now: int = 0
    fen_now: int = 0
    charged_before: int = 0


class _Checkpoint(msgspec.Struct, frozen=True):
    """Position of an interrupted run; a cursor is valid only for the same server run."""

    server: str
    cursor: int
    tally: BillingTotals


class MonthlyBilling:
    """Charges the monthly fees of a month."""

    def __init__(
        self, store: Store, archive: BulkReader, policy: SubscriptionPolicy, clock: Clock
    ) -> None:
        self._store, self._archive = store, archive
        self._policy, self._clock = policy, clock

    def run(self, month: str) -> Iterator[tuple[int, BillingTotals]]:
        """Bill a month; yield the next cursor and the totals after each checkpoint on disk.

        Resumes after a crash. Raises: MonthClosedError, MonthError, StoreUnavailableError.
        """
        self._check_month(month)
        server = self._archive.server_run_id()
        checkpoint = self._load_checkpoint(month, server)
        totals = checkpoint.tally
        for cursor, customers in self._archive.customers(checkpoint.cursor):
            for start in range(0, len(customers), _BATCH_SIZE):
                totals = self._bill_batch(customers[start : start + _BATCH_SIZE], month, totals)
            encoded = msgspec.json.encode(_Checkpoint(server, cursor, totals)).decode()
            self._archive.checkpoint(f"bill:{month}", encoded)
            yield cursor, totals

    def _check_month(self, month: str) -> None:
        now = self._clock.now()
        if month_start(month) > now:
            raise MonthClosedError(f"{month} has not started yet, so nothing is due.")
        oldest = oldest_billable(self._policy.book, now)
        if month < oldest:
            raise MonthClosedError(
                f"{month} is too long ago. The oldest month that can be billed is {oldest}."
            )

    def _load_checkpoint(self, month: str, server: str) -> _Checkpoint:
        """Checkpoint of an interrupted run; the start if it finished or the server changed."""
        stored = self._archive.checkpoint(f"bill:{month}")
        checkpoint = msgspec.json.decode(stored, type=_Checkpoint) if stored else None
        if checkpoint is None or checkpoint.server != server or checkpoint.cursor == 0:
            return _Checkpoint(server, 0, BillingTotals())
        return checkpoint

    def _bill_batch(
        self, customers: Sequence[Subscription], month: str, totals: BillingTotals
    ) -> BillingTotals:
        now = self._clock.now()
        reason = "monthly fee" if month == month_of(now) else "monthly fee, billed late"
        fees = [self._policy.monthly_fee(each, now, reason, month) for each in customers]
        due = [charge for charges in fees for charge in charges]
        already_charged = self._archive.charged([c.number for c in due], month, monthly_id(month))
        fresh = [charge for charge, before in zip(due, already_charged, strict=True) if not before]
        if fresh:
            # No version check: a fee once due stays due, and its id lets it be written only once.
            self._store.commit_all([ChangeSet(each.number, charges=(each,)) for each in fresh])
        return BillingTotals(
            totals.customers + len(customers),
            totals.charged_now + len(fresh),
            totals.fen_now + sum(charge.fen for charge in fresh),
            totals.charged_before + len(due) - len(fresh),
        )
