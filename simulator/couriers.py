"""Errands of the network: each is written down before it is promised, and run until it is done."""

import heapq
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Condition, Thread
from time import time
from uuid import uuid4

import msgspec

from simulator.journal import Journal, Record

_HANDS = 32


class Errand(msgspec.Struct):
    """One thing to do at or after a moment; `first` is when this process first tried."""

    id: str
    kind: str
    due: float
    data: dict[str, str]
    attempt: int = 0
    first: float = 0.0


# Does the errand; returns None when it is over, or the seconds until it should be tried again.
Handler = Callable[[Errand], float | None]


class Couriers:
    """A few hands run errands when they fall due; an unfinished one outlives kill -9."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._handlers: dict[str, Handler] = {}
        self._waiting: dict[str, Errand] = {}
        self._queue: list[tuple[float, int, Errand]] = []
        self._order = count()
        self._bell = Condition()
        self._over = False
        self._hands = ThreadPoolExecutor(_HANDS, thread_name_prefix="courier")

    def learn(self, handlers: Mapping[str, Handler]) -> None:
        """Teach the couriers what to do for each kind of errand."""
        self._handlers.update(handlers)

    def send(self, kind: str, after: float = 0.0, **data: str) -> None:
        """Promise an errand: from here on it is done even if the network dies and starts again."""
        errand = Errand(uuid4().hex, kind, time() + after, data)
        self._journal.append("errand", {"errand": msgspec.to_builtins(errand)})
        self._put(errand)

    def restore(self, record: Record) -> None:
        """Take back an errand, or its end, from the journal; `start` runs what is left."""
        if record["record"] == "errand":
            errand = msgspec.convert(record["errand"], Errand)
            self._waiting[errand.id] = errand
        else:
            self._waiting.pop(record["id"], None)

    def start(self) -> None:
        """Begin to run errands, the unfinished ones of an earlier life first."""
        for errand in self._waiting.values():
            self._put(errand)
        self._waiting = {}
        Thread(target=self._watch, name="couriers", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more; what is left stays on record for the next start."""
        with self._bell:
            self._over = True
            self._bell.notify()
        self._hands.shutdown(wait=True)

    def _put(self, errand: Errand) -> None:
        with self._bell:
            heapq.heappush(self._queue, (errand.due, next(self._order), errand))
            self._bell.notify()

    def _watch(self) -> None:
        while True:
            with self._bell:
                while not self._over and (not self._queue or self._queue[0][0] > time()):
                    self._bell.wait(self._queue[0][0] - time() if self._queue else None)
                if self._over:
                    return
                errand = heapq.heappop(self._queue)[2]
                self._hands.submit(self._run, errand)

    def _run(self, errand: Errand) -> None:
        errand.first = errand.first or time()
        errand.attempt += 1
        try:
            wait = self._handlers[errand.kind](errand)
        except Exception:
            # Not crossed off: the next start of the network tries it once more.
            logging.getLogger(__name__).exception("errand %s failed", errand.kind)
            return
        if wait is None:
            self._journal.append("done", {"id": errand.id})
        else:
            errand.due = time() + wait
            self._put(errand)
