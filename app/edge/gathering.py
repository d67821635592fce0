"""Jobs that are handed over together: those that come within a moment of the first."""

import time
from collections.abc import Callable

from app.edge.connection import Job
from app.edge.limits import GATHER_SECONDS, GATHERED


class Gathering:
    """Collects jobs; the loop of the reader hands them over when they are due."""

    def __init__(self, hand_over: Callable[[list[Job]], None]) -> None:
        self._hand_over = hand_over
        self._jobs: list[Job] = []
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Collect a job; as many as may be together are handed over at once."""
        if not self._jobs:
            self._due = time.monotonic() + GATHER_SECONDS
        self._jobs.append(job)
        if len(self._jobs) >= GATHERED:
            self._flush()

    def flush_due(self) -> None:
        """Hand the jobs over if the time of the first is up."""
        if self._jobs and time.monotonic() >= self._due:
            self._flush()

    def seconds_left(self, most: float) -> float:
        """Seconds until the jobs are due, ``most`` without any."""
        return max(0.0, self._due - time.monotonic()) if self._jobs else most

    def _flush(self) -> None:
        jobs, self._jobs = self._jobs, []
        self._hand_over(jobs)
