"""Delayed jobs with retries, in memory: timers of an event loop, worker threads."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Thread
from time import monotonic

_WORKER_THREADS = 32


@dataclass
class Job:
    """A unit of work; `run` returns the seconds until its next attempt, or None when done."""

    run: Callable[["Job"], float | None]
    attempt: int = 0
    first_attempt: float = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """Return the seconds since the first attempt began."""
        return monotonic() - self.first_attempt


class JobQueue:
    """Runs jobs when they are due; jobs that wait are lost when the process ends."""

    def __init__(self) -> None:
        self._timers = asyncio.new_event_loop()
        self._workers = ThreadPoolExecutor(_WORKER_THREADS, thread_name_prefix="job")
        self._thread = Thread(target=self._timers.run_forever, name="job timers", daemon=True)
        self._thread.start()

    def schedule(self, run: Callable[[Job], float | None], delay_seconds: float = 0.0) -> None:
        """Run a job once the delay is over, and again as long as it asks for it."""
        self._start_timer(Job(run), delay_seconds)

    def close(self) -> None:
        """Drop the jobs that wait, and return when those that run have ended."""
        self._timers.call_soon_threadsafe(self._timers.stop)
        self._thread.join()
        self._workers.shutdown()
        self._timers.close()

    def _start_timer(self, job: Job, delay_seconds: float) -> None:
        self._timers.call_soon_threadsafe(
            lambda: self._timers.call_later(delay_seconds, self._workers.submit, self._attempt, job)
        )

    def _attempt(self, job: Job) -> None:
        job.first_attempt = job.first_attempt or monotonic()
        job.attempt += 1
        try:
            retry_seconds = job.run(job)
        except Exception:
            logging.getLogger(__name__).exception("job failed: %s", job.run)
            return
        if retry_seconds is not None:
            self._start_timer(job, retry_seconds)
