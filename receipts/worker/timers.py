"""Timers: order expiry, end of service, renewal, fees, dunning, retries, digests."""

import datetime as dt
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from receipts.delivery import notifications
from receipts.delivery.digest import DIGEST, DigestBuilder
from receipts.delivery.lifecycle import RETRY, ReceiptLifecycle
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Outbox, Store
from receipts.reports.service import REPORT_TIMEOUT, ReportService
from receipts.subscriptions import cancellation, dunning, ordering
from receipts.subscriptions.decision import (
    END,
    FEE,
    ORDER_EXPIRY,
    TRIAL,
    UNPAID,
    CustomerRequest,
    Decision,
)
from receipts.subscriptions.policy import SubscriptionPolicy


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
    ) -> None:
        self._store, self._outbox, self._clock = store, outbox, clock
        self._policy, self._delivery = policy, delivery
        self._digests = DigestBuilder(store, policy.book.sending, clock)
        self._decisions: dict[str, Callable[[Timer, Subscription], ChangeSet]] = {
            ORDER_EXPIRY: self._expire_order,
            END: self._end_service,
            TRIAL: self._ask_trial_renewal,
            FEE: self._charge_fee,
            UNPAID: self._end_unpaid,
        }
        self._handlers: dict[str, Callable[[Timer], None]] = {
            RETRY: self._requeue,
            REPORT_TIMEOUT: reports.report_timeout,
            DIGEST: lambda timer: self.flush_digests([timer]),
            notifications.CALL: self._send_call_summary,
        }

    def due_timers(self, limit: int) -> list[Timer]:
        """Up to ``limit`` timers that are due. Raises StoreUnavailableError."""
        return self._outbox.due_timers(self._clock.now(), limit)

    def fire(self, timer: Timer) -> bool:
        """Fire a due timer; False for a kind without a handler. Raises StoreUnavailableError."""
        if decide := self._decisions.get(timer.kind):
            self._store.commit(decide(timer, self._store.load(timer.number).subscription))
        elif handle := self._handlers.get(timer.kind):
            handle(timer)
        else:
            return False
        return True

    def flush_digests(self, timers: Sequence[Timer]) -> None:
        """End the wait of flash receipts; joined per customer if a provider can flash."""
        if timers:
            self._digests.build(timers, together=bool(self._delivery.router.flash))

    def _expire_order(self, timer: Timer, customer: Subscription) -> ChangeSet:
        if customer.order is None:
            return ChangeSet(timer.number, fired_timer=timer)
        if customer.order.expires_at > self._clock.now():
            return _rescheduled(timer, customer.order.expires_at)
        decision = ordering.expire_order(self._policy, customer, self._request(customer, timer))
        return self._with_notification(decision, customer, timer)

    def _end_service(self, timer: Timer, customer: Subscription) -> ChangeSet:
        if customer.ends_at is None:
            return ChangeSet(timer.number, fired_timer=timer)
        if customer.ends_at > self._clock.now():
            return _rescheduled(timer, customer.ends_at)
        decision = cancellation.month_ended(self._policy, customer, self._request(customer, timer))
        return replace(decision.change_set(customer, None, Reply()), fired_timer=timer)

    def _ask_trial_renewal(self, timer: Timer, customer: Subscription) -> ChangeSet:
        request = self._request(customer, timer)
        decision = ordering.ask_trial_renewal(self._policy, customer, request)
        return self._with_notification(decision, customer, timer)

    def _charge_fee(self, timer: Timer, customer: Subscription) -> ChangeSet:
        decision = ordering.charge_first_fee(self._policy, customer)
        return replace(decision.change_set(customer, None, Reply()), fired_timer=timer)

    def _end_unpaid(self, timer: Timer, customer: Subscription) -> ChangeSet:
        since = customer.suspended_at
        if since is None or next_month(next_month(since)) > self._clock.now():
            return ChangeSet(timer.number, fired_timer=timer)
        decision = dunning.end_unpaid(self._policy, customer, self._request(customer, timer))
        return self._with_notification(decision, customer, timer)

    def _requeue(self, timer: Timer) -> None:
        receipt = self._store.receipts([timer.subject])[0]
        gone = ChangeSet(timer.number, fired_timer=timer)
        self._store.commit(self._delivery.requeue(receipt, timer) if receipt else gone)

    def _send_call_summary(self, timer: Timer) -> None:
        snapshot = self._store.load(timer.number, call=timer.subject)
        store, delivery = self._store, self._delivery
        store.commit(notifications.call_summary(snapshot, store, delivery, timer.subject, timer))

    def _request(self, customer: Subscription, timer: Timer) -> CustomerRequest:
        channel = customer.order.channel if customer.order else customer.channel or Channel.TEXT
        return CustomerRequest(channel, self._policy.language(customer), f"time:{timer.kind}")

    def _with_notification(
        self, decision: Decision, customer: Subscription, timer: Timer
    ) -> ChangeSet:
        about = f"{timer.kind} {self._clock.now().isoformat()}"
        language = self._policy.language(customer)
        change = notifications.with_notification(
            decision, customer, about, language, self._store, self._delivery
        )
        return replace(change, fired_timer=timer)


def _rescheduled(timer: Timer, at: dt.datetime) -> ChangeSet:
    """Same timer at ``at``, for a deadline moved while the timer was due."""
    return ChangeSet(timer.number, timers=(replace(timer, at=at),))
