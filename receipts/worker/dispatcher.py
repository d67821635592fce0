"""Decides for a worker what leaves next: by whom, when, and what has to wait for a line."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from receipts.delivery.digest import with_members
from receipts.delivery.lifecycle import Delivery
from receipts.delivery.routing import Choice
from receipts.model.receipt import Receipt
from receipts.ports.changes import Change, Posted, Verdict
from receipts.ports.clock import Clock
from receipts.ports.store import Outbox, Store, StoreUnavailable, Waiting
from receipts.wording.segments import segments
from receipts.worker.circuit_breaker import Watch
from receipts.worker.rate_limit import Pace, Places, RateLimiter, Reserve, Shares, places
from receipts.worker.unconfirmed_claims import Unconfirmed

_log = structlog.get_logger()

#: How many receipts one round takes at most.
BATCH = 100

#: Seconds to wait at an empty outbox while others wait for a line.
_SOON = 0.05

#: How old a receipt may be to count as fresh.
_FRESH = dt.timedelta(minutes=1)

#: Seconds between two lines in the log about a backlog.
_TOLD = 30.0


class Load(Struct, frozen=True):
    """A receipt marked as being sent, by whom, and the moment it may leave (monotonic)."""

    receipt: Receipt
    posted: Posted
    choice: Choice
    leaves: float | None


class _Routed(Struct, frozen=True):
    receipt: Receipt
    posted: Posted
    choice: Choice
    segments: int


class Dispatch:
    """One worker's view of the outbox, the backlog and the lines."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        limiter: RateLimiter,
        watch: Watch,
        delivery: Delivery,
        clock: Clock,
        paces: Mapping[str, Pace],
    ) -> None:
        """``paces`` are by the provider's name; without one it is used as fast as it goes."""
        self._name, self._store, self._outbox, self._limiter = name, store, outbox, limiter
        self._clock, self._paces = clock, dict(paces)
        self._backlog: dict[str, int] = {}
        self._oldest: dict[str, float] = {}
        self._told_at = 0.0
        self._unconfirmed = Unconfirmed()
        self.watch = watch
        self.under(delivery)

    def under(self, delivery: Delivery) -> None:
        """Go on under these rules."""
        self._delivery, self._routes = delivery, delivery.routes
        self.watch.under(delivery.rules)
        self._reserves = {n: Reserve(delivery.rules.fresh_percent) for n in self._routes.names}

    def survey(self) -> None:
        """See how the providers are doing, and what waits for them."""
        self.watch.look()
        waiting = self._outbox.waiting((*self._routes.names, *self._routes.former))
        self._backlog, self._oldest = {}, {}
        now = self._clock.now()
        for each in waiting:
            self._backlog[each.lane] = self._backlog.get(each.lane, 0) + each.count
            age = (now - each.oldest).total_seconds()
            self._oldest[each.lane] = max(age, self._oldest.get(each.lane, 0.0))
        self._say(waiting)

    def _say(self, waiting: Sequence[Waiting]) -> None:
        if waiting and time.monotonic() - self._told_at > _TOLD:
            self._told_at = time.monotonic()
            for lane, count in self._backlog.items():
                age = round(self._oldest[lane])
                _log.warning("receipts wait", provider=lane, waiting=count, oldest_seconds=age)

    def patience(self, usual: float) -> float:
        """Seconds to wait at an empty outbox: few while there is something else to do."""
        closed = self.watch.closed
        open_lanes = any(n for lane, n in self._backlog.items() if n and lane not in closed)
        return min(_SOON, usual) if open_lanes else usual

    def loads(self, fresh: Sequence[Posted], room: int) -> list[Load]:
        """What leaves now of these and of the backlog, marked on disk as being sent."""
        self._unconfirmed.take_back(self._store, self._delivery)
        routed = self._routed([*fresh, *self._set_free(room)])
        routed.sort(key=lambda each: each.receipt.created_at)
        allotted = self._allotted(routed, room)
        late = self._late(allotted, routed, room)
        return self._begun(routed, late, allotted)

    def pace(self, load: Load) -> Pace | None:
        """The pace of the line a load leaves by, None where there is none."""
        return self._paces.get(load.choice.provider.name)

    def place(self, load: Load, pace: Pace) -> float | None:
        """When a load that missed its place may leave; None while there is no room."""
        size = segments(load.receipt.text)
        given = self._limiter.places({pace: places(size)})[pace]
        return next(iter(given.of([size])), None)

    # -- what is looked at -------------------------------------------------------------------

    def _set_free(self, room: int) -> list[Posted]:
        """Receipts that waited for a provider out of use and need not, or not any longer."""
        closed, found = self.watch.closed, list[Posted]()
        old = self._delivery.rules.expire_after_hours * 3600
        for lane in (*closed, *self._routes.former):
            count = self._backlog.get(lane, 0)
            if count and self._oldest.get(lane, 0.0) > old:
                limit = BATCH
            elif count and (lane not in closed or self._routes.spare(closed)):
                limit = room
            else:
                limit = int(count > 0 and lane in closed and self.watch.ready(lane))
            if limit > 0:
                found += self._outbox.take_late(self._name, lane, limit)
                self._backlog[lane], self._oldest[lane] = max(0, count - limit), 0.0
        return found

    def _routed(self, taken: Sequence[Posted]) -> list[_Routed]:
        """Those that are to be sent, each with who carries it; the others are put away."""
        if not taken:
            return []
        receipts = self._store.receipts(posted.receipt_id for posted in taken)
        self._outbox.forget(p for r, p in zip(receipts, taken, strict=True) if r is None)
        routed, ended, parked = list[_Routed](), list[Change](), list[_Parting]()
        closed = self.watch.closed
        for receipt, posted in zip(receipts, taken, strict=True):
            if receipt is None:
                continue
            unwanted = self._delivery.unwanted(receipt, posted)
            if unwanted is not None:
                ended.append(unwanted)
                continue
            choice = self._routes.choose(receipt, closed, self.watch.try_it)
            if choice is None:
                parked.append((receipt, posted, self._routes.lane(receipt)))
            else:
                routed.append(_Routed(receipt, posted, choice, segments(receipt.text)))
        if ended:
            self._store.commit_all([with_members(self._store, change) for change in ended])
        self._park(parked)
        return routed

    def _park(self, parting: "Sequence[_Parting]") -> None:
        if not parting:
            return
        self._store.commit_all([self._delivery.park(*each) for each in parting])
        for _, _, lane in parting:
            self._backlog[lane] = self._backlog.get(lane, 0) + 1

    # -- the pace ----------------------------------------------------------------------------

    def _allotted(self, routed: Sequence[_Routed], room: int) -> dict[str, Places]:
        """Places on every line that has a pace and is wanted, in one round trip."""
        wanted: dict[Pace, int] = {}
        closed = self.watch.closed
        for name, pace in self._paces.items():
            fresh = sum(places(each.segments) for each in routed if _wants(each, name))
            late = 0 if name in closed else min(self._backlog.get(name, 0), room)
            if fresh + late:
                wanted[pace] = min(fresh + late, room)
        given = self._limiter.places(wanted)
        return {name: given[p] for name, p in self._paces.items() if p in given}

    def _late(self, allotted: dict[str, Places], routed: list[_Routed], room: int) -> list[_Routed]:
        """The oldest of the backlog that get a place, beside the share of the fresh ones.

        Those of ``routed`` that get none join the backlog.
        """
        late, parked, closed = list[_Routed](), list[_Parting](), self.watch.closed
        for name in self._routes.names:
            # What tries a demoted provider goes in any case.
            mine = [each for each in routed if _wants(each, name) and not each.choice.probe]
            waiting = 0 if name in closed else self._backlog.get(name, 0)
            given = _room_on(name, self._paces, allotted, room)
            shares = self._reserves[name].split(given, len(mine), waiting)
            for each in mine[shares.taken :]:
                routed.remove(each)
                parked.append((each.receipt, each.posted, name))
            late += self._routed(self._out_of_the_backlog(name, shares))
        self._park(parked)
        return late

    def _out_of_the_backlog(self, name: str, shares: Shares) -> list[Posted]:
        limit = shares.newest + shares.oldest
        if not limit:
            return []
        since = self._clock.now() - _FRESH
        taken = self._outbox.take_late(self._name, name, limit, shares.newest, since)
        self._backlog[name] = max(0, self._backlog[name] - len(taken)) if taken else 0
        return taken

    def _begun(
        self, fresh: list[_Routed], late: list[_Routed], allotted: dict[str, Places]
    ) -> list[Load]:
        """Marked as being sent, on disk, before a word of it leaves."""
        leaving = [*late, *fresh]
        moments = self._moments(leaving, allotted)
        # Whether each is to be sent at all was asked when it was routed.
        changes = [
            with_members(self._store, self._delivery.begin(r.receipt, r.posted, r.choice))
            for r in leaving
        ]
        marked = [next(r for r in each.records if isinstance(r, Receipt)) for each in changes]
        try:
            committed = self._store.commit_all(changes) if changes else []
        except StoreUnavailable:
            self._unconfirmed.note(zip(marked, (e.posted for e in leaving), strict=True))
            raise
        loads = []
        for each, wanted, end, at in zip(leaving, marked, committed, moments, strict=True):
            # A commit repeated over a cut connection reads as a lost race though it was won.
            # Where another was quicker the entry stays, and is looked at again in time.
            if end.verdict is Verdict.DONE or self._store.receipts([wanted.id])[0] == wanted:
                loads.append(Load(wanted, each.posted, each.choice, at))
        return loads

    def _moments(
        self, leaving: Sequence[_Routed], allotted: dict[str, Places]
    ) -> list[float | None]:
        """When each may leave; 0 where it has still to ask for a place, None without a pace."""
        by_line = {
            name: iter(given.of([e.segments for e in leaving if _wants(e, name)]))
            for name, given in allotted.items()
        }
        return [
            next(by_line.get(each.choice.provider.name, iter(())), 0.0)
            if each.choice.provider.name in self._paces
            else None
            for each in leaving
        ]


def _room_on(
    name: str, paces: Mapping[str, Pace], allotted: Mapping[str, Places], room: int
) -> int:
    if name not in paces:
        return room
    return allotted[name].count if name in allotted else 0


_Parting = tuple[Receipt, Posted, str]


def _wants(each: _Routed, name: str) -> bool:
    return each.choice.provider.name == name
