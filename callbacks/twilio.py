"""Twilio's status callbacks: person-to-person texts, and receipts that this service sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from callbacks.app import Route
from receipts.delivery.lifecycle import Delivery
from receipts.delivery.status_updates import take_news
from receipts.model.message import Fate, Report
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.ports.provider import Told
from receipts.ports.store import Store
from receipts.reports.service import Reports

#: Verify a request and return its form, whose named fields are present.
VerifiedForm = Callable[..., Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class TwilioStatusHandler:
    """Apply message statuses as Twilio words them."""

    store: Store
    reports: Reports
    delivery: Delivery
    clock: Clock
    fate_of: Callable[[str, str], Fate]
    told_of: Callable[[str], Told]

    def message_status(self, form: Mapping[str, str]) -> None:
        """Ingest the status of a person-to-person text. Raises StoreUnavailable."""
        sender, recipient = parse_msisdn(form["From"]), parse_msisdn(form["To"])
        if sender is None or recipient is None:
            return
        fate = self.fate_of(form["MessageStatus"], form.get("ErrorCode", ""))
        now = self.clock.now()
        report = Report(form["MessageSid"], sender, recipient, fate, _raw_status(form), now)
        self.reports.take(report)

    def receipt_status(self, form: Mapping[str, str], receipt_id: str) -> None:
        """Apply the status of one of our receipts. Raises StoreUnavailable."""
        status, sid = self.told_of(form["MessageStatus"]), form["MessageSid"]
        take_news(self.store, self.delivery, receipt_id, status, _raw_status(form), sid)


def twilio_routes(handler: TwilioStatusHandler, verified_form: VerifiedForm) -> tuple[Route, ...]:
    """``POST /messages/status`` and ``POST /receipts/<id>/status``."""

    def message_status(request: Request) -> None:
        form = verified_form(request, "MessageSid", "MessageStatus", "From", "To")
        handler.message_status(form)

    def receipt_status(request: Request, receipt_id: str) -> None:
        form = verified_form(request, "MessageSid", "MessageStatus")
        handler.receipt_status(form, receipt_id)

    return (
        Route("twilio_status.message_status", "POST", "/messages/status", message_status),
        Route(
            "twilio_status.receipt_status", "POST", "/receipts/<receipt_id>/status", receipt_status
        ),
    )


def _raw_status(form: Mapping[str, str]) -> str:
    return f"{form['MessageStatus']} {form.get('ErrorCode', '')}".strip()
