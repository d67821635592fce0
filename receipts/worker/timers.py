"""Timers: order expiry, end of service, renewal, fees, dunning, retries, digests."""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from receipts.delivery import notifications
from receipts.delivery.digest import DIGEST, DigestBuilder
from receipts.delivery.lifecycle import RETRY, ReceiptLifecycle
from receipts.delivery.relays import RELAYED
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Outbox, Store
from receipts.reports.relay_reports import RelayReports
from receipts.reports.service import REPORT_TIMEOUT, ReportService
from receipts.subscriptions import cancellation, dunning, ordering
from receipts.subscriptions.decision import (
    END,
    FEE,
    FORGET,
    ORDER_EXPIRY,
    TRIAL,
    UNPAID,
    CustomerRequest,
    Decision,
)
from receipts.subscriptions.personal_data import PersonalDataService
from receipts.subscriptions.policy import SubscriptionPolicy

#: Deadlines that may end or move while their timer is due.
_DEADLINES: dict[str, Callable[[Subscription], dt.datetime | None]] = {
    ORDER_EXPIRY: lambda customer: customer.order.expires_at if customer.order else None,
    END: lambda customer: customer.ends_at,
    UNPAID: lambda owing: owing.suspended_at and next_month(next_month(owing.suspended_at)),
}


class TimerService:
    """Fires due timers, each exactly once: the commit of its effect removes the timer.

    No retry on conflict: the timer is still due, or another worker has fired it.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        policy: SubscriptionPolicy,
        delivery: ReceiptLifecycle,
        reports: ReportService,
        clock: Clock,
        personal_data: PersonalDataService,
        relays: RelayReports,
    ) -> None:
        self._store, self._outbox, self._clock = store, outbox, clock
        self._policy, self._delivery = policy, delivery
        self._digests = DigestBuilder(store, policy.book.sending, clock, delivery.perhaps_sent)
        self._decisions: dict[str, Callable[[Subscription, CustomerRequest], Decision]] = {
            ORDER_EXPIRY: partial(ordering.expire_order, policy),
            END: partial(cancellation.month_ended, policy),
            TRIAL: partial(ordering.ask_trial_renewal, policy),
            FEE: lambda customer, _: ordering.charge_first_fee(policy, customer),
            UNPAID: partial(dunning.end_unpaid, policy),
        }
        self._handlers: dict[str, Callable[[Timer], None]] = {
            RETRY: self._requeue,
            REPORT_TIMEOUT: reports.report_timeout,
            FORGET: personal_data.forget_left,
            DIGEST: lambda timer: self.flush_digests([timer]),
            notifications.CALL: self._send_call_summary,
            RELAYED: relays.fire,
        }

    def due_timers(self, limit: int, lead: dt.timedelta = dt.timedelta()) -> list[Timer]:
        """Up to ``limit`` timers that are due; those of digests are due earlier by ``lead``.

        Raises StoreUnavailableError.
        """
        now = self._clock.now()
        found = self._outbox.due_timers(now + lead, limit)
        return [t for t in found if t.kind == DIGEST or t.at is None or t.at <= now]

    def fire(self, timer: Timer) -> bool:
        """Fire a due timer; False for a kind without a handler. Raises StoreUnavailableError."""
        if timer.kind in self._decisions:
            self._store.commit(self._decide(timer, self._store.load(timer.number).subscription))
        elif handle := self._handlers.get(timer.kind):
            handle(timer)
        else:
            return False
        return True

    def flush_digests(self, timers: Sequence[Timer]) -> None:
        """End the wait of flash receipts; joined per customer if a provider can flash."""
        if timers:
            self._digests.build(timers, together=bool(self._delivery.router.flash))

    def _decide(self, timer: Timer, customer: Subscription) -> ChangeSet:
        """Change a subscription whose deadline has come; otherwise end or reschedule its timer."""
        now, language = self._clock.now(), self._policy.language(customer)
        if deadline_of := _DEADLINES.get(timer.kind):
            deadline = deadline_of(customer)
            if deadline is None:
                return ChangeSet(timer.number, fired_timer=timer)
            if deadline > now:
                return ChangeSet(timer.number, timers=(replace(timer, at=deadline),))
        channel = customer.order.channel if customer.order else customer.channel or Channel.TEXT
        request = CustomerRequest(channel, language, f"time:{timer.kind}")
        decision = self._decisions[timer.kind](customer, request)
        about = f"{timer.kind} {now.isoformat()}"
        change = notifications.with_notification(
            decision, customer, about, language, self._store, self._delivery
        )
        return replace(change, fired_timer=timer)

    def _requeue(self, timer: Timer) -> None:
        receipt = self._store.receipts([timer.subject])[0]
        gone = ChangeSet(timer.number, fired_timer=timer)
        self._store.commit(self._delivery.requeue(receipt, timer) if receipt else gone)

    def _send_call_summary(self, timer: Timer) -> None:
        snapshot = self._store.load(timer.number, call=timer.subject)
        store, delivery = self._store, self._delivery
        store.commit(notifications.call_summary(snapshot, store, delivery, timer.subject, timer))
