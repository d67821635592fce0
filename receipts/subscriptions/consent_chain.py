"""The check of one customer's chain of consent entries."""

from dataclasses import dataclass

from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import BulkReader, Store
from receipts.subscriptions.consent import first_broken_link

#: Reads before a chain that changes meanwhile is taken as it is.
_READS = 5


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """A chain, oldest entry first, and the index of its first wrong link."""

    customer: Subscription
    entries: tuple[AuditEntry, ...]
    #: None if it is intact; the number of entries if its end is cut off.
    broken_link: int | None

    @property
    def is_from_the_first(self) -> bool:
        """Whether the first entry ever is kept: old ones expire."""
        return not self.entries or not self.entries[0].previous_hash


def check_chain(store: Store, reader: BulkReader, number: Msisdn) -> ChainCheck:
    """Check a customer's chain against the customer's record of the same version.

    Raises StoreUnavailableError.
    """
    customer = store.load(number).subscription
    for _ in range(_READS):
        entries = reader.consent(number)
        again = store.load(number).subscription
        if again.version == customer.version:
            break
        customer = again
    return ChainCheck(customer, tuple(entries), first_broken_link(entries, customer.chain))
