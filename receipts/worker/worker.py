"""Takes what is due out of the outbox, hands it to providers, writes back what came of it."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from receipts.charging.charges import owner_of
from receipts.delivery.digest import DIGEST
from receipts.delivery.in_doubt import LOOK
from receipts.delivery.lifecycle import Delivery
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Posted, Timer
from receipts.ports.provider import SendingFailure, TooLate, TryLater
from receipts.ports.store import Outbox, Store, StoreUnavailable
from receipts.worker.dispatcher import BATCH, Dispatch, Load
from receipts.worker.in_doubt import Looking, log_failure
from receipts.worker.rate_limit import LATEST
from receipts.worker.result_writer import Outcome, Outcomes
from receipts.worker.timers import Sweep

_log = structlog.get_logger()

#: Seconds without a sign of life after which others take over what a worker held.
SILENT = 5.0

#: How often, in seconds, we give that sign, and look for what others left.
_SIGN_OF_LIFE = 1.5

#: How long, in seconds, to wait at an empty outbox before looking at anything else.
_PATIENCE = 0.1

#: How long, in seconds, to wait for free threads before the other periodic work is due.
_SOON = 0.02

#: What a round says when there is more for it to do at once.
_MORE = "more"

#: How often, in seconds, we look for timers whose moment has come: a flash may wait for one.
_TIMERS = 0.1
#: How many timers are looked at together: those of digests are rung together too, and cost little.
_RUNG_AT_ONCE = 4 * BATCH
#: How often, in seconds, we ask whether there are new rules to work by.
_REFRESH = 0.5

#: How often, in seconds, we look at what the other workers know of providers and backlog.
_SURVEY = 0.5

#: Seconds after which a hand asks again for a place on a line that had none.
_NO_ROOM = 0.05


class Worker:
    """One process of these sends all there is; more of them share it. Stops cleanly when told."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        delivery: Delivery,
        sweep: Sweep,
        dispatch: Dispatch,
        threads: int = 16,
        refreshed: Callable[[], tuple[Delivery, Sweep] | None] = lambda: None,
    ) -> None:
        self._name, self._store, self._outbox = name, store, outbox
        self._delivery, self._sweep, self._count = delivery, sweep, threads
        self._dispatch, self._refreshed = dispatch, refreshed
        self._pool = ThreadPoolExecutor(threads, "send")
        # Look-ups have threads of their own: a slow provider must not delay what is to be sent.
        self._looking = Looking(store, lambda: self._delivery, max(1, threads // 2))
        self._held: set[Posted] = set()  # an entry alone is single only within its shard
        self._kept_at = self._silent_until = 0.0
        self._lock = threading.Lock()
        self._outcomes = Outcomes(store, self._release)
        self._half_free, self._stop = threading.Event(), threading.Event()
        self._rounds: tuple[tuple[float, Callable[[], object]], ...] = (
            (_SURVEY, self._survey),
            (_TIMERS, self._ring),
            (_SIGN_OF_LIFE, self._live),
            (_REFRESH, self._refresh),
        )
        self._last = [0.0] * len(self._rounds)

    def stop(self) -> None:
        """Take nothing more; ``run`` returns when all in hand is written back."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to stop. A store out of reach is waited for."""
        self._kept_at = time.monotonic()
        try:
            while not self._stop.is_set():
                try:
                    self._round()
                except StoreUnavailable as failure:
                    _log.warning("store out of reach, waiting", why=str(failure))
                    self._stop.wait(0.5)
            self._finish()
        finally:
            # Also after a failure of the worker itself: results of sending are written back.
            self._pool.shutdown()
            self._looking.close()

    def _finish(self) -> None:
        """Write back what is in hand, giving signs of life until then."""
        while self._held:
            with contextlib.suppress(StoreUnavailable):
                self._keep()
            time.sleep(0.1)

    # -- rounds ------------------------------------------------------------------------------

    def _round(self) -> None:
        for place, (every, work) in enumerate(self._rounds):
            if time.monotonic() - self._last[place] >= every:
                self._last[place] = time.monotonic()
                if work() is _MORE:
                    self._last[place] = 0.0
        self._take()

    def _take(self) -> None:
        self._half_free.clear()
        room = 2 * self._count - len(self._held)
        # For half of what may be held at least: a round costs the same for one as for many.
        if room >= self._count:
            wait = self._dispatch.patience(_PATIENCE)
            self._begin(self._outbox.take(self._name, min(room, BATCH), wait), room)
        else:
            self._half_free.wait(_SOON)

    def _keep(self) -> list[Posted]:
        with self._lock:
            held = list(self._held)
        asked_at = time.monotonic()
        if asked_at - self._kept_at > SILENT:
            # Too late: others may have taken over all that we held.
            self._silent_until = asked_at
        self._outbox.keep(self._name, held)
        self._kept_at = asked_at
        return held

    def _live(self) -> None:
        held = self._keep()
        left = self._outbox.take_over(self._name, SILENT, BATCH)
        self._begin([posted for posted in left if posted not in held], BATCH)

    def _refresh(self) -> None:
        """Go on under new rules where there are any; what is being sent ends under the old ones."""
        fresh = self._refreshed()
        if fresh is not None:
            self._delivery, self._sweep = fresh
            self._dispatch.under(self._delivery)

    def _survey(self) -> None:
        self._dispatch.survey()
        # What was to be tried again at a provider demoted since goes elsewhere at once.
        for timer in self._dispatch.watch.freed():
            self._ring_one(timer)

    def _ring(self) -> str | None:
        due = self._sweep.due(_RUNG_AT_ONCE)
        waited = [timer for timer in due if timer.kind == DIGEST]
        together = self._rung(lambda: self._sweep.gather(waited), DIGEST)
        others = due if waited and not together else [t for t in due if t.kind != DIGEST]
        looks: dict[Msisdn, list[Timer]] = {}
        for timer in others[:BATCH]:
            if timer.kind == LOOK:
                looks.setdefault(timer.number, []).append(timer)
            else:
                self._ring_one(timer)
        for number, timers in looks.items():
            self._looking.soon(number, timers)
        # Of these none is left set: where many come, many more are waiting.
        return _MORE if together and len(waited) >= BATCH // 2 else None

    def _ring_one(self, timer: Timer) -> None:
        self._rung(lambda: self._sweep.ring(timer), timer.kind)

    @staticmethod
    def _rung(ring: Callable[[], object], kind: str) -> bool:
        try:
            ring()
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one customer's trouble must not stop all sending
            _log.exception("a timer failed, and stays set", kind=kind)
            return False
        return True

    # -- sending -----------------------------------------------------------------------------

    def _begin(self, entries: Sequence[Posted], room: int) -> None:
        taken = time.monotonic()
        loads = self._dispatch.loads(entries, room)
        with self._lock:
            self._held.update(load.posted for load in loads)
        for load in loads:
            self._pool.submit(self._send, load, taken).add_done_callback(log_failure)

    def _ours(self, taken: float, by: float) -> bool:
        """Whether nobody can have taken over what we took at that moment."""
        return taken >= self._silent_until and time.monotonic() <= by

    def _until(self, taken: float) -> float:
        return max(taken, self._kept_at) + SILENT

    def _send(self, load: Load, taken: float) -> None:
        try:
            outcome = self._outcome(load, taken)
        except Exception:  # noqa: BLE001 - a thread's last word: logged, and mended by a look-up
            # The entry stays in the outbox: another round finds it and looks it up.
            _log.exception("a receipt's worker failed", receipt=load.receipt.id)
            outcome = None
        if outcome is None:
            self._release(load.posted)
        else:
            self._outcomes.bring(outcome)

    def _release(self, posted: Posted) -> None:
        with self._lock:
            self._held.discard(posted)
            if len(self._held) == self._count:
                self._half_free.set()

    def _outcome(self, load: Load, taken: float) -> Outcome | None:
        """What came of sending it; None where nobody may say any more."""
        free = self._at_its_moment(load)
        # Fixed before the look: a sign of life that comes between the two must not lengthen it.
        by = self._until(taken)
        if not self._ours(taken, by):
            # By now it may be in other hands: who finds it there looks it up first.
            _log.warning("too long without a sign of life", receipt=load.receipt.id)
            return None
        if not free:
            return self._not_sent(load, TryLater("no room on the line"))
        try:
            return self._hand_over(load, by)
        except TooLate:
            _log.warning("stopped just before it left", receipt=load.receipt.id)
            return None

    def _at_its_moment(self, load: Load) -> bool:
        """Returns when a receipt may leave; False where its line had no room for long."""
        leaves, pace = load.leaves, self._dispatch.pace(load)
        by = time.monotonic() + SILENT / 2
        while pace is not None:
            wait = (leaves or 0.0) - time.monotonic()
            if wait <= 0:
                if wait > -LATEST:
                    return True
                if time.monotonic() > by:
                    return False
                # Its place went by while no hand was free: it takes another.
                leaves = self._dispatch.place(load, pace)
                wait = _NO_ROOM if leaves is None else 0.0
            time.sleep(wait)
        return True

    def _hand_over(self, load: Load, by: float) -> Outcome:
        receipt, provider = load.receipt, load.choice.provider
        if provider.name in self._dispatch.watch.closed and not load.choice.probe:
            return self._not_sent(load, TryLater(f"{provider.name} was demoted meanwhile"))
        try:
            provider_id = provider.send(self._delivery.parcel(receipt, by))
        except SendingFailure as failure:
            _log.info("not sent", receipt=receipt.id, why=failure.detail)
            self._dispatch.watch.failed(provider.name, failure, probe=load.choice.probe)
            return self._not_sent(load, failure)
        self._dispatch.watch.answered(provider.name, probe=load.choice.probe)
        return Outcome(
            receipt,
            load.posted,
            lambda now: self._delivery.accepted(
                now, provider_id, load.posted, owner_of(self._store, now)
            ),
        )

    def _not_sent(self, load: Load, failure: SendingFailure) -> Outcome:
        closed, watch = self._dispatch.watch.closed, self._dispatch.watch
        return Outcome(
            load.receipt,
            load.posted,
            lambda now: self._delivery.failed(now, failure, load.posted, closed),
            lambda change: watch.waits(load.choice.provider.name, change.timers),
        )
