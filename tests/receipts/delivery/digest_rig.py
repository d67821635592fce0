"""A service whose flash receipts wait for digests, with a worker's steps done by hand."""

from dataclasses import dataclass, field

from app.bootstrap import Container
from receipts.charging.charges import needs_usage_count
from receipts.delivery.digest import DIGEST, with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.calendar import month_before, month_of
from receipts.model.charge import Charge
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from receipts.ports.provider import ProviderError, ProviderStatus
from receipts.worker.worker import Worker
from tests.conftest import TestClock, gathering
from tests.support.fixtures import SHANXI
from tests.support.histories import Shaky
from tests.support.sending import ProviderDouble, dispatching, mark_sending, timing

SENDER = Msisdn(SHANXI)  # ten fen per delivered receipt, no monthly fee
RECIPIENTS = [Msisdn(f"+8613957112{tail:03}") for tail in range(100, 200)]
WAIT_SECONDS = 2


@dataclass
class DigestRig:
    """Reports arrive, timers fire and receipts are sent, each step by its own method."""

    built: Container
    clock: TestClock
    flasher: ProviderDouble
    store: Shaky = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.built = self.built.with_changes(gathering(self.built.book, WAIT_SECONDS))
        self.store = Shaky(self.built.store)
        self.use(Router([ProviderDouble("courier", flash=False, lookup=True)], [self.flasher]))

    def use(self, router: Router) -> None:
        self.delivery = ReceiptLifecycle(router, self.built.book.sending, self.clock)
        self.timers = timing(self.built, self.delivery, self.store)

    def worker(self) -> Worker:
        memory, lifecycle = self.built.clients, self.delivery
        dispatcher = dispatching("one", memory, lifecycle, self.clock)
        return Worker("one", memory.store, memory.outbox, lifecycle, self.timers, dispatcher, 4)

    def arrive(self, *statuses: MessageStatus, sender: str = SENDER) -> None:
        """Reports of texts from one customer to different recipients, in one batch."""
        reports = []
        for status in statuses:
            self.count += 1
            to, at = RECIPIENTS[self.count % len(RECIPIENTS)], self.clock.now()
            about = (f"SM{self.count}", Msisdn(sender), to)
            reports.append(DeliveryReport(*about, status, status, at))
        self.built.report_service.ingest_batch(reports)

    def fire(self) -> int:
        """Fire all due timers; their number."""
        due = self.timers.due_timers(100)
        self.timers.flush_digests([timer for timer in due if timer.kind == DIGEST])
        for timer in due:
            if timer.kind != DIGEST:
                self.timers.fire(timer)
        return len(due)

    def wait(self) -> int:
        self.clock.move(seconds=WAIT_SECONDS)
        return self.fire()

    def commit(self, change: ChangeSet) -> CommitStatus:
        return self.store.commit(with_digest_members(self.store, change)).status

    def send(self) -> list[str]:
        """Send all receipts in the outbox; their texts."""
        texts = []
        for entry in self.built.clients.outbox.fetch("hand", 1600, 0):
            change = mark_sending(self.delivery, self.now(entry.receipt_id), entry)
            if self.commit(change) is not CommitStatus.COMMITTED or change.acked:
                continue
            receipt = self.now(entry.receipt_id)
            provider = self.delivery.router.by_name(receipt.provider)
            assert provider is not None
            try:
                provider_id = provider.send(self.delivery.outbound_message(receipt))
            except ProviderError as failure:
                change = self.delivery.failed(receipt, failure, entry)
            else:
                owner = self.store.load(receipt.number).subscription
                counted = owner if needs_usage_count(receipt) else None
                change = self.delivery.accepted(receipt, provider_id, entry, counted)
            assert self.commit(change) is CommitStatus.COMMITTED
            texts.append(receipt.text)
        return texts

    def wait_and_send(self) -> list[str]:
        self.wait()
        return self.send()

    def now(self, receipt_id: str) -> Receipt:
        (found,) = self.built.store.receipts([receipt_id])
        assert found is not None
        return found

    def receipts(self, number: str = SENDER) -> list[Receipt]:
        return self.built.store.receipts_of(Msisdn(number), 100, MessageKind.RECEIPT)

    def digests(self, number: str = SENDER) -> list[Receipt]:
        return self.built.store.receipts_of(Msisdn(number), 100, MessageKind.DIGEST)

    def report_delivered(self, digest: Receipt) -> None:
        self.report(digest, ProviderStatus.DELIVERED, "delivered")

    def report(self, digest: Receipt, status: ProviderStatus, raw: str) -> None:
        StatusUpdates(self.store, self.delivery).apply(digest.id, status, raw, "F1")

    def states(self) -> set[str]:
        return {receipt.state for receipt in self.receipts()}

    def charges(self, number: str = SENDER) -> list[Charge]:
        return self.built.store.charges_of(Msisdn(number), [month_of(self.clock.now())])

    def charges_of_two_months(self) -> list[Charge]:
        """The charges of this month and the month before."""
        this = month_of(self.clock.now())
        return self.built.store.charges_of(Msisdn(SENDER), [month_before(this), this])
