"""Parts for generated histories: three customers, two tariffs each, a store that fails."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
from msgspec.structs import replace

from app import bootstrap
from ivr.call_context import CallContext
from ivr.call_flow import CallerInput
from keywords.inbound import InboundMessage
from receipts.bulk_import.apply import ImportHandler, SourceLine, StoredCustomer
from receipts.bulk_import.rows import CollectionRow
from receipts.charging.charges import needs_usage_count
from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus, OutboxEntry, Reply
from receipts.ports.store import Snapshot, StoreUnavailableError
from receipts.ports.unit_of_work import run_in_transaction
from receipts.rulebook.schema import CancellationEffect, RuleBook, Tariff
from receipts.store.redis_store import RedisStore
from receipts.subscriptions import cancellation
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.monthly_billing import MonthlyBilling
from statemachines.call_menu import CallState
from statemachines.subscription import SubscriptionEvent
from tests.conftest import gathering
from tests.support.fixtures import decided
from tests.support.reference_billing import Price, Terms
from tests.support.sending import ProviderDouble, mark_sending, timing

GUANGDONG, HEBEI, ZHEJIANG = map(Msisdn, ("+8613802880000", "+8613903112345", "+8613957112345"))
FRIEND = Msisdn("+8613800138000")
CAP = 280
#: Seconds for which a flash receipt waits for others.
GATHER = 2
BEGINS = dt.datetime(2026, 11, 18, 4, tzinfo=dt.UTC)

D = dt.date
TERMS = {
    GUANGDONG: Terms(
        (Price(D(2020, 1, 1), 100), Price(D(2026, 12, 10), 200, per_receipt=5, free=2)), CAP
    ),
    HEBEI: Terms(
        (Price(D(2020, 1, 1), 150, per_receipt=10, free=1), Price(D(2027, 1, 1), 0, per_receipt=7)),
        CAP,
        runs_to_month_end=False,
    ),
    ZHEJIANG: Terms(
        (Price(D(2020, 1, 1), 300, per_receipt=3, trial_days=10), Price(D(2027, 2, 1), 90)),
        CAP,
        window=dt.timedelta(hours=24),
    ),
}
PLACES = {GUANGDONG: "CN-GD", HEBEI: "CN-HE", ZHEJIANG: "CN-ZJ"}


def book_of(shipped: RuleBook) -> RuleBook:
    """Return the shipped book with the prices above and the default wait for digests."""
    provinces = dict(shipped.provinces)
    for number, code in PLACES.items():
        terms = TERMS[number]
        provinces[code] = msgspec.structs.replace(
            provinces[code],
            tariffs=tuple(
                Tariff(
                    version=f"{code}-{index}", since=price.since, monthly_fen=price.monthly,
                    per_receipt_fen=price.per_receipt, free_receipts=price.free,
                    trial_days=price.trial_days,
                )
                for index, price in enumerate(terms.prices)
            ),
            confirmation_hours=int(terms.window.total_seconds() // 3600),
            cancel_takes_effect=CancellationEffect(
                "month_end" if terms.runs_to_month_end else "now"
            ),
        )  # fmt: skip
    limits = msgspec.structs.replace(shipped.limits, monthly_cap_fen=CAP)
    book = msgspec.structs.replace(shipped, provinces=provinces, limits=limits)
    return gathering(book, GATHER)


class Shaky:
    """The real store, whose next commit may fail, lose its answer, or lose a race."""

    def __init__(self, store: RedisStore) -> None:
        self._store, self.fault = store, None

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def commit(self, change: ChangeSet) -> CommitResult:
        return self.commit_all([change])[0]

    def commit_all(self, changes: Sequence[ChangeSet]) -> list[CommitResult]:
        fault, self.fault = self.fault, None
        if fault == "before":
            raise StoreUnavailableError(fault)
        if fault == "half":
            self._store.commit_all(changes[: len(changes) // 2])
            raise StoreUnavailableError(fault)
        if fault == "race":
            for number in {change.number for change in changes}:
                self._rival(number)
        done = self._store.commit_all(changes)
        if fault == "after":
            raise StoreUnavailableError(fault)
        return done

    def _rival(self, number: Msisdn) -> None:
        """Change the same record between load and commit."""
        before = self._store.load(number).subscription
        if before.version:
            after = replace(before, version=before.version + 1)
            self._store.commit_all([ChangeSet(number, records=(after,))])


@dataclass
class Business:
    """The services of a customer's history, on one failing store."""

    built: bootstrap.Container
    store: Shaky

    def __post_init__(self) -> None:
        # Services of its own: tests cut their store off.
        self.built = built = dataclasses.replace(self.built)
        self.policy = policy = built.policy
        provider = ProviderDouble("carrier", flash=True, lookup=False)
        router = Router([provider], [provider])
        self.delivery = ReceiptLifecycle(router, built.book.sending, built.clock)
        self.billing = MonthlyBilling(self.store, built.clients.bulk_reader, policy, built.clock)
        self.hotline, self.reports = built.call_flow, built.report_service
        for service in (self.hotline, self.reports):
            service._store = self.store  # noqa: SLF001 - so that its commits fail as well
        self.sweep = timing(built, self.delivery, self.store)

    def text(self, number: Msisdn, body: str, event: str) -> Reply:
        text, conversation = InboundMessage(event, number, body), self.built.conversation
        return run_in_transaction(
            self.store, number, lambda snapshot: conversation.decide(snapshot, text), event,
            reply_count=True,
        )  # fmt: skip

    def call(self, number: Msisdn, at: CallState, sid: str) -> None:
        place = CallContext(at, Language.ZH, province=PLACES[number])
        self.hotline.handle_input(CallerInput(sid, number, place, "1"))

    def collect(self, row: CollectionRow, line: SourceLine) -> None:
        """Apply a line of collections. Raises RowError."""
        imports = ImportHandler(self.store, self.policy, self.delivery, self.built.clock)

        def decide(snapshot: Snapshot) -> ChangeSet:
            charges = self.store.charges_of(row.number, [row.month])
            return imports.decide(row, StoredCustomer(snapshot.subscription, None, charges), line)

        run_in_transaction(self.store, row.number, decide)

    def port_out(self, number: Msisdn, line: SourceLine) -> None:
        """End the service of a number that left the network."""
        request = CustomerRequest(Channel.COUNTER, Language.ZH, "list")
        leave = partial(
            cancellation.end_now, self.policy, event=SubscriptionEvent.PORT_OUT,
            message_key="ported_out", request=request,
        )  # fmt: skip
        decided(self.store, self.delivery, number, line.claim, leave)

    def send(self, posted: OutboxEntry, *, answered: bool) -> Receipt | None:
        """Send a receipt and, if ``answered``, save its acceptance; None if it is not sent."""
        receipt = self.store.receipts([posted.receipt_id])[0]
        change = with_digest_members(self.store, mark_sending(self.delivery, receipt, posted))
        if self.store.commit(change).status is not CommitStatus.COMMITTED or change.acked:
            return None
        sending = self.store.receipts([posted.receipt_id])[0]
        while answered:
            owner = (
                self.store.load(sending.number).subscription if needs_usage_count(sending) else None
            )
            accepted = self.delivery.accepted(sending, f"P{sending.id}", posted, owner)
            whole = with_digest_members(self.store, accepted)
            if self.store.commit(whole).status is CommitStatus.COMMITTED:
                break
            sending = self.store.receipts([posted.receipt_id])[0]
        return sending
