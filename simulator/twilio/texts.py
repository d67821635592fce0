"""Texts that phones send: to the product's /sms, or to a recipient with status callbacks."""

from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from simulator.network.gsm import segments
from simulator.network.job_queue import Job, JobQueue
from simulator.network.numbering import e164, is_service
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios, StatusReport
from simulator.settings import SimulatorSettings
from simulator.twilio.status_callback import status_fields
from simulator.webhooks.callbacks import CallbackSender, retry_delay_seconds
from simulator.webhooks.client import BUDGET_SECONDS, NO_PLACES, WebhookClient, WebhookError
from simulator.webhooks.twiml import TwimlError, parse_replies

# Twilio sends at most ten replies to one incoming text.
_MAX_REPLIES = 10


@dataclass(frozen=True)
class TextRouter:
    """Takes a text from a phone and schedules its delivery."""

    settings: SimulatorSettings
    phones: PhoneRegistry
    scenarios: Scenarios
    jobs: JobQueue
    callbacks: CallbackSender
    client: WebhookClient

    def send(self, sender: str, to: str, body: str) -> str:
        """Take a text and return its id. Raises: HandsetError."""
        self.phones.get_switched_on(sender)
        message_sid = f"SM{uuid4().hex}"
        self.phones.record_text(sender, "out", to, body, message_sid, "phone")
        if to == self.settings.short_code:
            fields = self._incoming(message_sid, sender, body)
            self.jobs.schedule(partial(self._post_incoming, sender, fields))
        elif is_service(to):
            zh, en = f"{to} 不接收短信。", f"{to} does not receive texts."
            self.phones.add_note(sender, to, zh, en)
        else:
            self._send_to_recipient(message_sid, sender, to, body)
        return message_sid

    def _send_to_recipient(self, message_sid: str, sender: str, to: str, body: str) -> None:
        scenario = self.scenarios.of(to)
        delay = scenario.delivery_seconds()
        if delay is not None:
            self.jobs.schedule(partial(self._deliver, message_sid, sender, to, body), delay)
        for report in scenario.reports():
            notify = partial(self._report, message_sid, sender, to, report)
            self.jobs.schedule(notify, report.delay_seconds)

    def _deliver(self, message_sid: str, sender: str, to: str, body: str, _: Job) -> None:
        if self.phones.has(to):
            self.phones.deliver_text(to, sender, body, message_sid, "person")

    def _report(self, message_sid: str, sender: str, to: str, report: StatusReport, _: Job) -> None:
        fields = status_fields(self.settings.account_sid, sender, to, message_sid, report)
        self.callbacks.post(self.client.url("/messages/status"), fields, sender)

    def _post_incoming(self, sender: str, fields: dict[str, str], job: Job) -> float | None:
        message_sid, short_code = fields["MessageSid"], self.settings.short_code
        url, budget = self.client.url("/sms"), max(1.0, BUDGET_SECONDS - job.elapsed_seconds)
        try:
            response = self.client.deliver("POST", url, fields, message_sid, budget)
            texts = parse_replies(response)[:_MAX_REPLIES]
        except WebhookError as error:
            return self._retry_or_note(sender, job, str(error))
        except TwimlError as error:
            self.phones.add_note(sender, short_code, f"网络：{error}", f"network: {error}")
            return None
        for index, text in enumerate(texts):
            self.phones.deliver_text(sender, short_code, text, f"{message_sid}.{index}", "reply")
        return None

    def _retry_or_note(self, sender: str, job: Job, reason: str) -> float | None:
        delay = retry_delay_seconds(job.attempt)
        if job.elapsed_seconds + delay < BUDGET_SECONDS:
            return delay
        zh = f"短信未能送达业务平台（{reason}），请稍后再发。"
        en = f"Your text did not reach the service ({reason}). Please try again later."
        self.phones.add_note(sender, self.settings.short_code, zh, en)
        return None

    def _incoming(self, message_sid: str, sender: str, body: str) -> dict[str, str]:
        return NO_PLACES | {
            "MessageSid": message_sid,
            "SmsSid": message_sid,
            "SmsMessageSid": message_sid,
            "SmsStatus": "received",
            "AccountSid": self.settings.account_sid,
            "ApiVersion": "2010-04-01",
            "From": e164(sender),
            "FromCountry": "CN",
            "To": self.settings.short_code,
            "ToCountry": "CN",
            "Body": body,
            "NumMedia": "0",
            "NumSegments": str(segments(body)),
        }
