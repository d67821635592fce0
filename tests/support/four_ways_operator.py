"""The operator of the four ways: a rule book, a worker without threads, lists of collected fees."""

from collections.abc import Iterator

import msgspec

from app.bootstrap import Container
from receipts.bulk_import.apply import SourceLine, StoredCustomer
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import CollectionRow
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.calendar import month_of
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.rulebook.schema import RuleBook
from statemachines.fee_collection import CollectionResult
from tests.support.sending import ProviderDouble, mark_sending


def book_of(shipped: RuleBook) -> RuleBook:
    """The shipped book with every way in every province, and short trials and allowances."""
    changes = {
        "CN-ZJ": {"trial_days": 4}, "CN-GX": {"free_receipts": 1}, "CN-JL": {"per_receipt_fen": 3},
        "CN-HE": {"per_receipt_fen": 4}, "CN-SN": {"per_receipt_fen": 2},
    }  # fmt: skip
    provinces = {}
    for code, province in shipped.provinces.items():
        tariffs = tuple(
            msgspec.structs.replace(each, **changes.get(code, {})) for each in province.tariffs
        )
        provinces[code] = msgspec.structs.replace(
            province, doors=tuple(Channel), tariffs=tariffs, voice_password=code == "CN-SN"
        )
    sending = msgspec.structs.replace(shipped.sending, digest_seconds=0)
    return msgspec.structs.replace(shipped, provinces=provinces, sending=sending)


class Operator:
    """What befalls customers of any way."""

    def __init__(self, built: Container) -> None:
        provider = ProviderDouble("provider", flash=True, lookup=True)
        self.built, router = built, Router([provider], [provider])
        self.delivery = ReceiptLifecycle(router, built.book.sending, built.clock)

    def collects(self, number: Msisdn, result: CollectionResult, line_id: str) -> bool:
        """Report this month's fee as paid or not; False if the report is refused."""
        month, store = month_of(self.built.clock.now()), self.built.store
        row, line = CollectionRow(number, month, result), SourceLine("list", line_id, 2)

        def decide(snapshot: Snapshot) -> ChangeSet:
            charges = store.charges_of(number, [month])
            stored = StoredCustomer(snapshot.subscription, None, charges)
            return self.built.import_handler.decide(row, stored, line)

        try:
            run_in_transaction(store, number, decide)
        except RowError:
            return False
        return True

    def sends(self) -> Iterator[Receipt]:
        """Send all that is due; the texts that were accepted."""
        while entries := self.built.clients.outbox.fetch("worker", 64, 0):
            for entry in entries:
                self._commit(mark_sending(self.delivery, self._receipt(entry.receipt_id), entry))
                receipt = self._receipt(entry.receipt_id)
                if receipt.state == "sending":
                    owner = self.built.store.load(receipt.number).subscription
                    self._commit(self.delivery.accepted(receipt, "P", entry, owner))
                    yield receipt

    def reports_undelivered(self, receipt: Receipt) -> None:
        """Report that a text did not arrive, for which a charge is credited."""
        status = (ProviderStatus.UNDELIVERED, "undelivered", "P")
        assert StatusUpdates(self.built.store, self.delivery).apply(receipt.id, *status)

    def _receipt(self, receipt_id: str) -> Receipt:
        (receipt,) = self.built.store.receipts([receipt_id])
        assert receipt is not None
        return receipt

    def _commit(self, change: ChangeSet) -> None:
        assert self.built.store.commit(change).status is CommitStatus.COMMITTED
