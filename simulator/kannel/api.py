"""Kannel's sendsms interface, with flash messages and delivery reports."""

import hmac
import re
from time import time
from urllib.parse import parse_qsl
from uuid import uuid4

from flask import Blueprint, Response, request

from simulator.fault_injection import FaultInjector
from simulator.kannel.report_url import fill_report_url
from simulator.network.delivery import Delivery
from simulator.network.gsm import segments, to_7bit
from simulator.network.messages import Message
from simulator.network.numbering import canonical, is_service
from simulator.network.scenarios import StatusReport
from simulator.settings import SimulatorSettings
from simulator.webhooks.callbacks import CallbackSender

_FAULTS = {
    "http_500": (500, "Internal error"),
    "http_503": (503, "Temporal failure, try again later."),
    "http_429": (429, "Too many requests, try again later."),
}
_UCS2 = "2"
_HEADER = "X-Kannel-"
_CHARSET_ALIASES = {"UCS-2": "utf-16-be", "UCS-2BE": "utf-16-be"}
_REPORT_TYPES = {"sent": 8, "delivered": 1, "undelivered": 2, "failed": 16}


class SendsmsError(Exception):
    """A refused request, with the status and text of Kannel's answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def kannel_api(
    settings: SimulatorSettings,
    delivery: Delivery,
    callbacks: CallbackSender,
    faults: FaultInjector,
) -> Blueprint:
    """Return the route /cgi-bin/sendsms."""
    api = Blueprint("kannel", __name__)

    def notify(message: Message, report: StatusReport, phone: str) -> None:
        report_type = _REPORT_TYPES[report.status]
        if message.dlr_mask & report_type:
            callbacks.get(fill_report_url(message, report_type), phone)

    @api.errorhandler(SendsmsError)
    def error_response(error: SendsmsError) -> Response:
        return _answer(error.status, str(error))

    @api.route("/cgi-bin/sendsms", methods=["GET", "POST"])
    def sendsms() -> Response:
        fields = _header_fields() if request.method == "POST" else _query_fields()
        if not _is_authenticated(settings, fields):
            raise SendsmsError("Authorization failed for sendsms", 403)
        messages = _messages(fields)

        def accept() -> Response:
            for message in messages:
                delivery.accept(message, notify)
            return _answer(202, "0: Accepted for delivery")

        return faults.answer("kannel", accept, lambda kind: _answer(*_FAULTS[kind]))

    return api


def _header_fields() -> dict[str, str]:
    # Kannel reads no form: the body of a POST is the text, and headers carry the other fields.
    if request.mimetype != "text/plain":
        raise SendsmsError("Invalid content-type")
    fields = {
        name.title().removeprefix(_HEADER).lower(): value
        for name, value in request.headers
        if name.title().startswith(_HEADER)
    }
    charset = request.mimetype_params.get("charset", "UTF-8")
    return fields | {"text": _decode(request.get_data(), charset)}


def _query_fields() -> dict[str, str]:
    query = request.query_string.decode("latin-1")
    # One field names the charset of the text; the other fields are ASCII in every charset.
    fields = dict(parse_qsl(query, keep_blank_values=True))
    octets = dict(parse_qsl(query, keep_blank_values=True, encoding="latin-1")).get("text", "")
    return fields | {"text": _decode(octets.encode("latin-1"), fields.get("charset", "UTF-8"))}


def _decode(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(_CHARSET_ALIASES.get(charset.upper(), charset))
    except (LookupError, UnicodeError):
        raise SendsmsError("Charset or body misformed, rejected") from None


def _is_authenticated(settings: SimulatorSettings, fields: dict[str, str]) -> bool:
    user = fields.get("username") or fields.get("user", "")
    password = fields.get("password") or fields.get("pass", "")
    expected = f"{settings.kannel_user}:{settings.kannel_password}"
    return hmac.compare_digest(f"{user}:{password}".encode(), expected.encode())


def _messages(fields: dict[str, str]) -> list[Message]:
    recipients = fields.get("to", "").split()
    if not recipients:
        raise SendsmsError("Missing receiver number, rejected")
    if not fields.get("text"):
        raise SendsmsError("Missing text, rejected")
    if not fields.get("from", "").strip():
        raise SendsmsError("Sender missing and no global set, rejected")
    for recipient in recipients:
        number = canonical(recipient)
        if not number or is_service(number):
            raise SendsmsError(f"Invalid receiver number {recipient}, rejected")
    return [_message(fields, recipient) for recipient in recipients]


def _message(fields: dict[str, str], recipient: str) -> Message:
    mask, mclass = fields.get("dlr-mask") or "0", fields.get("mclass") or ""
    coding = fields.get("coding") or "0"
    if not re.fullmatch(r"[0-9]{1,3}", mask):
        raise SendsmsError("Invalid dlr-mask, rejected")
    if mclass not in {"", "0", "1", "2", "3"}:
        raise SendsmsError("MClass field misformed, rejected")
    if coding not in {"0", "1", _UCS2}:
        raise SendsmsError("Coding field misformed, rejected")
    created = time()
    # Without coding 2 the text passes the 7-bit alphabet: Chinese becomes question marks.
    body = fields["text"] if coding == _UCS2 else to_7bit(fields["text"])
    return Message(
        sid=str(uuid4()),
        api="kannel",
        to=recipient,
        sender=fields["from"].strip(),
        body=body,
        created=created,
        updated=created,
        flash=mclass == "0",
        segments=segments(body),
        callback=fields.get("dlr-url", "") if int(mask) else "",
        dlr_mask=int(mask),
        smsc=fields.get("smsc", ""),
    )


def _answer(status: int, text: str) -> Response:
    return Response(text, status, content_type="text/html; charset=utf-8")
