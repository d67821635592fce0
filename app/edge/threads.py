"""The threads that run the application, each with one whole request at a time."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from app.edge.limits import WAITING_REQUESTS

_Job = TypeVar("_Job")


class ThreadPool(Generic[_Job]):
    """A fixed number of threads and a bounded queue."""

    def __init__(self, count: int, handle: Callable[[_Job], None]) -> None:
        """``handle`` raises no exception."""
        self._handle = handle
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        #: When each thread began its request; 0 while it has none.
        self._began = [0.0] * count
        for index in range(count):
            threading.Thread(target=self._run, args=(index,), daemon=True).start()

    def put(self, job: _Job) -> bool:
        """Queue a job; False if too many wait."""
        if self._jobs.qsize() >= WAITING_REQUESTS:
            return False
        self._jobs.put(job)
        return True

    def seconds_without_progress(self) -> float:
        """Seconds since the last beginning of a request, if every thread has one; else 0."""
        if not all(self._began):
            return 0.0
        return time.monotonic() - max(self._began)

    def _run(self, index: int) -> None:
        while True:
            self._began[index] = 0.0
            job = self._jobs.get()
            self._began[index] = time.monotonic()
            self._handle(job)
