"""Twilio's status callbacks: person-to-person texts, and receipts that this service sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from callbacks.app import CallbackRoute
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.status_updates import apply_status_update
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import Store
from receipts.reports.service import ReportService

#: Verify a request and return its form, with the named fields present.
VerifiedForm = Callable[..., Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class TwilioStatusHandler:
    """Apply message statuses as Twilio words them."""

    store: Store
    reports: ReportService
    delivery: ReceiptLifecycle
    clock: Clock
    message_status_of: Callable[[str, str], MessageStatus]
    provider_status_of: Callable[[str], ProviderStatus]

    def message_status(self, form: Mapping[str, str]) -> None:
        """Ingest the status of a person-to-person text. Raises StoreUnavailableError."""
        sender, recipient = parse_msisdn(form["From"]), parse_msisdn(form["To"])
        if sender is None or recipient is None:
            return
        status = self.message_status_of(form["MessageStatus"], form.get("ErrorCode", ""))
        sid, raw_status, now = form["MessageSid"], _raw_status(form), self.clock.now()
        self.reports.ingest(DeliveryReport(sid, sender, recipient, status, raw_status, now))

    def receipt_status(self, form: Mapping[str, str], receipt_id: str) -> None:
        """Apply the status of one of our receipts. Raises StoreUnavailableError."""
        status, sid = self.provider_status_of(form["MessageStatus"]), form["MessageSid"]
        apply_status_update(self.store, self.delivery, receipt_id, status, _raw_status(form), sid)


def twilio_routes(
    handler: TwilioStatusHandler, verified_form: VerifiedForm
) -> tuple[CallbackRoute, ...]:
    """``POST /messages/status`` and ``POST /receipts/<id>/status``."""

    def message_status(request: Request) -> None:
        handler.message_status(verified_form(request, "MessageSid", "MessageStatus", "From", "To"))

    def receipt_status(request: Request, receipt_id: str) -> None:
        handler.receipt_status(verified_form(request, "MessageSid", "MessageStatus"), receipt_id)

    name, path = "twilio_status.receipt_status", "/receipts/<receipt_id>/status"
    return (
        CallbackRoute("twilio_status.message_status", "POST", "/messages/status", message_status),
        CallbackRoute(name, "POST", path, receipt_status),
    )


def _raw_status(form: Mapping[str, str]) -> str:
    return f"{form['MessageStatus']} {form.get('ErrorCode', '')}".strip()
