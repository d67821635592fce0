"""The second provider's door, as Kannel's smsbox has it: sendsms with flash and report requests."""

import hmac
import re
from time import time
from urllib.parse import parse_qsl
from uuid import uuid4

from flask import Blueprint, Response, request

from simulator.delivery import Delivery
from simulator.faults import Fault, Faults
from simulator.gsm import as_7bit, segments
from simulator.messages import Message
from simulator.numbering import canonical, is_service
from simulator.settings import Settings
from simulator.trouble import meet

_BUSY = {
    "http_500": (500, "Internal error"),
    "http_503": (503, "Temporal failure, try again later."),
    "http_429": (429, "Too many requests, try again later."),
}
_UCS2 = "2"
_HEADER = "X-Kannel-"
_SPELT_OTHERWISE = {"UCS-2": "utf-16-be", "UCS-2BE": "utf-16-be"}


class Rejected(ValueError):
    """The request cannot be sent; the message is Kannel's answer."""


def kannel_api(settings: Settings, delivery: Delivery, faults: Faults) -> Blueprint:
    """Return the door /cgi-bin/sendsms."""
    api = Blueprint("kannel", __name__)

    @api.route("/cgi-bin/sendsms", methods=["GET", "POST"])
    def sendsms() -> Response:
        try:
            asked = _fields()
            if not _knows(settings, asked):
                return _said(403, "Authorization failed for sendsms")
            messages = _messages(asked)
        except Rejected as fault:
            return _said(400, str(fault))

        def accept() -> Response:
            for message in messages:
                delivery.accept(message)
            return _said(202, "0: Accepted for delivery")

        return meet(faults.strike("kannel"), accept, _busy)

    return api


def _fields() -> dict[str, str]:
    return _in_headers() if request.method == "POST" else _in_query()


def _in_headers() -> dict[str, str]:
    # The real one reads no form: a post is the text itself, and the rest stands in headers.
    if request.mimetype != "text/plain":
        raise Rejected("Invalid content-type")
    said = {
        name.removeprefix(_HEADER).lower(): value
        for name, value in ((name.title(), value) for name, value in request.headers)
        if name.startswith(_HEADER)
    }
    charset = request.mimetype_params.get("charset", "UTF-8")
    return said | {"text": _decoded(request.get_data(), charset)}


def _in_query() -> dict[str, str]:
    text = request.query_string.decode("latin-1")
    # The charset of the text is itself a field: the rest is plain letters in every charset.
    plain = dict(parse_qsl(text, keep_blank_values=True))
    octets = dict(parse_qsl(text, keep_blank_values=True, encoding="latin-1")).get("text", "")
    charset = plain.get("charset", "UTF-8")
    return plain | {"text": _decoded(octets.encode("latin-1"), charset)}


def _decoded(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(_SPELT_OTHERWISE.get(charset.upper(), charset))
    except (LookupError, UnicodeError):
        raise Rejected("Charset or body misformed, rejected") from None


def _knows(settings: Settings, asked: dict[str, str]) -> bool:
    user = asked.get("username") or asked.get("user", "")
    word = asked.get("password") or asked.get("pass", "")
    return hmac.compare_digest(
        f"{user}:{word}".encode(), f"{settings.kannel_user}:{settings.kannel_password}".encode()
    )


def _messages(asked: dict[str, str]) -> list[Message]:
    receivers = asked.get("to", "").split()
    if not receivers:
        raise Rejected("Missing receiver number, rejected")
    if not asked.get("text"):
        raise Rejected("Missing text, rejected")
    if not asked.get("from", "").strip():
        raise Rejected("Sender missing and no global set, rejected")
    for receiver in receivers:
        number = canonical(receiver)
        if not number or is_service(number):
            raise Rejected(f"Invalid receiver number {receiver}, rejected")
    return [_message(asked, receiver) for receiver in receivers]


def _message(asked: dict[str, str], receiver: str) -> Message:
    mask, mclass = asked.get("dlr-mask") or "0", asked.get("mclass") or ""
    coding = asked.get("coding") or "0"
    if not re.fullmatch(r"[0-9]{1,3}", mask):
        raise Rejected("Invalid dlr-mask, rejected")
    if mclass not in {"", "0", "1", "2", "3"}:
        raise Rejected("MClass field misformed, rejected")
    if coding not in {"0", "1", _UCS2}:
        raise Rejected("Coding field misformed, rejected")
    moment = time()
    # Without coding 2 the text goes through the 7-bit alphabet: Chinese becomes question marks.
    body = asked["text"] if coding == _UCS2 else as_7bit(asked["text"])
    return Message(
        sid=str(uuid4()),
        api="kannel",
        to=receiver,
        sender=asked["from"].strip(),
        body=body,
        created=moment,
        updated=moment,
        flash=mclass == "0",
        segments=segments(body),
        callback=asked.get("dlr-url", "") if int(mask) else "",
        dlr_mask=int(mask),
        smsc=asked.get("smsc", ""),
    )


def _said(status: int, words: str) -> Response:
    return Response(words, status, content_type="text/html; charset=utf-8")


def _busy(fault: Fault) -> Response:
    return _said(*_BUSY[fault.kind])
