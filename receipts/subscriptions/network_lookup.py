"""Paid number (HLR) lookup before a number of unknown network is served."""

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

#: How long a result counts, also an "unknown": each lookup costs money.
RESULT_LIFETIME = dt.timedelta(days=30)

#: Pause after a failed lookup, so that an outage does not delay every customer.
_FAILURE_PAUSE = dt.timedelta(seconds=60)


class NetworkLookupService:
    """Looks up a number at most once a month, and only if the prefix table has no network."""

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
        self._paused_until: dt.datetime | None = None

    def refresh(self, number: Msisdn) -> None:
        """Store the network of a number; unknown after a failure. Raises: StoreUnavailableError."""
        paused = self._paused_until and self._clock.wall_clock() < self._paused_until
        if paused or self._numbering.info(number).network is not Network.UNKNOWN:
            return
        if not self._is_needed(self._store.load(number).subscription):
            return
        try:
            network = self._lookup.network_of(number)
        except TemporaryError:
            self._paused_until = self._clock.wall_clock() + _FAILURE_PAUSE
            return
        run_in_transaction(self._store, number, lambda snapshot: self._record(snapshot, network))

    def _is_needed(self, customer: Subscription) -> bool:
        """True if no subscription exists, no list has the network, and no lookup is recent."""
        if customer.state in HOLDING:
            return False
        if customer.looked_up_at is None:
            return customer.network is None
        return customer.looked_up_at + RESULT_LIFETIME <= self._clock.now()

    def _record(self, snapshot: Snapshot, network: Network | None) -> ChangeSet:
        customer = snapshot.subscription
        if not self._is_needed(customer):
            return ChangeSet(customer.number)
        decision = preferences.apply_lookup(self._policy, customer, network)
        return decision.change_set(customer, None, Reply())
