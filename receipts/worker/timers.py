"""What time alone brings: stale orders, the end of a month, waits that are over."""

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
from receipts.ports.store import Outbox, Snapshot, Store
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
    """Rings the timers that are due, each exactly once: the commit that rings one removes it."""

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
        self._rings: dict[str, Callable[[Timer], None]] = {
            ORDER_EXPIRY: self._expire_order,
            END: self._end_service,
            TRIAL: self._ask_trial_renewal,
            FEE: self._charge_fee,
            UNPAID: self._end_unpaid,
            RETRY: self._requeue,
            REPORT_TIMEOUT: reports.report_timeout,
            DIGEST: lambda timer: self.flush_digests([timer]),
            notifications.CALL: self._send_call_summary,
        }

    def due_timers(self, limit: int) -> list[Timer]:
        """The timers whose moment has come."""
        return self._outbox.due_timers(self._clock.now(), limit)

    def fire(self, timer: Timer) -> bool:
        """Do what a timer is for; False when it is of a kind that others ring."""
        ring = self._rings.get(timer.kind)
        if ring is None:
            return False
        ring(timer)
        return True

    def flush_digests(self, timers: Sequence[Timer]) -> None:
        """Flashes whose wait is over go out; those of one customer as one, where we can flash."""
        if timers:
            self._digests.build(timers, together=bool(self._delivery.router.flash))

    def _expire_order(self, timer: Timer) -> None:
        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            if customer.order is None:
                return ChangeSet(timer.number, fired_timer=timer)
            if customer.order.expires_at > self._clock.now():
                return _rescheduled(timer, customer.order.expires_at)
            step = ordering.expire_order(self._policy, customer, self._request(customer, timer))
            return self._with_notification(step, customer, timer)

        self._once(timer, decide)

    def _end_service(self, timer: Timer) -> None:
        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            if customer.ends_at is None:
                return ChangeSet(timer.number, fired_timer=timer)
            if customer.ends_at > self._clock.now():
                return _rescheduled(timer, customer.ends_at)
            step = cancellation.month_ended(self._policy, customer, self._request(customer, timer))
            return replace(step.change_set(customer, None, Reply()), fired_timer=timer)

        self._once(timer, decide)

    def _ask_trial_renewal(self, timer: Timer) -> None:
        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            step = ordering.ask_trial_renewal(
                self._policy, customer, self._request(customer, timer)
            )
            return self._with_notification(step, customer, timer)

        self._once(timer, decide)

    def _charge_fee(self, timer: Timer) -> None:
        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            step = ordering.charge_first_fee(self._policy, customer)
            return replace(step.change_set(customer, None, Reply()), fired_timer=timer)

        self._once(timer, decide)

    def _end_unpaid(self, timer: Timer) -> None:
        def decide(snapshot: Snapshot) -> ChangeSet:
            customer = snapshot.subscription
            since = customer.suspended_at
            if since is None or next_month(next_month(since)) > self._clock.now():
                return ChangeSet(timer.number, fired_timer=timer)
            step = dunning.end_unpaid(self._policy, customer, self._request(customer, timer))
            return self._with_notification(step, customer, timer)

        self._once(timer, decide)

    def _requeue(self, timer: Timer) -> None:
        receipt = self._store.receipts([timer.subject])[0]
        change = ChangeSet(timer.number, fired_timer=timer)
        self._store.commit(self._delivery.requeue(receipt, timer) if receipt else change)

    def _send_call_summary(self, timer: Timer) -> None:
        self._once(
            timer,
            lambda held: notifications.call_summary(
                held, self._store, self._delivery, timer.subject, fired_timer=timer
            ),
            call=timer.subject,
        )

    def _once(
        self, timer: Timer, decide: Callable[[Snapshot], ChangeSet], call: str | None = None
    ) -> None:
        """One try. A lost race needs no second: the timer is still set, or another rang it."""
        self._store.commit(decide(self._store.load(timer.number, call=call)))

    def _request(self, customer: Subscription, timer: Timer) -> CustomerRequest:
        channel = customer.order.channel if customer.order else customer.channel or Channel.TEXT
        return CustomerRequest(channel, self._policy.language(customer), f"time:{timer.kind}")

    def _with_notification(self, step: Decision, customer: Subscription, timer: Timer) -> ChangeSet:
        about = f"{timer.kind} {self._clock.now().isoformat()}"
        language = self._policy.language(customer)
        change = notifications.with_notification(
            step, customer, about, language, self._store, self._delivery
        )
        return replace(change, fired_timer=timer)


def _rescheduled(timer: Timer, at: dt.datetime) -> ChangeSet:
    """The same timer for a moment that was put off since it was found due."""
    return ChangeSet(timer.number, timers=(replace(timer, at=at),))
