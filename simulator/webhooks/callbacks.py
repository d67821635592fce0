"""Status callbacks to the product, retried with growing delays for two minutes."""

from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from simulator.network.events import EventLog
from simulator.network.job_queue import Job, JobQueue
from simulator.webhooks.client import WebhookClient, WebhookError, WebhookResponse

# Longer than a restart of the product.
_RETRY_FOR_SECONDS = 120.0
_RETRY_DELAYS_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def retry_delay_seconds(attempt: int) -> float:
    """Return the delay after an attempt: longer each time, up to eight seconds."""
    return _RETRY_DELAYS_SECONDS[min(attempt, len(_RETRY_DELAYS_SECONDS)) - 1]


@dataclass(frozen=True)
class Callback:
    """A callback request; without a form it is an unsigned GET. `phone` is for its event."""

    url: str
    form: dict[str, str] | None
    phone: str
    token: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class CallbackSender:
    """Sends callbacks until the product takes them."""

    client: WebhookClient
    jobs: JobQueue
    events: EventLog

    def post(
        self, url: str, form: dict[str, str], delay_seconds: float = 0, phone: str = ""
    ) -> None:
        """Schedule a signed form post."""
        self.jobs.schedule(partial(self._attempt, Callback(url, form, phone)), delay_seconds)

    def get(self, url: str, phone: str = "") -> None:
        """Schedule an unsigned GET, as Kannel sends its reports."""
        self.jobs.schedule(partial(self._attempt, Callback(url, None, phone)))

    def _attempt(self, callback: Callback, job: Job) -> float | None:
        try:
            response = self._request(callback)
        except WebhookError as error:
            outcome, retryable = str(error), True
        else:
            outcome, retryable = str(response.status), response.retryable
        if callback.phone:
            self._record(callback, outcome, job.attempt)
        expired = job.elapsed_seconds > _RETRY_FOR_SECONDS
        return retry_delay_seconds(job.attempt) if retryable and not expired else None

    def _request(self, callback: Callback) -> WebhookResponse:
        if callback.form is None:
            return self.client.get_unsigned(callback.url)
        return self.client.request("POST", callback.url, callback.form, callback.token)

    def _record(self, callback: Callback, outcome: str, attempt: int) -> None:
        form = callback.form or {}
        # The query may carry the product's secrets: the page shows the path only.
        path = urlsplit(callback.url).path or "/"
        status, to = (
            form.get("MessageStatus") or form.get("CallStatus") or "report",
            form.get("To", ""),
        )
        detail = {"door": path, "news": status, "to": to, "answer": outcome, "attempt": attempt}
        self.events.record(callback.phone, "callback", **detail)
