"""What time alone brings: stale orders, the end of a month, waits that are over."""

import datetime as dt
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from receipts.delivery import notifications
from receipts.delivery.digest import DIGEST, Digests
from receipts.delivery.lifecycle import RETRY, Delivery
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Door
from receipts.ports.changes import Answer, Change, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Held, Outbox, Store
from receipts.reports.service import CHASE, Reports
from receipts.subscriptions import cancellation, dunning, ordering
from receipts.subscriptions.decision import END, FEE, LAPSE, OWED, TRIAL, Asked, Step
from receipts.subscriptions.policy import SubscriptionPolicy


class Sweep:
    """Rings the timers that are due, each exactly once: the commit that rings one removes it."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        policy: SubscriptionPolicy,
        delivery: Delivery,
        reports: Reports,
        clock: Clock,
    ) -> None:
        self._store, self._outbox, self._clock = store, outbox, clock
        self._policy, self._delivery = policy, delivery
        self._digests = Digests(store, policy.book.sending, clock)
        self._rings: dict[str, Callable[[Timer], None]] = {
            LAPSE: self._lapse,
            END: self._end,
            TRIAL: self._trial,
            FEE: self._fee,
            OWED: self._owed,
            RETRY: self._retry,
            CHASE: reports.chase,
            DIGEST: lambda timer: self.gather([timer]),
            notifications.CALL: self._sum_up,
        }

    def due(self, limit: int) -> list[Timer]:
        """The timers whose moment has come."""
        return self._outbox.due(self._clock.now(), limit)

    def ring(self, timer: Timer) -> bool:
        """Do what a timer is for; False when it is of a kind that others ring."""
        ring = self._rings.get(timer.kind)
        if ring is None:
            return False
        ring(timer)
        return True

    def gather(self, timers: Sequence[Timer]) -> None:
        """Flashes whose wait is over go out; those of one customer as one, where we can flash."""
        if timers:
            self._digests.ring(timers, together=bool(self._delivery.routes.flash))

    def _lapse(self, timer: Timer) -> None:
        def decide(held: Held) -> Change:
            customer = held.subscription
            if customer.order is None:
                return Change(timer.number, fired=timer)
            if customer.order.expires_at > self._clock.now():
                return _later(timer, customer.order.expires_at)
            step = ordering.lapse(self._policy, customer, self._by_time(customer, timer))
            return self._with_notice(step, customer, timer)

        self._once(timer, decide)

    def _end(self, timer: Timer) -> None:
        def decide(held: Held) -> Change:
            customer = held.subscription
            if customer.ends_at is None:
                return Change(timer.number, fired=timer)
            if customer.ends_at > self._clock.now():
                return _later(timer, customer.ends_at)
            step = cancellation.month_ended(self._policy, customer, self._by_time(customer, timer))
            return replace(step.change(customer, None, Answer()), fired=timer)

        self._once(timer, decide)

    def _trial(self, timer: Timer) -> None:
        def decide(held: Held) -> Change:
            customer = held.subscription
            step = ordering.renew(self._policy, customer, self._by_time(customer, timer))
            return self._with_notice(step, customer, timer)

        self._once(timer, decide)

    def _fee(self, timer: Timer) -> None:
        def decide(held: Held) -> Change:
            customer = held.subscription
            step = ordering.fee(self._policy, customer)
            return replace(step.change(customer, None, Answer()), fired=timer)

        self._once(timer, decide)

    def _owed(self, timer: Timer) -> None:
        def decide(held: Held) -> Change:
            customer = held.subscription
            since = customer.suspended_at
            if since is None or next_month(next_month(since)) > self._clock.now():
                return Change(timer.number, fired=timer)
            step = dunning.owed(self._policy, customer, self._by_time(customer, timer))
            return self._with_notice(step, customer, timer)

        self._once(timer, decide)

    def _retry(self, timer: Timer) -> None:
        receipt = self._store.receipts([timer.subject])[0]
        change = Change(timer.number, fired=timer)
        self._store.commit(self._delivery.again(receipt, timer) if receipt else change)

    def _sum_up(self, timer: Timer) -> None:
        self._once(
            timer,
            lambda held: notifications.summed_up(
                held, self._store, self._delivery, timer.subject, fired=timer
            ),
            call=timer.subject,
        )

    def _once(
        self, timer: Timer, decide: Callable[[Held], Change], call: str | None = None
    ) -> None:
        """One try. A lost race needs no second: the timer is still set, or another rang it."""
        self._store.commit(decide(self._store.read(timer.number, call=call)))

    def _by_time(self, customer: Subscription, timer: Timer) -> Asked:
        door = customer.order.door if customer.order else customer.channel or Door.TEXT
        return Asked(door, self._policy.language(customer), f"time:{timer.kind}")

    def _with_notice(self, step: Step, customer: Subscription, timer: Timer) -> Change:
        about = f"{timer.kind} {self._clock.now().isoformat()}"
        language = self._policy.language(customer)
        told = notifications.announced(step, customer, about, language, self._store, self._delivery)
        return replace(told, fired=timer)


def _later(timer: Timer, at: dt.datetime) -> Change:
    """The same timer for a moment that was put off since it was found due."""
    return Change(timer.number, timers=(replace(timer, at=at),))
