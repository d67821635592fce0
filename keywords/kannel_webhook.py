"""Kannel's inbound SMS webhook: a text to 7500 in, a text/plain reply out."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from keywords.twilio_webhook import InboundSmsHandler
from receipts.wording.segments import is_gsm7

#: Python codecs by Kannel's %C, also after mo-recode. Kannel passes the octets of a text through.
_CHARSETS = {
    "": "utf-8",
    "UTF-8": "utf-8",
    "UTF-16BE": "utf-16-be",
    "UCS-2": "utf-16-be",
    "ISO-8859-1": "latin-1",
    "WINDOWS-1252": "cp1252",
    "US-ASCII": "ascii",
    "GBK": "gbk",
    "GB18030": "gb18030",
}

#: Kannel's charset of binary messages, such as ring tones and pictures.
_BINARY = "8-BIT"

#: Limits in characters; 2,000 are more than ten parts of a concatenated text.
_MAX_TEXT_LENGTH, _MAX_PARAMETER_LENGTH = 2_000, 256


def kannel_blueprint(handler: InboundSmsHandler) -> Blueprint:
    """``GET /kannel/sms``."""
    blueprint = Blueprint("kannel", __name__)

    @blueprint.get("/kannel/sms")
    def kannel_sms() -> Response:
        query = _parse(request.query_string, "id", "from", "text")
        if query.get("charset", "") == _BINARY:
            return _plain("")
        return _plain(handler.reply(f"kannel:{query['id']}", query["from"], query["text"]))

    return blueprint


def _parse(query_string: bytes, *required: str) -> Mapping[str, str]:
    """The parameters, the text decoded from its ``charset``. Raises BadRequest."""
    # Latin-1 maps each octet to one character; the charset of the text is itself a parameter.
    octets = dict(reversed(parse_qsl(query_string.decode("latin-1"), True, encoding="latin-1")))
    text = octets.pop("text", None)
    query = {name: _decode(value, "utf-8") for name, value in octets.items()}
    if text is not None:
        query["text"] = _decode(text, _codec(query.get("charset", "")))
    for name in required:
        # A text may be empty; an id or a sender may not.
        if name not in query or not (query[name] or name == "text"):
            raise BadRequest(f"missing parameter: {name}")
        if len(query[name]) > (_MAX_TEXT_LENGTH if name == "text" else _MAX_PARAMETER_LENGTH):
            raise BadRequest(f"too long: {name}")
    return query


def _codec(charset: str) -> str:
    name = charset.strip().upper()
    if name == _BINARY:
        return "latin-1"
    if name not in _CHARSETS:
        raise BadRequest(f"unknown charset: {name[:40]}")
    return _CHARSETS[name]


def _decode(octets: str, charset: str) -> str:
    """The decoded octets; undecodable ones become U+FFFD."""
    return octets.encode("latin-1").decode(charset, "replace")


def _plain(text: str) -> Response:
    """A reply; Kannel sends it in UCS-2 only with this header."""
    response = Response(text, content_type="text/plain; charset=utf-8")
    if not is_gsm7(text):
        response.headers["X-Kannel-Coding"] = "2"
    return response
