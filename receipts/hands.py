"""The threads of a worker: each does what is next, and all wait at one queue."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

import structlog

_log = structlog.get_logger()

#: A thing to do, with what it is about.
_Task = tuple[Callable[..., object], tuple[object, ...]]


class Hands:
    """So many threads, made when first needed; what is asked for first is begun first.

    A pool of the standard library makes a promise for each thing to do, with locks of its own, and
    nobody here waits for one.
    """

    def __init__(self, count: int, name: str) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        # A process that ends without closing them is not kept by them.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{place}", daemon=True)
            for place in range(count)
        ]
        self._begun = False

    def do(self, task: Callable[..., object], *about: object) -> None:
        """Do this as soon as a hand is free. One thread alone may ask."""
        if not self._begun:
            self._begun = True
            for thread in self._threads:
                thread.start()
        self._tasks.put((task, about))

    def close(self) -> None:
        """Return when all that was asked for is done."""
        if self._begun:
            for _ in self._threads:
                self._tasks.put(None)
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (given := self._tasks.get()) is not None:
            task, about = given
            try:
                task(*about)
            except Exception:  # noqa: BLE001 - one task's trouble must not cost a hand
                _log.exception("a hand failed")
