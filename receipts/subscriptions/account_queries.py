"""Read-only queries of one customer's receipts and charges, shared by all channels."""

from collections.abc import Iterable, Sequence

from receipts.model.calendar import month_of
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.clock import Clock
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import MonthSums, Store
from receipts.subscriptions.decision import CustomerRequest


class AccountQueries:
    """Receipts and charges of a customer. Every method raises StoreUnavailableError."""

    def __init__(self, store: Store, clock: Clock, history: ReceiptHistory) -> None:
        self._store, self._clock, self._history = store, clock, history

    def latest_receipts(self, number: Msisdn, limit: int, skip: int = 0) -> list[Receipt]:
        """Up to ``limit`` receipts behind the newest ``skip``, without notices and digests."""
        return self._store.receipts_of(number, limit, MessageKind.RECEIPT, skip)

    def receipts_by_id(self, ids: Iterable[str]) -> dict[str, Receipt]:
        """Receipts by id, older ones from the archive; those that have expired are left out."""
        return self._history.receipts(ids).by_id

    def charges(self, number: Msisdn, months: Sequence[str] = ()) -> list[Charge]:
        """Charges of some months (``YYYY-MM``), by default the current one, oldest first."""
        return self._store.charges_of(number, months or [month_of(self._clock.now())])

    def month_sums(self, customer: Subscription, request: CustomerRequest) -> MonthSums:
        """Sums of this month: those of the request if they were loaded with the customer."""
        if request.month_sums is not None:
            return request.month_sums
        return self._store.month_sums(customer.number, [month_of(self._clock.now())])[0]
