"""All data of one person: collected for them, and erased but for what law keeps."""

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from receipts.charging.charges import months_kept
from receipts.model.charge import AuditEntry, Charge, StaffLookup
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import IndexedText, MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Reply, Timer
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import BulkReader, ContentionError, Store
from receipts.ports.text_index import TextIndex
from receipts.ports.unit_of_work import MAX_ATTEMPTS
from receipts.subscriptions.decision import A_MONTH, CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.receipt import ENDED, ReceiptState
from statemachines.subscription import SUBSCRIPTION, SubscriptionEvent, SubscriptionState

#: Sources of province and network that are the operator's own.
_OPERATORS_LISTS = ("record", "ported")

#: After so long without a delivery report, no credit for a sent receipt is expected.
_CREDIT_WAIT = dt.timedelta(days=3)


class ErasureRefusedError(Exception):
    """The data of a person is still needed; the message says for what, and what to do."""


class PersonalData(Struct, frozen=True):
    """All records of one person."""

    subscription: Subscription
    credentials: CustomerCredentials | None
    login: LoginState | None
    reply_count: DailyReplyCount | None
    receipts: Sequence[Receipt]
    charges: Sequence[Charge]
    consent: Sequence[AuditEntry]
    texts: Sequence[MessageTrace]
    calls: Sequence[CallLog]
    timers: Sequence[Timer]
    lookups: Sequence[StaffLookup]
    #: Where the index of texts names them.
    indexed: Sequence[IndexedText]
    #: Receipts of the archive, and its months that could not be read.
    archived: Sequence[Receipt] = ()
    unreadable: tuple[str, ...] = ()


class ErasedData(Struct, frozen=True):
    """The data that was erased; ``archived`` is None while workers erase it from the archive."""

    held: PersonalData
    archived: int | None


class PersonalDataService:
    """Collects and erases the data of one person. Methods raise StoreUnavailableError."""

    def __init__(
        self,
        store: Store,
        reader: BulkReader,
        index: TextIndex,
        policy: SubscriptionPolicy,
        history: ReceiptHistory,
    ) -> None:
        self._store, self._reader, self._index, self._policy = store, reader, index, policy
        self._history = history

    def collect(self, number: Msisdn) -> PersonalData:
        """All records of a person, those of the archive too."""
        data = self._stored(number)
        known, found = {each.id for each in data.receipts}, self._history.receipts_of
        listed = found(number, None, None)
        older = [each for each in listed.receipts if each.id not in known]
        return replace(data, archived=older, unreadable=listed.unreadable)

    def _stored(self, number: Msisdn) -> PersonalData:
        return self._records(number, self._reader.traces_of(number), self._reader.calls_of(number))

    def _records(
        self, number: Msisdn, texts: Sequence[MessageTrace], calls: Sequence[CallLog]
    ) -> PersonalData:
        store, reader = self._store, self._reader
        months = months_kept(self._policy.book, self._policy.now())
        found = store.load(number, login=True, credentials=True, reply_count=True)
        receipts = store.receipts_of(number, None, None)
        return PersonalData(
            found.subscription,
            found.credentials,
            found.login,
            found.reply_count,
            receipts,
            store.charges_of(number, months),
            reader.consent(number),
            _with_traces_of(receipts, texts),
            calls,
            reader.timers_of(number),
            reader.lookups_of(number),
            self._index.texts_of(number),
        )

    def forget(self, number: Msisdn, request: CustomerRequest) -> ErasedData:
        """Erase a person's data in one commit, then from the archive; return what was held before.

        Charges, the evidence of consent and the audit log stay for ``audit_months``, with the
        fields of the record that they are checked against. Raises ErasureRefusedError.
        """
        for _ in range(MAX_ATTEMPTS):
            data = self._stored(number)
            change = self._erasure(data, request)
            if self._store.commit(change).status is CommitStatus.COMMITTED:
                return ErasedData(data, self._history.archive.erase(number))
        raise ContentionError("the same number was changed by others again and again")

    def forget_left(self, timer: Timer) -> None:
        """End the record of a customer who left ``left_months`` ago; later if they left later.

        Their texts and calls have expired before. Receipts still under way put it off for a day.
        """
        customer = self._store.load(timer.number).subscription
        policy, now = self._policy, self._policy.now()
        months = policy.book.retention.left_months
        due = customer.left_at and customer.left_at + months * A_MONTH
        if due is None:
            change = ChangeSet(timer.number, fired_timer=timer)
        elif due > now:
            change = ChangeSet(timer.number, timers=(replace(timer, at=due),))
        else:
            channel, language = customer.channel or Channel.TEXT, policy.language(customer)
            request = CustomerRequest(channel, language, f"time:{timer.kind}")
            change = self._end_of_record(timer, request)
        self._store.commit(change)

    def _end_of_record(self, timer: Timer, request: CustomerRequest) -> ChangeSet:
        try:
            change = self._erasure(self._records(timer.number, (), ()), request)
        except ErasureRefusedError:
            tomorrow = self._policy.now() + dt.timedelta(days=1)
            return ChangeSet(timer.number, timers=(replace(timer, at=tomorrow),))
        others = tuple(each for each in change.cancelled_timers if each.kind != timer.kind)
        return replace(change, cancelled_timers=others, fired_timer=timer)

    def _erasure(self, data: PersonalData, request: CustomerRequest) -> ChangeSet:
        customer = data.subscription
        outcome = SUBSCRIPTION.fire(customer.state, SubscriptionEvent.FORGET)
        if outcome.reason is not None:
            raise ErasureRefusedError(
                f"the service is {customer.state}: cancel it first, then erase the data"
            )
        open_receipts = [receipt for receipt in data.receipts if self._is_open(receipt)]
        if open_receipts:
            raise ErasureRefusedError(
                f"{len(open_receipts)} texts to this number are not settled yet: they may still "
                "be charged or credited. Try again later, at the latest in three days"
            )
        audit = self._policy.audit(customer, SubscriptionEvent.FORGET, outcome, request)
        reduced = _reduced(customer, outcome.state)
        change = Decision(reduced, audit=(audit,)).change_set(customer, None, Reply())
        optional = (data.credentials, data.login, data.reply_count)
        erased = (*filter(None, optional), *data.receipts, *data.texts, *data.calls)
        erasing = replace(change, erased=erased, unindexed=tuple(data.indexed), erases_archive=True)
        return replace(erasing, cancelled_timers=tuple(data.timers), timers=())

    def _is_open(self, receipt: Receipt) -> bool:
        if receipt.state in ENDED or receipt.state is ReceiptState.UNSURE:
            return False
        asked_at = receipt.requested_at or receipt.created_at
        return receipt.state is not ReceiptState.SENT or (
            asked_at + _CREDIT_WAIT > self._policy.now()
        )


def _with_traces_of(
    receipts: Sequence[Receipt], texts: Sequence[MessageTrace]
) -> list[MessageTrace]:
    """Traces with those that receipts have in them, unless the text has one of its own."""
    known = {(text.recipient, text.message_id) for text in texts}
    within = filter(None, (receipt.full_text_trace for receipt in reversed(receipts)))
    others = (text for text in within if (text.recipient, text.message_id) not in known)
    return sorted((*texts, *others), key=lambda text: text.history[0].at)


def _reduced(customer: Subscription, state: SubscriptionState) -> Subscription:
    """What is left of a record: the operator's own list, and what the ledger is checked against."""
    listed = customer.looked_up_at is None and customer.source in _OPERATORS_LISTS
    return Subscription(
        customer.number,
        version=customer.version,
        state=state,
        province=customer.province if listed else None,
        network=customer.network if listed else None,
        source=customer.source if listed else None,
        trial_used=customer.trial_used,
        charged_month=customer.charged_month,
        receipts_month=customer.receipts_month,
        receipts_this_month=customer.receipts_this_month,
        unpaid=customer.unpaid,
        months_not_served=customer.months_not_served,
        chain=customer.chain,
    )
