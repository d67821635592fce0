"""Delivery of accepted provider messages to phones, with a status callback for each step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulator.network.job_queue import Job, JobQueue
from simulator.network.messages import Message, MessageLog
from simulator.network.numbering import canonical
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios, StatusReport


@dataclass(frozen=True)
class StatusChange:
    """A new status of a message; `phone` is empty when the recipient is not on the page."""

    message: Message
    status: str
    error_code: str
    phone: str


# Reports a status to the sender of the message, in the format of its provider.
Notify = Callable[[StatusChange], None]


@dataclass(frozen=True)
class Delivery:
    """Delivers messages by the scenario of their recipient."""

    short_code: str
    phones: PhoneRegistry
    messages: MessageLog
    scenarios: Scenarios
    jobs: JobQueue

    def accept(self, message: Message, notify: Notify) -> None:
        """Keep a message and schedule each of its reports."""
        self.messages.add(message)
        for report in self.scenarios.of(canonical(message.to)).reports():
            self.jobs.schedule(
                partial(self._progress, message, report, notify), report.delay_seconds
            )

    def _progress(self, message: Message, report: StatusReport, notify: Notify, _: Job) -> None:
        number = canonical(message.to)
        # Numbers without a phone on the page count as reachable.
        on_page = self.phones.has(number)
        status, error_code = report.status, report.error_code
        if status == "delivered" and on_page and not self._deliver(message, number):
            status, error_code = "undelivered", "30003"
        self.messages.set_status(message, status, error_code)
        if message.callback:
            notify(StatusChange(message, status, error_code, number if on_page else ""))

    def _deliver(self, message: Message, number: str) -> bool:
        peer = canonical(message.sender) or message.sender or self.short_code
        if message.flash:
            return self.phones.deliver_flash(number, peer, message.body, message.sid)
        return self.phones.deliver_text(number, peer, message.body, message.sid, message.api)
