"""Delivery of accepted provider messages to phones, with a status callback for each step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from simulator.network.job_queue import Job, JobQueue
from simulator.network.messages import Message, MessageLog
from simulator.network.numbering import canonical
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios, StatusReport

# Sends a report on a message in the format of its provider. The last argument is the number of
# the phone; it is empty when the recipient is not on the page.
Notify = Callable[[Message, StatusReport, str], None]


#: Seconds after which a text fails whose sender is not registered.
_FAILURE_SECONDS = 0.2


@dataclass(frozen=True)
class Delivery:
    """Delivers messages by the scenario of their recipient."""

    short_code: str
    phones: PhoneRegistry
    messages: MessageLog
    scenarios: Scenarios
    jobs: JobQueue

    def accept(self, message: Message, notify: Notify, failure: str = "") -> None:
        """Keep a message and schedule each of its reports; one with a failure never arrives."""
        self.messages.add(message)
        failed = [StatusReport(_FAILURE_SECONDS, "undelivered", failure)]
        for report in failed if failure else self.scenarios.of(canonical(message.to)).reports():
            self.jobs.schedule(
                partial(self._progress, message, report, notify), report.delay_seconds
            )

    def _progress(self, message: Message, report: StatusReport, notify: Notify, _: Job) -> None:
        number = canonical(message.to)
        # Numbers without a phone on the page count as reachable.
        on_page = self.phones.has(number)
        if report.status == "delivered" and on_page and not self._deliver(message, number):
            report = msgspec.structs.replace(report, status="undelivered", error_code="30003")
        self.messages.set_status(message, report.status, report.error_code)
        if message.callback:
            notify(message, report, number if on_page else "")

    def _deliver(self, message: Message, number: str) -> bool:
        peer = canonical(message.sender) or message.sender or self.short_code
        if message.flash:
            return self.phones.deliver_flash(number, peer, message.body, message.sid)
        return self.phones.deliver_text(number, peer, message.body, message.sid, message.api)
