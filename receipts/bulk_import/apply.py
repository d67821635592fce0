"""What one line of an operator's list does to its customer. Pure: it gives a Change."""

from dataclasses import dataclass

from msgspec.structs import replace

from receipts.bulk_import.rows import CollectionRow, CustomerRow, PortedRow, Row, RowWrong
from receipts.delivery import notifications
from receipts.delivery.lifecycle import Delivery
from receipts.model.calendar import month_of
from receipts.model.customer import Owner, Subscription
from receipts.model.vocabulary import Door, Language
from receipts.numbering.plan import Home
from receipts.ports.changes import Change
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.subscriptions import dunning, preferences
from receipts.subscriptions.decision import Asked, Step
from receipts.subscriptions.policy import SubscriptionPolicy

#: Which source a number's home is on record from.
RECORD, PORTED = "record", "ported"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line stands: in which file, of which contents, at which line."""

    file: str
    contents: str
    line: int

    @property
    def claim(self) -> str:
        """The same line of the same contents, whatever the file is called now."""
        return f"list:{self.contents}:{self.line}"


class Lists:
    """Decides on the operator's lists, one line at a time."""

    def __init__(
        self, store: Store, policy: SubscriptionPolicy, delivery: Delivery, clock: Clock
    ) -> None:
        self._store, self._policy, self._delivery = store, policy, delivery
        self._clock = clock

    def decide(
        self, row: Row, customer: Subscription, owner: Owner | None, origin: Origin
    ) -> Change:
        """The change a line makes; one without records where it says what is known already.

        Raises RowWrong.
        """
        language = self._policy.language(customer)
        asked = Asked(customer.channel or Door.TEXT, language, f"list:{origin.file}:{origin.line}")
        if isinstance(row, CollectionRow):
            return self._announced(
                self._collected(row, customer, asked), customer, origin, language
            )
        step = preferences.recorded(self._policy, customer, self._home(row), asked)
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

    def _home(self, row: CustomerRow | PortedRow) -> Home:
        if isinstance(row, PortedRow):
            return Home(None, row.network, PORTED)
        if row.province is not None and row.province not in self._policy.book.names:
            fix = "use the code of a mainland province, or leave it empty"
            raise RowWrong(f"province {row.province} has no name in the rule book", fix)
        return Home(row.province, row.network, RECORD)

    def _collected(self, row: CollectionRow, customer: Subscription, asked: Asked) -> Step:
        if customer.opened_at is None:
            raise RowWrong("number never held the service", "check the number")
        if row.month > month_of(self._clock.now()):
            raise RowWrong(f"month {row.month} has not begun", "check the month")
        return dunning.collected(self._policy, customer, row.month, paid=row.paid, asked=asked)

    def _announced(
        self, step: Step, customer: Subscription, origin: Origin, language: Language
    ) -> Change:
        """The step with its text. What is told is claimed, so an old file told again is silent."""
        change = notifications.announced(
            step, customer, origin.claim, language, self._store, self._delivery
        )
        return replace(change, claim=origin.claim) if step.phrases else change
