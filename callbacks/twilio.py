"""Twilio's status callbacks: person-to-person texts, and receipts that this service sent."""

from collections.abc import Callable, Mapping
from functools import partial

from structlog.contextvars import bind_contextvars
from werkzeug.wrappers import Request

from callbacks.app import CallbackRoute, Finish
from receipts.delivery.status_updates import StatusUpdate, StatusUpdates
from receipts.model.message import DeliveryReport, FailureCause, MessageStatus
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.ports.provider import ProviderStatus
from receipts.reports.service import ReportService


def twilio_routes(
    updates: StatusUpdates,
    reports: ReportService,
    clock: Clock,
    message_status_of: Callable[[str, str], tuple[MessageStatus, FailureCause]],
    provider_status_of: Callable[[str], ProviderStatus],
    verified_form: Callable[..., Mapping[str, str]],
) -> tuple[CallbackRoute, ...]:
    """``POST /messages/status`` and ``POST /receipts/<id>/status``.

    ``verified_form`` verifies a request and returns its form, with the named fields present.
    """

    def message_status(request: Request) -> None:
        form = verified_form(request, "MessageSid", "MessageStatus")
        # "accepted" has no From before a Messaging Service has chosen the sender.
        sender, recipient = parse_msisdn(form.get("From", "")), parse_msisdn(form.get("To", ""))
        if sender is None or recipient is None:
            return
        status, cause = message_status_of(form["MessageStatus"], form.get("ErrorCode", ""))
        sid, raw_status, now = form["MessageSid"], _raw_status(form), clock.now()
        # RawDlrDoneDate is not used: Twilio does not say in which time zone it is.
        reports.ingest(
            DeliveryReport(sid, sender, recipient, status, raw_status, now, cause=cause, live=True)
        )

    def receipt_status(request: Request, receipt_id: str) -> Finish:
        form = verified_form(request, "MessageSid", "MessageStatus")
        bind_contextvars(receipt=receipt_id)
        status, sid = provider_status_of(form["MessageStatus"]), form["MessageSid"]
        update = updates.queue(receipt_id, status, _raw_status(form), sid)
        return partial(_finish, updates, update)

    name, path = "twilio_status.receipt_status", "/receipts/<receipt_id>/status"
    return (
        CallbackRoute("twilio_status.message_status", "POST", "/messages/status", message_status),
        CallbackRoute(name, "POST", path, receipt_status),
    )


def _finish(updates: StatusUpdates, update: StatusUpdate) -> None:
    updates.finish(update)


def _raw_status(form: Mapping[str, str]) -> str:
    return f"{form['MessageStatus']} {form.get('ErrorCode', '')}".strip()
