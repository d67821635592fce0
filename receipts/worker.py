"""Takes what is due out of the outbox, hands it to providers, writes back what came of it."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from receipts.delivery import LOOK, Delivery, needs_owner
from receipts.model import Receipt, Subscription
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
        self._held: dict[str, Posted] = {}
        self._looking: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._rounds: tuple[tuple[float, Callable[[], None]], ...] = (
            (1.0, self._ring),
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
        self._pool.shutdown(wait=True)

    # -- rounds ------------------------------------------------------------------------------

    def _take(self) -> None:
        room = 2 * self._hands - len(self._held)
        if room > 0:
            self._begin(self._outbox.take(self._name, min(room, _BATCH), wait=0.5))
        else:
            self._stop.wait(0.01)

    def _live(self) -> None:
        with self._lock:
            held = list(self._held.values())
        self._outbox.keep(self._name, held)
        left = self._outbox.take_over(self._name, SILENT, _BATCH)
        mine = {posted.entry for posted in held}
        self._begin([posted for posted in left if posted.entry not in mine])

    def _refresh(self) -> None:
        """Go on under new rules where there are any; what is being sent ends under the old ones."""
        fresh = self._refreshed()
        if fresh is not None:
            self._delivery, self._sweep = fresh

    def _ring(self) -> None:
        for timer in self._sweep.due(_BATCH):
            if timer.kind == LOOK:
                self._look_soon(timer)
            else:
                self._sweep.ring(timer)

    # -- sending -----------------------------------------------------------------------------

    def _begin(self, entries: Sequence[Posted]) -> None:
        """Mark receipts as being sent, on disk, before a word of them leaves."""
        if not entries:
            return
        receipts = self._store.receipts(posted.receipt_id for posted in entries)
        known = [(r, p) for r, p in zip(receipts, entries, strict=True) if r is not None]
        self._outbox.forget(p for r, p in zip(receipts, entries, strict=True) if r is None)
        changes = [self._delivery.begin(receipt, posted) for receipt, posted in known]
        committed = self._store.commit_all(changes) if changes else []
        for (_, posted), change, end in zip(known, changes, committed, strict=True):
            # Where another was quicker the entry stays, and is looked at again in time.
            if end.verdict is Verdict.DONE and not change.done:
                self._send_soon(_receipt_in(change), posted)

    def _send_soon(self, receipt: Receipt, posted: Posted) -> None:
        with self._lock:
            self._held[posted.entry] = posted
        self._pool.submit(self._send, receipt, posted)

    def _send(self, receipt: Receipt, posted: Posted) -> None:
        try:
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
                self._held.pop(posted.entry, None)

    def _write_back(self, receipt: Receipt, decide: Callable[[Receipt], Change]) -> None:
        """The outcome, on disk; decided again where news of the same receipt came first."""
        until = time.monotonic() + _HOLD_ON
        now: Receipt | None = receipt
        while now is not None and time.monotonic() < until:
            try:
                if self._store.commit(decide(now)).verdict is Verdict.DONE:
                    return
                now = self._store.receipts([receipt.id])[0]
            except StoreUnavailable:
                time.sleep(0.3)

    # -- looking up what may have gone out ---------------------------------------------------

    def _look_soon(self, timer: Timer) -> None:
        with self._lock:
            if timer.subject in self._looking:
                return
            self._looking.add(timer.subject)
        self._pool.submit(self._look, timer)

    def _look(self, timer: Timer) -> None:
        try:
            receipt = self._store.receipts([timer.subject.rpartition("/")[0]])[0]
            if receipt is None:
                self._store.commit(Change(timer.number, fired=timer))
                return
            self._store.commit(self._looked(receipt, timer))
        except StoreUnavailable:
            _log.warning("store out of reach during a look-up", receipt=timer.subject)
        except Exception:  # noqa: BLE001 - the timer is still set: the look is made again
            _log.exception("a look-up failed", receipt=timer.subject)
        finally:
            with self._lock:
                self._looking.discard(timer.subject)

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
