"""What one line of an operator's list does to its customer. Pure: it gives a Change."""

from dataclasses import dataclass

from msgspec.structs import replace

from receipts.bulk_import.rows import CollectionRow, CustomerRow, PortedRow, Row, RowError
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import month_of
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.vocabulary import Channel, Language
from receipts.numbering.plan import NumberInfo
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import dunning, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy

#: Which source a number's home is on record from.
RECORD, PORTED = "record", "ported"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where a line stands: in which file, of which contents, at which line."""

    file: str
    contents: str
    line: int

    @property
    def claim(self) -> str:
        """The same line of the same contents, whatever the file is called now."""
        return f"list:{self.contents}:{self.line}"


class ImportHandler:
    """Decides on the operator's lists, one line at a time."""

    def __init__(
        self, store: Store, policy: SubscriptionPolicy, delivery: ReceiptLifecycle, clock: Clock
    ) -> None:
        self._store, self._policy, self._delivery = store, policy, delivery
        self._clock = clock

    def decide(
        self,
        row: Row,
        customer: Subscription,
        owner: CustomerCredentials | None,
        origin: SourceLine,
    ) -> ChangeSet:
        """The change a line makes; one without records where it says what is known already.

        Raises RowWrong.
        """
        language = self._policy.language(customer)
        request = CustomerRequest(
            customer.channel or Channel.TEXT, language, f"list:{origin.file}:{origin.line}"
        )
        if isinstance(row, CollectionRow):
            return self._announced(
                self._collected(row, customer, request), customer, origin, language
            )
        step = preferences.apply_customer_record(self._policy, customer, self._home(row), request)
        change = self._announced(step, customer, origin, language)
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
            fix = "use the code of a mainland province, or leave it empty"
            raise RowError(f"province {row.province} has no name in the rule book", fix)
        return NumberInfo(row.province, row.network, RECORD)

    def _collected(
        self, row: CollectionRow, customer: Subscription, request: CustomerRequest
    ) -> Decision:
        if customer.opened_at is None:
            raise RowError("number never held the service", "check the number")
        if row.month > month_of(self._clock.now()):
            raise RowError(f"month {row.month} has not begun", "check the month")
        return dunning.record_collection(
            self._policy, customer, row.month, paid=row.paid, request=request
        )

    def _announced(
        self, step: Decision, customer: Subscription, origin: SourceLine, language: Language
    ) -> ChangeSet:
        """The step with its text. What is told is claimed, so an old file told again is silent."""
        change = notifications.with_notification(
            step, customer, origin.claim, language, self._store, self._delivery
        )
        return replace(change, idempotency_key=origin.claim) if step.messages else change
