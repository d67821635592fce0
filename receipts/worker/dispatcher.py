"""Decides for a worker what leaves next: by whom, when, and what has to wait for a line."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Route
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry
from receipts.ports.clock import Clock
from receipts.ports.store import Backlog, Outbox, Store, StoreUnavailableError
from receipts.wording.segments import segments
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.rate_limit import (
    Allocation,
    FairShare,
    RateLimit,
    RateLimiter,
    SendSlots,
    slots_needed,
)
from receipts.worker.unconfirmed_claims import UnconfirmedClaims

_log = structlog.get_logger()

#: How many receipts one round takes at most.
BATCH = 100

#: Seconds to wait at an empty outbox while others wait for a line.
_BUSY_POLL_SECONDS = 0.05

#: How old a receipt may be to count as fresh.
_FRESH_AGE = dt.timedelta(minutes=1)

#: Seconds between two lines in the log about a backlog.
_LOG_INTERVAL_SECONDS = 30.0


class SendTask(Struct, frozen=True):
    """A receipt marked as being sent, by whom, and the moment it may leave (monotonic)."""

    receipt: Receipt
    entry: OutboxEntry
    route: Route
    send_at: float | None


class _Routed(Struct, frozen=True):
    receipt: Receipt
    entry: OutboxEntry
    route: Route
    segments: int


class Dispatcher:
    """One worker's view of the outbox, the backlog and the lines."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        limiter: RateLimiter,
        watch: CircuitBreakers,
        delivery: ReceiptLifecycle,
        clock: Clock,
        paces: Mapping[str, RateLimit],
    ) -> None:
        """``paces`` are by the provider's name; without one it is used as fast as it goes."""
        self._name, self._store, self._outbox, self._limiter = name, store, outbox, limiter
        self._clock, self._limits = clock, dict(paces)
        self._backlog: dict[str, int] = {}
        self._oldest: dict[str, float] = {}
        self._told_at = 0.0
        self._unconfirmed = UnconfirmedClaims()
        self.breakers = watch
        self.set_lifecycle(delivery)

    def set_lifecycle(self, delivery: ReceiptLifecycle) -> None:
        """Go on under these rules."""
        self._delivery, self._routes = delivery, delivery.router
        self.breakers.set_rules(delivery.rules)
        self._reserves = {n: FairShare(delivery.rules.fresh_percent) for n in self._routes.names}

    def refresh_backlog(self) -> None:
        """See how the providers are doing, and what waits for them."""
        self.breakers.refresh()
        waiting = self._outbox.backlog((*self._routes.names, *self._routes.former))
        self._backlog, self._oldest = {}, {}
        now = self._clock.now()
        for each in waiting:
            self._backlog[each.queue] = self._backlog.get(each.queue, 0) + each.count
            age = (now - each.oldest).total_seconds()
            self._oldest[each.queue] = max(age, self._oldest.get(each.queue, 0.0))
        self._log_backlog(waiting)

    def _log_backlog(self, waiting: Sequence[Backlog]) -> None:
        if waiting and time.monotonic() - self._told_at > _LOG_INTERVAL_SECONDS:
            self._told_at = time.monotonic()
            for queue, count in self._backlog.items():
                age = round(self._oldest[queue])
                _log.warning("receipts wait", provider=queue, waiting=count, oldest_seconds=age)

    def poll_timeout(self, usual: float) -> float:
        """Seconds to wait at an empty outbox: few while there is something else to do."""
        closed = self.breakers.open
        open_lanes = any(n for queue, n in self._backlog.items() if n and queue not in closed)
        return min(_BUSY_POLL_SECONDS, usual) if open_lanes else usual

    def next_tasks(self, fresh: Sequence[OutboxEntry], room: int) -> list[SendTask]:
        """What leaves now of these and of the backlog, marked on disk as being sent."""
        self._unconfirmed.release(self._store, self._delivery)
        routed = self._route_all([*fresh, *self._release_deferred(room)])
        routed.sort(key=lambda each: each.receipt.created_at)
        allotted = self._reserve_slots(routed, room)
        late = self._fetch_deferred(allotted, routed, room)
        return self._mark_sending(routed, late, allotted)

    def rate_limit(self, load: SendTask) -> RateLimit | None:
        """The pace of the line a load leaves by, None where there is none."""
        return self._limits.get(load.route.provider.name)

    def next_slot(self, load: SendTask, pace: RateLimit) -> float | None:
        """When a load that missed its place may leave; None while there is no room."""
        size = segments(load.receipt.text)
        given = self._limiter.reserve({pace: slots_needed(size)})[pace]
        return next(iter(given.times_for([size])), None)

    # -- what is looked at -------------------------------------------------------------------

    def _release_deferred(self, room: int) -> list[OutboxEntry]:
        """Receipts that waited for a provider out of use and need not, or not any longer."""
        closed, found = self.breakers.open, list[OutboxEntry]()
        old = self._delivery.rules.expire_after_hours * 3600
        for queue in (*closed, *self._routes.former):
            count = self._backlog.get(queue, 0)
            if count and self._oldest.get(queue, 0.0) > old:
                limit = BATCH
            elif count and (queue not in closed or self._routes.has_fallback(closed)):
                limit = room
            else:
                limit = int(count > 0 and queue in closed and self.breakers.may_try(queue))
            if limit > 0:
                found += self._outbox.fetch_deferred(self._name, queue, limit)
                self._backlog[queue], self._oldest[queue] = max(0, count - limit), 0.0
        return found

    def _route_all(self, taken: Sequence[OutboxEntry]) -> list[_Routed]:
        """Those that are to be sent, each with who carries it; the others are put away."""
        if not taken:
            return []
        receipts = self._store.receipts(entry.receipt_id for entry in taken)
        self._outbox.discard(p for r, p in zip(receipts, taken, strict=True) if r is None)
        routed, ended, parked = list[_Routed](), list[ChangeSet](), list[_ToDefer]()
        closed = self.breakers.open
        for receipt, entry in zip(receipts, taken, strict=True):
            if receipt is None:
                continue
            unwanted = self._delivery.skip_reason(receipt, entry)
            if unwanted is not None:
                ended.append(unwanted)
                continue
            choice = self._routes.choose(receipt, closed, self.breakers.try_half_open)
            if choice is None:
                parked.append((receipt, entry, self._routes.queue_for(receipt)))
            else:
                routed.append(_Routed(receipt, entry, choice, segments(receipt.text)))
        if ended:
            self._store.commit_all([with_digest_members(self._store, change) for change in ended])
        self._defer_all(parked)
        return routed

    def _defer_all(self, parting: "Sequence[_ToDefer]") -> None:
        if not parting:
            return
        self._store.commit_all([self._delivery.defer(*each) for each in parting])
        for _, _, queue in parting:
            self._backlog[queue] = self._backlog.get(queue, 0) + 1

    # -- the pace ----------------------------------------------------------------------------

    def _reserve_slots(self, routed: Sequence[_Routed], room: int) -> dict[str, SendSlots]:
        """Places on every line that has a pace and is wanted, in one round trip."""
        slots: dict[RateLimit, int] = {}
        closed = self.breakers.open
        for name, pace in self._limits.items():
            fresh = sum(slots_needed(each.segments) for each in routed if _goes_by(each, name))
            late = 0 if name in closed else min(self._backlog.get(name, 0), room)
            if fresh + late:
                slots[pace] = min(fresh + late, room)
        given = self._limiter.reserve(slots)
        return {name: given[p] for name, p in self._limits.items() if p in given}

    def _fetch_deferred(
        self, allotted: dict[str, SendSlots], routed: list[_Routed], room: int
    ) -> list[_Routed]:
        """The oldest of the backlog that get a place, beside the share of the fresh ones.

        Those of ``routed`` that get none join the backlog.
        """
        late, parked, closed = list[_Routed](), list[_ToDefer](), self.breakers.open
        for name in self._routes.names:
            # What tries a demoted provider goes in any case.
            mine = [each for each in routed if _goes_by(each, name) and not each.route.trial]
            waiting = 0 if name in closed else self._backlog.get(name, 0)
            given = _capacity(name, self._limits, allotted, room)
            shares = self._reserves[name].split(given, len(mine), waiting)
            for each in mine[shares.taken :]:
                routed.remove(each)
                parked.append((each.receipt, each.entry, name))
            late += self._route_all(self._fetch_from_backlog(name, shares))
        self._defer_all(parked)
        return late

    def _fetch_from_backlog(self, name: str, shares: Allocation) -> list[OutboxEntry]:
        limit = shares.newest + shares.oldest
        if not limit:
            return []
        since = self._clock.now() - _FRESH_AGE
        taken = self._outbox.fetch_deferred(self._name, name, limit, shares.newest, since)
        self._backlog[name] = max(0, self._backlog[name] - len(taken)) if taken else 0
        return taken

    def _mark_sending(
        self, fresh: list[_Routed], late: list[_Routed], allotted: dict[str, SendSlots]
    ) -> list[SendTask]:
        """Marked as being sent, on disk, before a word of it leaves."""
        leaving = [*late, *fresh]
        moments = self._send_times(leaving, allotted)
        # Whether each is to be sent at all was asked when it was routed.
        changes = [
            with_digest_members(
                self._store, self._delivery.mark_sending(r.receipt, r.entry, r.route)
            )
            for r in leaving
        ]
        marked = [next(r for r in each.records if isinstance(r, Receipt)) for each in changes]
        try:
            committed = self._store.commit_all(changes) if changes else []
        except StoreUnavailableError:
            self._unconfirmed.add(zip(marked, (e.entry for e in leaving), strict=True))
            raise
        loads = []
        for each, wanted, end, at in zip(leaving, marked, committed, moments, strict=True):
            # A commit repeated over a cut connection reads as a lost race though it was won.
            # Where another was quicker the entry stays, and is looked at again in time.
            if (
                end.status is CommitStatus.COMMITTED
                or self._store.receipts([wanted.id])[0] == wanted
            ):
                loads.append(SendTask(wanted, each.entry, each.route, at))
        return loads

    def _send_times(
        self, leaving: Sequence[_Routed], allotted: dict[str, SendSlots]
    ) -> list[float | None]:
        """When each may leave; 0 where it has still to ask for a place, None without a pace."""
        by_line = {
            name: iter(given.times_for([e.segments for e in leaving if _goes_by(e, name)]))
            for name, given in allotted.items()
        }
        return [
            next(by_line.get(each.route.provider.name, iter(())), 0.0)
            if each.route.provider.name in self._limits
            else None
            for each in leaving
        ]


def _capacity(
    name: str, paces: Mapping[str, RateLimit], allotted: Mapping[str, SendSlots], room: int
) -> int:
    if name not in paces:
        return room
    return allotted[name].count if name in allotted else 0


_ToDefer = tuple[Receipt, OutboxEntry, str]


def _goes_by(each: _Routed, name: str) -> bool:
    return each.route.provider.name == name
