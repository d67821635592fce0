"""The threads that run the application, each with one group of whole requests at a time."""

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from app.edge.connection import Job
from app.edge.limits import WAITING_REQUESTS


class ThreadPool:
    """A fixed number of threads and a bounded queue of groups of jobs."""

    def __init__(self, count: int, handle: Callable[[Sequence[Job]], None]) -> None:
        """``handle`` raises no exception."""
        self._handle = handle
        self._groups: SimpleQueue[Sequence[Job]] = SimpleQueue()
        #: When each thread began its group; 0 while it has none.
        self._began = [0.0] * count
        #: Jobs that were queued, and that each thread has taken.
        self._queued, self._taken = 0, [0] * count
        for index in range(count):
            threading.Thread(target=self._run, args=(index,), daemon=True).start()

    def has_room(self, count: int) -> bool:
        """Whether so many more jobs may wait."""
        return self._queued - sum(self._taken) + count <= WAITING_REQUESTS

    def put(self, group: Sequence[Job]) -> None:
        """Queue jobs for one thread."""
        self._queued += len(group)
        self._groups.put(group)

    def seconds_without_progress(self) -> float:
        """Seconds since the last beginning of a group, if every thread has one; else 0."""
        if not all(self._began):
            return 0.0
        return time.monotonic() - max(self._began)

    def _run(self, index: int) -> None:
        while True:
            self._began[index] = 0.0
            group = self._groups.get()
            self._taken[index] += len(group)
            self._began[index] = time.monotonic()
            self._handle(group)
