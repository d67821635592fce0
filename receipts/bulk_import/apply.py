"""Decide how one row of an imported list changes its customer."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import CollectionRow, CustomerRow, PortedRow, Row
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import month_of
from receipts.model.charge import Charge
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.vocabulary import Channel
from receipts.numbering.plan import NumberInfo
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import dunning, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy

#: Values of a customer's recorded source of province and network.
RECORD, PORTED = "record", "ported"
#: Error and fix of each refusal in the state table of collections.
_REFUSALS = {
    "no_fee": (
        "no fee of {month} is charged to this number",
        "check number and month, and bill a month before its collections",
    ),
    "paid_before": ("the fee of {month} is paid already", "check the month"),
}


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """A row's customer as stored: with credentials for digests, with charges for a collection."""

    subscription: Subscription
    credentials: CustomerCredentials | None = None
    charges: Sequence[Charge] = ()


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Origin of a row: file name, digest of the contents, line number."""

    file: str
    contents: str
    line: int

    @property
    def claim(self) -> str:
        """Idempotency key of the line, independent of the file name."""
        return f"list:{self.contents}:{self.line}"


class ImportHandler:
    """Turns rows of the operator's lists into changes."""

    def __init__(
        self, store: Store, policy: SubscriptionPolicy, delivery: ReceiptLifecycle, clock: Clock
    ) -> None:
        self._store, self._policy, self._delivery, self._clock = store, policy, delivery, clock

    def decide(self, row: Row, stored: StoredCustomer, origin: SourceLine) -> ChangeSet:
        """The change by a row; without records if it is known already.

        Raises RowError, StoreUnavailableError.
        """
        customer, owner = stored.subscription, stored.credentials
        language = self._policy.language(customer)
        event = f"list:{origin.file}:{origin.line}"
        request = CustomerRequest(customer.channel or Channel.TEXT, language, event)
        if isinstance(row, CollectionRow):
            step = self._collected(row, stored, request, origin)
        else:
            home = self._home(row)
            step = preferences.apply_customer_record(self._policy, customer, home, request)
        change = notifications.with_notification(
            step, customer, origin.claim, language, self._store, self._delivery
        )
        # The line is claimed: imported again, it changes nothing and sends no text.
        if step.messages or step.audit or isinstance(row, CollectionRow):
            change = replace(change, idempotency_key=origin.claim)
        if owner is None or not isinstance(row, CustomerRow):
            return change
        known = replace(
            owner,
            id_digest=row.id_digest or owner.id_digest,
            password_digest=row.password_digest or owner.password_digest,
        )
        if known == owner:
            return change
        return replace(change, records=(*change.records, replace(known, version=owner.version + 1)))

    def _home(self, row: CustomerRow | PortedRow) -> NumberInfo:
        if isinstance(row, PortedRow):
            return NumberInfo(None, row.network, PORTED)
        if row.province is not None and row.province not in self._policy.book.names:
            fix = "write the code of a mainland province, or leave it empty"
            raise RowError(f"province {row.province} has no name in the rule book", fix)
        return NumberInfo(row.province, row.network, RECORD)

    def _collected(
        self,
        row: CollectionRow,
        stored: StoredCustomer,
        request: CustomerRequest,
        origin: SourceLine,
    ) -> Decision:
        customer = stored.subscription
        if customer.opened_at is None:
            raise RowError("this number has never had the service", "check the number")
        if row.month > month_of(self._clock.now()):
            raise RowError(f"month {row.month} has not started yet", "check the month")
        collection = dunning.Collection(row.month, row.result, stored.charges)
        try:
            return dunning.record_collection(self._policy, customer, collection, request)
        except dunning.CollectionRefusedError as refused:
            if self._store.load(row.number, origin.claim).previous_reply is not None:
                return Decision(customer)  # this very line was applied before the payment
            error, fix = _REFUSALS[str(refused)]
            raise RowError(error.format(month=row.month), fix) from None
