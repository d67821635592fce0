"""Status callbacks to the product, retried with growing delays for two minutes."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from simulator.network.events import EventLog
from simulator.network.job_queue import Job, JobQueue
from simulator.webhooks.client import BUDGET_SECONDS, WebhookClient, WebhookError

# Longer than a restart of the product.
_RETRY_FOR_SECONDS = 120.0
_RETRY_DELAYS_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def retry_delay_seconds(attempt: int) -> float:
    """Return the delay after an attempt: longer each time, up to eight seconds."""
    return _RETRY_DELAYS_SECONDS[min(attempt, len(_RETRY_DELAYS_SECONDS)) - 1]


@dataclass(frozen=True)
class Callback:
    """A callback request, unsigned without a token. `phone` is for its event."""

    method: str
    url: str
    form: dict[str, str]
    token: str
    phone: str


@dataclass(frozen=True)
class CallbackSender:
    """Sends callbacks until the product takes them."""

    client: WebhookClient
    jobs: JobQueue
    events: EventLog

    def post(self, url: str, form: dict[str, str], phone: str) -> None:
        """Schedule a signed form post."""
        callback = Callback("POST", url, form, uuid4().hex, phone)
        self.jobs.schedule(partial(self._attempt, callback))

    def get(self, url: str, phone: str) -> None:
        """Schedule an unsigned GET, as Kannel sends its reports."""
        self.jobs.schedule(partial(self._attempt, Callback("GET", url, {}, "", phone)))

    def _attempt(self, callback: Callback, job: Job) -> float | None:
        request = (callback.method, callback.url, callback.form, callback.token)
        retry_seconds = None
        try:
            outcome = str(self.client.deliver(*request, BUDGET_SECONDS).status)
        except WebhookError as error:
            outcome = str(error)
            if job.elapsed_seconds <= _RETRY_FOR_SECONDS:
                retry_seconds = retry_delay_seconds(job.attempt)
        if callback.phone:
            self._record(callback, outcome, job.attempt)
        return retry_seconds

    def _record(self, callback: Callback, outcome: str, attempt: int) -> None:
        form = callback.form
        # The query may carry the product's secrets: the page shows the path only.
        path = urlsplit(callback.url).path or "/"
        status = form.get("MessageStatus") or form.get("CallStatus") or "report"
        to = form.get("To", "")
        detail = {"door": path, "news": status, "to": to, "answer": outcome, "attempt": attempt}
        self.events.record(callback.phone, "callback", **detail)
