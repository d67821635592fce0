"""Takes what is due out of the outbox, hands it to providers, writes back what came of it."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from receipts.delivery import LOOK, Delivery, needs_owner
from receipts.digest import DIGEST, with_members
from receipts.model import Msisdn, Receipt, Subscription
from receipts.ports import (
    Change,
    Outbox,
    Posted,
    SendingFailure,
    Store,
    StoreUnavailable,
    Timer,
    TryLater,
    Verdict,
)
from receipts.sweep import Sweep

_log = structlog.get_logger()

#: Seconds without a sign of life after which others take over what a worker held.
SILENT = 5.0

#: How often, in seconds, we give that sign, and look for what others left.
_SIGN_OF_LIFE = 1.5

#: How long, in seconds, to wait at an empty outbox before looking at anything else.
_PATIENCE = 0.1

#: How often, in seconds, we look for timers whose moment has come: a flash may wait for one.
_TIMERS = 0.1
#: How often, in seconds, we ask whether there are new rules to work by.
_REFRESH = 0.5

#: How long to hold on to an outcome that the store cannot take, before leaving it to a look-up.
_HOLD_ON = 60.0

_BATCH = 100


class Worker:
    """One process of these sends all there is; more of them share it. Stops cleanly when told."""

    def __init__(
        self,
        name: str,
        store: Store,
        outbox: Outbox,
        delivery: Delivery,
        sweep: Sweep,
        hands: int = 16,
        refreshed: Callable[[], tuple[Delivery, Sweep] | None] = lambda: None,
    ) -> None:
        self._name, self._store, self._outbox = name, store, outbox
        self._delivery, self._sweep, self._hands = delivery, sweep, hands
        self._refreshed = refreshed
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix="send")
        self._held: set[Posted] = set()  # an entry alone is single only within its shard
        self._kept_at = 0.0
        self._looking: set[Msisdn] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._rounds: tuple[tuple[float, Callable[[], None]], ...] = (
            (_TIMERS, self._ring),
            (_SIGN_OF_LIFE, self._live),
            (_REFRESH, self._refresh),
        )

    def stop(self) -> None:
        """Take nothing more; ``run`` returns when all in hand is written back."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to stop. A store out of reach is waited for."""
        last = dict.fromkeys(range(len(self._rounds)), 0.0)
        while not self._stop.is_set():
            try:
                self._take()
                for place, (every, work) in enumerate(self._rounds):
                    if time.monotonic() - last[place] >= every:
                        last[place] = time.monotonic()
                        work()
            except StoreUnavailable as failure:
                _log.warning("store out of reach, waiting", why=str(failure))
                self._stop.wait(0.5)
        self._finish()

    def _finish(self) -> None:
        """Write back what is in hand, giving signs of life until then."""
        while self._held:
            with contextlib.suppress(StoreUnavailable):
                self._keep()
            time.sleep(0.1)
        self._pool.shutdown(wait=True)

    # -- rounds ------------------------------------------------------------------------------

    def _take(self) -> None:
        room = 2 * self._hands - len(self._held)
        if room > 0:
            self._begin(self._outbox.take(self._name, min(room, _BATCH), wait=_PATIENCE))
        else:
            self._stop.wait(0.01)

    def _keep(self) -> list[Posted]:
        with self._lock:
            held = list(self._held)
        asked_at = time.monotonic()
        self._outbox.keep(self._name, held)
        self._kept_at = asked_at
        return held

    def _live(self) -> None:
        held = self._keep()
        left = self._outbox.take_over(self._name, SILENT, _BATCH)
        self._begin([posted for posted in left if posted not in held])

    def _refresh(self) -> None:
        """Go on under new rules where there are any; what is being sent ends under the old ones."""
        fresh = self._refreshed()
        if fresh is not None:
            self._delivery, self._sweep = fresh

    def _ring(self) -> None:
        due = self._sweep.due(_BATCH)
        self._gather([timer for timer in due if timer.kind == DIGEST])
        for timer in due:
            if timer.kind == LOOK:
                self._look_soon(timer)
            elif timer.kind != DIGEST:
                self._ring_one(timer)

    def _gather(self, timers: Sequence[Timer]) -> None:
        """Flashes that waited for others, many customers at once; one by one if that fails."""
        try:
            self._sweep.gather(timers)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one customer's trouble must not hold the others' up
            for timer in timers:
                self._ring_one(timer)

    def _ring_one(self, timer: Timer) -> None:
        try:
            self._sweep.ring(timer)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one customer's trouble must not stop all sending
            _log.exception("a timer failed, and stays set", kind=timer.kind)

    # -- sending -----------------------------------------------------------------------------

    def _begin(self, entries: Sequence[Posted]) -> None:
        """Mark receipts as being sent, on disk, before a word of them leaves."""
        if not entries:
            return
        taken = time.monotonic()
        receipts = self._store.receipts(posted.receipt_id for posted in entries)
        known = [(r, p) for r, p in zip(receipts, entries, strict=True) if r is not None]
        self._outbox.forget(p for r, p in zip(receipts, entries, strict=True) if r is None)
        changes = [
            with_members(self._store, self._delivery.begin(receipt, posted))
            for receipt, posted in known
        ]
        committed = self._store.commit_all(changes) if changes else []
        for (_, posted), change, end in zip(known, changes, committed, strict=True):
            if change.done:
                continue
            wanted = _receipt_in(change)
            # A commit repeated over a cut connection reads as a lost race though it was won.
            # Where another was quicker the entry stays, and is looked at again in time.
            if end.verdict is Verdict.DONE or self._store.receipts([wanted.id])[0] == wanted:
                self._send_soon(wanted, posted, taken)

    def _send_soon(self, receipt: Receipt, posted: Posted, taken: float) -> None:
        with self._lock:
            self._held.add(posted)
        self._pool.submit(self._send, receipt, posted, taken)

    def _send(self, receipt: Receipt, posted: Posted, taken: float) -> None:
        try:
            if time.monotonic() - max(taken, self._kept_at) > SILENT:
                # By now it may be in other hands: who finds it there looks it up first.
                _log.warning("too long without a sign of life", receipt=receipt.id)
                return
            provider, _ = self._delivery.routes.for_mode(receipt.mode)
            try:
                provider_id = provider.send(self._delivery.parcel(receipt))
            except SendingFailure as failure:
                judged = failure  # the name of an except clause ends with it
                _log.info("not sent", receipt=receipt.id, why=judged.detail)
                self._write_back(receipt, lambda now: self._delivery.failed(now, judged, posted))
            else:
                self._write_back(
                    receipt,
                    lambda now: self._delivery.accepted(now, provider_id, posted, self._owner(now)),
                )
        except Exception:  # noqa: BLE001 - a thread's last word: logged, and mended by a look-up
            # The entry stays in the outbox: another round finds it and looks it up.
            _log.exception("a receipt's worker failed", receipt=receipt.id)
        finally:
            with self._lock:
                self._held.discard(posted)

    def _write_back(self, receipt: Receipt, decide: Callable[[Receipt], Change]) -> None:
        """The outcome, on disk; decided again where news of the same receipt came first."""
        until = time.monotonic() + _HOLD_ON
        now: Receipt | None = receipt
        while now is not None and time.monotonic() < until:
            try:
                change = with_members(self._store, decide(now))
                if self._store.commit(change).verdict is Verdict.DONE:
                    return
                now = self._store.receipts([receipt.id])[0]
            except StoreUnavailable:
                time.sleep(0.3)

    # -- looking up what may have gone out ---------------------------------------------------

    def _look_soon(self, timer: Timer) -> None:
        with self._lock:
            # One look at a time for a customer: two texts of the same words are told apart only
            # by what the first look has written down.
            if timer.number in self._looking:
                return
            self._looking.add(timer.number)
        self._pool.submit(self._look, timer)

    def _look(self, timer: Timer) -> None:
        try:
            receipt = self._store.receipts([timer.subject.rpartition("/")[0]])[0]
            if receipt is None:
                self._store.commit(Change(timer.number, fired=timer))
                return
            self._store.commit(with_members(self._store, self._looked(receipt, timer)))
        except StoreUnavailable:
            _log.warning("store out of reach during a look-up", receipt=timer.subject)
        except Exception:  # noqa: BLE001 - the timer is still set: the look is made again
            _log.exception("a look-up failed", receipt=timer.subject)
        finally:
            with self._lock:
                self._looking.discard(timer.number)

    def _looked(self, receipt: Receipt, timer: Timer) -> Change:
        provider = self._delivery.routes.named(receipt.provider)
        if provider is None or receipt.asked_at is None:
            return Change(timer.number, fired=timer)
        others = self._store.receipts_of(receipt.number, _BATCH, None)
        known = frozenset(r.provider_id for r in others if r.provider_id and r.id != receipt.id)
        try:
            found = provider.find(self._delivery.parcel(receipt), receipt.asked_at, known)
        except TryLater:
            return self._delivery.look_again(receipt, timer)
        if found is None:
            return self._delivery.not_found(receipt, timer)
        return self._delivery.found(receipt, found, timer, self._owner(receipt))

    def _owner(self, receipt: Receipt) -> Subscription | None:
        """Whose receipt it is, where the price depends on how many there were this month."""
        return self._store.read(receipt.number).subscription if needs_owner(receipt) else None


def _receipt_in(change: Change) -> Receipt:
    return next(record for record in change.records if isinstance(record, Receipt))
