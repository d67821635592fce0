"""The record of who of the staff looks at a customer's data, and why."""

from collections.abc import Iterable

from receipts.model.charge import StaffLookup
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import Store

#: Characters kept of a stated reason.
_MAX_REASON = 200


def record_looks(
    store: Store,
    clock: Clock,
    numbers: Iterable[Msisdn],
    command: str,
    clerk: str,
    reason: str = "",
) -> None:
    """Record a look at each of some customers before it is shown. Raises StoreUnavailableError."""
    now, why = clock.now(), reason[:_MAX_REASON]
    store.commit_all(
        [
            ChangeSet(number, lookups=(StaffLookup(now, number, command, clerk, why),))
            for number in dict.fromkeys(numbers)
        ]
    )
