"""Asks outside whose network a number is on, where nothing here tells, before it is served."""

import datetime as dt

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.plan import Numbering
from receipts.ports.changes import Answer, Change
from receipts.ports.clock import Clock
from receipts.ports.provider import Lookup, TryLater
from receipts.ports.store import Held, Store
from receipts.ports.unit_of_work import settle
from receipts.subscriptions import preferences
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING

#: How long an answer counts, a "cannot be told" too: each question is paid for.
KEPT = dt.timedelta(days=30)

#: After a question that got no answer nobody is made to wait for another for so long.
_REST = dt.timedelta(seconds=60)


class Lookups:
    """Asks once a number and month at most, and only of numbers the prefix table cannot place."""

    def __init__(
        self,
        lookup: Lookup,
        store: Store,
        policy: SubscriptionPolicy,
        numbering: Numbering,
        clock: Clock,
    ) -> None:
        self._lookup, self._store, self._policy = lookup, store, policy
        self._numbering, self._clock = numbering, clock
        self._rests_until: dt.datetime | None = None

    def learn(self, number: Msisdn) -> None:
        """Put the network of a number on record, if it can be told. Raises StoreUnavailable.

        Without an answer all goes on as before: the number's network is unknown.
        """
        if self._numbering.home(number).network is not Network.UNKNOWN or self._resting():
            return
        if not self._wanted(self._store.read(number).subscription):
            return
        try:
            network = self._lookup.network_of(number)
        except TryLater:
            self._rests_until = self._clock.outside() + _REST
            return
        settle(self._store, number, lambda held: self._told(held, network))

    def _resting(self) -> bool:
        return self._rests_until is not None and self._clock.outside() < self._rests_until

    def _wanted(self, customer: Subscription) -> bool:
        """Whether to ask: not of customers we serve, and not where a list has said it."""
        if customer.state in HOLDING:
            return False
        if customer.looked_up_at is None:
            return customer.network is None
        return customer.looked_up_at + KEPT <= self._clock.now()

    def _told(self, held: Held, network: Network | None) -> Change:
        customer = held.subscription
        if not self._wanted(customer):
            return Change(customer.number)
        return preferences.looked_up(self._policy, customer, network).change(
            customer, None, Answer()
        )
