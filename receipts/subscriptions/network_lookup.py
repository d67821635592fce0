"""Asks outside whose network a number is on, where nothing here tells, before it is served."""

import datetime as dt

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.provider import NetworkLookup, TemporaryError
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions import preferences
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING

#: How long an answer counts, a "cannot be told" too: each question is paid for.
RESULT_LIFETIME = dt.timedelta(days=30)

#: After a question that got no answer nobody is made to wait for another for so long.
_PAUSE_SECONDS = dt.timedelta(seconds=60)


class NetworkLookupService:
    """Asks once a number and month at most, and only of numbers the prefix table cannot place."""

    def __init__(
        self,
        lookup: NetworkLookup,
        store: Store,
        policy: SubscriptionPolicy,
        numbering: NumberingPlan,
        clock: Clock,
    ) -> None:
        self._lookup, self._store, self._policy = lookup, store, policy
        self._numbering, self._clock = numbering, clock
        self._rests_until: dt.datetime | None = None

    def refresh(self, number: Msisdn) -> None:
        """Put the network of a number on record, if it can be told. Raises StoreUnavailable.

        Without an answer all goes on as before: the number's network is unknown.
        """
        if self._numbering.info(number).network is not Network.UNKNOWN or self._in_pause():
            return
        if not self._is_needed(self._store.load(number).subscription):
            return
        try:
            network = self._lookup.network_of(number)
        except TemporaryError:
            self._rests_until = self._clock.wall_clock() + _PAUSE_SECONDS
            return
        run_in_transaction(self._store, number, lambda held: self._record(held, network))

    def _in_pause(self) -> bool:
        return self._rests_until is not None and self._clock.wall_clock() < self._rests_until

    def _is_needed(self, customer: Subscription) -> bool:
        """Whether to ask: not of customers we serve, and not where a list has said it."""
        if customer.state in HOLDING:
            return False
        if customer.looked_up_at is None:
            return customer.network is None
        return customer.looked_up_at + RESULT_LIFETIME <= self._clock.now()

    def _record(self, snapshot: Snapshot, network: Network | None) -> ChangeSet:
        customer = snapshot.subscription
        if not self._is_needed(customer):
            return ChangeSet(customer.number)
        return preferences.apply_lookup(self._policy, customer, network).change_set(
            customer, None, Reply()
        )
