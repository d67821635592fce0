"""Texts that phones send: to the product's /sms, or to a recipient with status callbacks."""

from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from simulator.account.state import Account
from simulator.network.gsm import segments
from simulator.network.job_queue import Job, JobQueue
from simulator.network.numbering import country_of, e164, is_abroad, is_mobile, is_service
from simulator.network.phones import PhoneRegistry
from simulator.network.scenarios import Scenarios, StatusReport
from simulator.settings import SimulatorSettings
from simulator.twilio.request_checks import delivery_failure, sending_refusal
from simulator.twilio.status_callback import status_fields
from simulator.webhooks.callbacks import CallbackSender, retry_delay_seconds
from simulator.webhooks.client import (
    BUDGET_SECONDS,
    NO_PLACES,
    WebhookClient,
    WebhookError,
    failed,
)
from simulator.webhooks.twiml import TwimlError, parse_replies

# Twilio sends at most ten replies to one incoming text.
_MAX_REPLIES = 10


@dataclass(frozen=True)
class TextRouter:
    """Takes a text from a phone and schedules its delivery."""

    settings: SimulatorSettings
    account: Account
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
        # A short hotline takes calls alone; a full number takes both.
        if to in self.account.state.numbers and (to != self.settings.hotline or is_abroad(to)):
            self._send_to_service(message_sid, sender, to, body)
        elif is_service(to):
            zh, en = f"{to} 不接收短信。", f"{to} does not receive texts."
            self.phones.add_note(sender, to, zh, en)
        else:
            self._send_to_recipient(message_sid, sender, to, body)
        return message_sid

    def _send_to_service(self, message_sid: str, sender: str, to: str, body: str) -> None:
        addresses = self.account.text_addresses(to)
        if is_mobile(sender) and is_abroad(to):
            zh = "中国内地的短信发不到 Twilio 号码（21612）。"
            en = "Texts of mainland China do not reach a Twilio number (21612)."
            self.phones.add_note(sender, to, zh, en)
        elif not addresses:
            zh = f"{to} 没有设置短信地址（sms-receipt twilio configure）。"
            en = f"{to} has no address for texts (sms-receipt twilio configure)."
            self.phones.add_note(sender, to, zh, en)
        else:
            fields = self._incoming(message_sid, sender, to, body)
            self.jobs.schedule(partial(self._post_incoming, sender, addresses, fields))

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

    def _post_incoming(
        self, sender: str, addresses: list[str], fields: dict[str, str], job: Job
    ) -> float | None:
        url, *fallbacks = addresses
        budget = max(1.0, BUDGET_SECONDS - job.elapsed_seconds)
        try:
            response = self.client.deliver("POST", url, fields, fields["MessageSid"], budget)
            texts = parse_replies(response)[:_MAX_REPLIES]
        except WebhookError as error:
            delay = retry_delay_seconds(job.attempt)
            if job.elapsed_seconds + delay < BUDGET_SECONDS:
                return delay
            zh = f"短信未能送达业务平台（{error}），请稍后再发。"
            en = f"Your text did not reach the service ({error}). Please try again later."
            self._fall_back(sender, fallbacks, fields | failed(url, error.code), (zh, en))
        except TwimlError as error:
            note = (f"网络：{error}", f"network: {error}")
            self._fall_back(sender, fallbacks, fields | failed(url, error.code), note)
        else:
            self._reply(sender, fields["To"], fields["MessageSid"], texts)
        return None

    def _fall_back(
        self, sender: str, fallbacks: list[str], fields: dict[str, str], note: tuple[str, str]
    ) -> None:
        """Ask the fallback address, which has a budget of its own; without one, tell the phone."""
        if fallbacks:
            self.jobs.schedule(partial(self._post_incoming, sender, fallbacks, fields))
        else:
            self.phones.add_note(sender, fields["To"], *note)

    def _reply(self, sender: str, number: str, message_sid: str, texts: list[str]) -> None:
        """Deliver the replies, unless the account may not text this phone."""
        for index, text in enumerate(texts):
            refusal = sending_refusal(self.account, number, sender)
            code = str(refusal.code) if refusal else delivery_failure(self.account, number, sender)
            if code:
                zh, en = f"网络：回复未能发出（{code}）", f"network: the reply failed ({code})"
                self.phones.add_note(sender, number, zh, en)
            else:
                self.phones.deliver_text(sender, number, text, f"{message_sid}.{index}", "reply")

    def _incoming(self, message_sid: str, sender: str, to: str, body: str) -> dict[str, str]:
        return NO_PLACES | {
            "MessageSid": message_sid,
            "SmsSid": message_sid,
            "SmsMessageSid": message_sid,
            "SmsStatus": "received",
            "AccountSid": self.settings.account_sid,
            "ApiVersion": "2010-04-01",
            "From": e164(sender),
            "FromCountry": country_of(sender),
            "To": to,
            "ToCountry": country_of(to) or "CN",
            "Body": body,
            "NumMedia": "0",
            "NumSegments": str(segments(body)),
        }
