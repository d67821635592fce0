"""Dispatcher: chooses the receipts to send next, with their routes and send slots."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.relays import with_followers
from receipts.delivery.routing import Route
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitStatus, OutboxEntry
from receipts.ports.clock import Clock
from receipts.ports.store import Outbox, Store, StoreUnavailableError
from receipts.wording.segments import segments
from receipts.worker.circuit_breaker import CircuitBreakers
from receipts.worker.rate_limit import FairShare, RateLimit, RateLimiter, SendSlots, slots_needed
from receipts.worker.unconfirmed_claims import UnconfirmedClaims
from statemachines.receipt import ReceiptState

_log = structlog.get_logger()

#: Maximum number of receipts fetched per round.
BATCH = 100

#: Entries fetched per round while a backlog waits; those without a send slot join it.
_SURGE_BATCH = 10 * BATCH

#: A rate limit is used up if its next slot is so far ahead, in seconds, for so many seconds.
_AHEAD_SECONDS, _USED_UP_SECONDS = 0.005, 1.0

#: Poll time-out of an empty outbox while a backlog waits for send slots.
_BUSY_POLL_SECONDS = 0.05

#: Maximum age of a new receipt that shares in the slots kept by ``FairShare``.
_NEW_RECEIPT_AGE = dt.timedelta(minutes=1)

_LOG_INTERVAL_SECONDS = 30.0


class SendTask(Struct, frozen=True):
    """A receipt, its route, its state while it is sent, and its send time.

    The time is in monotonic seconds, None without a rate limit.
    """

    receipt: Receipt
    entry: OutboxEntry
    route: Route
    segments: int
    state: ReceiptState
    send_at: float | None = None


class Dispatcher:
    """Turns outbox entries and the backlog into send tasks for one worker.

    Each round routes the leased entries by circuit breaker and price, reserves evenly spaced send
    slots at each provider's rate limiter, and shares them between new receipts and the oldest of
    the backlog. Receipts without a slot or an available provider are deferred to the backlog;
    the others are committed as being sent before their first byte leaves.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        limiter: RateLimiter,
        breakers: CircuitBreakers,
        lifecycle: ReceiptLifecycle,
        clock: Clock,
        limits: Mapping[str, RateLimit],
    ) -> None:
        """``limits`` are by provider name; a provider without one is not rate-limited."""
        self._name, self._store, self._outbox, self._limiter = name, store, outbox, limiter
        self._clock, self._limits = clock, dict(limits)
        self._backlog: dict[str, int] = {}
        self._oldest_seconds: dict[str, float] = {}
        self._logged_at = self._used_up_since = 0.0
        self._unconfirmed = UnconfirmedClaims()
        self.breakers = breakers
        self.set_lifecycle(lifecycle)

    def set_lifecycle(self, lifecycle: ReceiptLifecycle) -> None:
        """Use the routes and rules of a new rule book from the next round on."""
        self._lifecycle, self._router = lifecycle, lifecycle.router
        self.breakers.rules = lifecycle.rules
        self._shares = {n: FairShare(lifecycle.rules.fresh_percent) for n in self._router.names}

    def refresh_backlog(self) -> None:
        """Load breaker states and backlog sizes. Raises StoreUnavailableError."""
        self.breakers.refresh()
        waiting = self._outbox.backlog((*self._router.names, *self._router.former))
        self._backlog, self._oldest_seconds = {}, {}
        now = self._clock.now()
        for each in waiting:
            self._backlog[each.queue] = self._backlog.get(each.queue, 0) + each.count
            age = (now - each.oldest).total_seconds()
            self._oldest_seconds[each.queue] = max(age, self._oldest_seconds.get(each.queue, 0.0))
        if waiting and time.monotonic() - self._logged_at > _LOG_INTERVAL_SECONDS:
            self._logged_at = time.monotonic()
            for queue, count in self._backlog.items():
                oldest = round(self._oldest_seconds[queue])
                _log.warning("receipts wait", provider=queue, waiting=count, oldest_seconds=oldest)

    def fetch_limit(self, room: int) -> int:
        """Outbox entries to fetch: what can be sent, or all of a surge that must wait for slots.

        The outbox is in order of arrival: a new receipt behind a surge would get no fair share.
        """
        used_up = self._used_up_since and time.monotonic() - self._used_up_since > _USED_UP_SECONDS
        return _SURGE_BATCH if used_up or any(self._backlog.values()) else min(room, BATCH)

    def poll_timeout(self, usual: float) -> float:
        """Poll time-out in seconds for an empty outbox: short while a backlog can be sent."""
        unavailable = self.breakers.open
        sendable = any(n for queue, n in self._backlog.items() if n and queue not in unavailable)
        return min(_BUSY_POLL_SECONDS, usual) if sendable else usual

    def next_tasks(self, entries: Sequence[OutboxEntry], room: int) -> list[SendTask]:
        """Route leased entries and part of the backlog; at most ``room`` slots per provider.

        Raises StoreUnavailableError.
        """
        self._unconfirmed.release(self._store, self._lifecycle)
        routed = self._route_all([*entries, *self._release_deferred(room)])
        routed.sort(key=lambda each: each.receipt.created_at)
        slots = self._reserve_slots(routed, room)
        late = self._fetch_deferred(slots, routed, room)
        return self._mark_sending([*late, *routed], slots)

    def next_slot(self, task: SendTask) -> float | None:
        """New send time of a task that missed its slot; None if none can be had now."""
        limit = self._limits[task.route.provider.name]
        try:
            slots = self._limiter.reserve({limit: slots_needed(task.segments)})[limit]
        except StoreUnavailableError:
            return None
        return next(iter(slots.times_for([task.segments])), None)

    def _release_deferred(self, room: int) -> list[OutboxEntry]:
        """Deferred receipts that are too old, have another provider, or are a trial."""
        unavailable, found = self.breakers.open, list[OutboxEntry]()
        max_age_seconds = self._lifecycle.rules.expire_after_hours * 3600
        for queue in (*unavailable, *self._router.former):
            count = self._backlog.get(queue, 0)
            if count and self._oldest_seconds.get(queue, 0.0) > max_age_seconds:
                limit = BATCH
            elif count and (queue not in unavailable or self._router.has_fallback(unavailable)):
                limit = room
            else:
                limit = int(count > 0 and queue in unavailable and self.breakers.may_try(queue))
            if limit > 0:
                found += self._outbox.fetch_deferred(self._name, queue, limit)
                self._backlog[queue] = max(0, count - limit)
                self._oldest_seconds[queue] = 0.0
        return found

    def _route_all(self, entries: Sequence[OutboxEntry]) -> list[SendTask]:
        """Receipts with a route; the others are finished, deferred or discarded."""
        if not entries:
            return []
        receipts = self._store.receipts(entry.receipt_id for entry in entries)
        self._outbox.discard(e for r, e in zip(receipts, entries, strict=True) if r is None)
        routed, changes = list[SendTask](), list[ChangeSet]()
        unavailable, try_half_open = self.breakers.open, self.breakers.try_half_open
        for receipt, entry in zip(receipts, entries, strict=True):
            if receipt is None:
                continue
            state = self._lifecycle.send_or_skip(receipt, entry)
            if isinstance(state, ChangeSet):
                changes.append(state)
            elif route := self._router.choose(receipt, unavailable, try_half_open):
                if doubt := self._lifecycle.doubt_after_restore(receipt, entry, route, state):
                    changes.append(doubt)
                    continue
                routed.append(SendTask(receipt, entry, route, segments(receipt.text), state))
            else:
                queue = self._router.queue_for(receipt)
                changes.append(self._lifecycle.defer(receipt, entry, queue))
        self._commit_all(changes)
        return routed

    def _commit_all(self, changes: Sequence[ChangeSet]) -> None:
        """Commit receipts that are finished or deferred, and count the deferred ones."""
        if changes:
            self._store.commit_all([with_followers(self._store, each) for each in changes])
        for deferred in (each for change in changes for each in change.deferred):
            self._backlog[deferred.queue] = self._backlog.get(deferred.queue, 0) + 1

    def _reserve_slots(self, routed: Sequence[SendTask], room: int) -> dict[str, SendSlots]:
        """Send slots by provider, for the routed receipts and the backlog, in one round trip."""
        wanted: dict[RateLimit, int] = {}
        unavailable = self.breakers.open
        for name, limit in self._limits.items():
            own = (each for each in routed if each.route.provider.name == name)
            count = sum(slots_needed(each.segments) for each in own)
            if name not in unavailable:
                count += min(self._backlog.get(name, 0), room)
            if count:
                wanted[limit] = min(count, room)
        reserved = self._limiter.reserve(wanted)
        now = time.monotonic()
        if all(slots.first - now < _AHEAD_SECONDS for slots in reserved.values()):
            self._used_up_since = 0.0
        else:
            self._used_up_since = self._used_up_since or now
        return {n: reserved[limit] for n, limit in self._limits.items() if limit in reserved}

    def _fetch_deferred(
        self, slots: Mapping[str, SendSlots], routed: list[SendTask], room: int
    ) -> list[SendTask]:
        """Fetch deferred receipts by fair share; ``routed`` loses those without a slot."""
        late, to_defer, unavailable = list[SendTask](), list[ChangeSet](), self.breakers.open
        for name in self._router.names:
            # The trial of a half-open breaker needs no slot.
            own = [t for t in routed if t.route.provider.name == name and not t.route.trial]
            waiting = 0 if name in unavailable else self._backlog.get(name, 0)
            count = room
            if name in self._limits:
                count = slots[name].count if name in slots else 0
            share = self._shares[name].split(count, len(own), waiting)
            for each in own[share.taken :]:
                routed.remove(each)
                to_defer.append(self._lifecycle.defer(each.receipt, each.entry, name))
            if limit := share.newest + share.oldest:
                since = self._clock.now() - _NEW_RECEIPT_AGE
                fetch = self._outbox.fetch_deferred
                fetched = fetch(self._name, name, limit, share.newest, since)
                # An empty fetch means that other workers have emptied this backlog.
                self._backlog[name] = max(0, self._backlog[name] - len(fetched)) if fetched else 0
                late += self._route_all(fetched)
        self._commit_all(to_defer)
        return late

    def _mark_sending(
        self, leaving: Sequence[SendTask], slots: Mapping[str, SendSlots]
    ) -> list[SendTask]:
        """Commit the receipts as being sent; tasks of those whose commit succeeded."""
        times = self._send_times(leaving, slots)
        mark = self._lifecycle.mark_sending
        moves = (mark(each.receipt, each.route, each.state) for each in leaving)
        changes = [with_followers(self._store, move) for move in moves]
        marked = [next(r for r in each.records if isinstance(r, Receipt)) for each in changes]
        try:
            commits = self._store.commit_all(changes) if changes else []
        except StoreUnavailableError:
            self._unconfirmed.add(zip(marked, (e.entry for e in leaving), strict=True))
            raise
        # A commit repeated after a lost connection conflicts with itself: compare the record.
        # After a real conflict the entry stays in the outbox and is reclaimed.
        return [
            replace(each, receipt=receipt, send_at=send_at)
            for each, receipt, commit, send_at in zip(leaving, marked, commits, times, strict=True)
            if commit.status is CommitStatus.COMMITTED
            or self._store.receipts([receipt.id])[0] == receipt
        ]

    def _send_times(
        self, leaving: Sequence[SendTask], slots: Mapping[str, SendSlots]
    ) -> list[float | None]:
        """Send times; 0 if a slot must still be reserved, None without a rate limit."""
        times = {
            name: iter(
                own.times_for([e.segments for e in leaving if e.route.provider.name == name])
            )
            for name, own in slots.items()
        }
        names = [each.route.provider.name for each in leaving]
        return [next(times.get(n, iter(())), 0.0) if n in self._limits else None for n in names]
