"""Checks of the way of texts and calls that come in: settings that win over the number's own."""

from typing import Any

from commands.twilio.faults import Faults, fault
from commands.twilio.subject import Subject
from receipts.model.masking import hide_userinfo
from receipts.providers.twilio_webhooks import DOORS, same_address


def check_winners(subject: Subject) -> Faults:
    """Trunks, applications and services that take texts and calls. Raises UnreadableError."""
    for number, record in subject.numbers:
        if record is None:
            continue
        if trunk := getattr(record, "trunk_sid", None):
            yield fault("trunk", number=number, sid=trunk)
        elif sid := getattr(record, "voice_application_sid", None):
            yield from _application(subject, number, sid, "voice")
        if sid := getattr(record, "sms_application_sid", None):
            yield from _application(subject, number, sid, "sms")


def _application(subject: Subject, number: str, sid: str, kind: str) -> Faults:
    application = subject.account.application(sid)
    url = getattr(application, f"{kind}_url", None) or ""
    if not same_address(url, subject.base_url + DOORS[kind]):
        yield fault(f"{kind}_application", number=number, sid=sid, url=_shown(url))


def check_service_inbound(subject: Subject) -> Faults:
    """Messaging Services that take the texts of a number. Raises UnreadableError."""
    for number, record in subject.numbers:
        service = subject.service_of(number) if record is not None else None
        if service is None or service.use_inbound_webhook_on_number:
            continue
        sid, url = str(service.sid), service.inbound_request_url or ""
        if not url:
            yield fault("service_drops", number=number, service=sid)
        elif not same_address(url, subject.base_url + DOORS["sms"]):
            yield fault("service_inbound", number=number, service=sid, url=hide_userinfo(url))


def check_webhooks(subject: Subject) -> Faults:
    """The numbers' own addresses, which `configure` sets. Raises UnreadableError."""
    for number, record in subject.numbers:
        if record is not None:
            yield from _webhooks(subject.base_url, number, record)


def _webhooks(base_url: str, number: str, record: Any) -> Faults:  # noqa: ANN401 - no stubs
    events = {"sms": "Texts", "voice": "Calls"}
    for kind, event in events.items():
        if not hasattr(record, f"{kind}_url"):
            continue  # a short code takes texts alone
        url, method = getattr(record, f"{kind}_url") or "", getattr(record, f"{kind}_method", "")
        if not same_address(url, base_url + DOORS[kind]):
            yield fault("elsewhere", event=event, number=number, url=_shown(url))
        elif method not in {None, "", "POST"}:
            shown = f"{_shown(url)} with {method}"
            yield fault("elsewhere", event=event, number=number, url=shown)
        if not getattr(record, f"{kind}_fallback_url"):
            yield fault("fallback", number=number, event=event.casefold())
    if hasattr(record, "status_callback"):
        url = record.status_callback or ""
        if not same_address(url, base_url + DOORS["status"]):
            yield fault("elsewhere", event="Ends of calls", number=number, url=_shown(url))


def _shown(url: str) -> str:
    """An address without the user and password that it may hold."""
    return hide_userinfo(url) or "no address"
