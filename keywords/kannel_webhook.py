"""Kannel's inbound SMS webhook: a text to 7500 in, a text/plain reply out."""

from codecs import BOM_UTF16_LE
from collections.abc import Mapping
from contextlib import suppress
from encodings.aliases import aliases
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import BadRequest

from keywords.twilio_webhook import InboundSmsHandler
from receipts.wording.segments import is_gsm7

#: Codecs of texts. Kannel passes their octets through with the charset's name as %C, also after
#: mo-recode; it means big-endian octets by UTF-16 and UCS-2.
_CODECS = (
    "utf_8", "utf_16_be", "utf_16_le", "latin_1", "iso8859_15", "cp1252", "ascii",
    "gbk", "gb2312", "gb18030", "hz", "big5", "big5hkscs", "cp950",
)  # fmt: skip
_UTF_8, _UTF_16 = "utf_8", "utf_16_be"
_OTHER_NAMES = {
    **dict.fromkeys(("utf16", "ucs2", "ucs2be", "iso10646ucs2"), _UTF_16),
    "ucs2le": "utf_16_le",
    "windows936": "gbk",
    "euccn": "gbk",
}

#: Kannel's charset of binary messages, such as ring tones and pictures.
_BINARY = "8bit"

#: Limits in characters; 2,000 are more than ten parts of a concatenated text.
_MAX_TEXT_LENGTH, _MAX_PARAMETER_LENGTH = 2_000, 256


def kannel_blueprint(handler: InboundSmsHandler) -> Blueprint:
    """``GET /kannel/sms``."""
    blueprint = Blueprint("kannel", __name__)

    @blueprint.get("/kannel/sms")
    def kannel_sms() -> Response:
        query = _parse(request.query_string, "id", "from", "text")
        bind_contextvars(message=query["id"])
        if _plain_name(query.get("charset", "")) == _BINARY:
            return _plain("")
        return _plain(handler.reply(f"kannel:{query['id']}", query["from"], query["text"]))

    return blueprint


def _parse(query_string: bytes, *required: str) -> Mapping[str, str]:
    """The parameters, the text decoded from its ``charset``. Raises BadRequest."""
    # Latin-1 maps each octet to one character; the charset of the text is itself a parameter.
    octets = dict(reversed(parse_qsl(query_string.decode("latin-1"), True, encoding="latin-1")))
    text = octets.pop("text", None)
    query = {
        name: value.encode("latin-1").decode("utf-8", "replace") for name, value in octets.items()
    }
    if text is not None:
        query["text"] = _decode(text, query.get("charset", ""))
    for name in required:
        # A text may be empty; an id or a sender may not.
        if name not in query or not (query[name] or name == "text"):
            raise BadRequest(f"missing parameter: {name}")
        if len(query[name]) > (_MAX_TEXT_LENGTH if name == "text" else _MAX_PARAMETER_LENGTH):
            raise BadRequest(f"too long: {name}")
    return query


def _plain_name(charset: str) -> str:
    """A charset's name in lower case, letters and digits alone."""
    return "".join(each for each in charset.lower() if each.isalnum())


_CODEC_BY_NAME = (
    {_plain_name(codec): codec for codec in _CODECS}
    | {_plain_name(alias): codec for alias, codec in aliases.items() if codec in _CODECS}
    | _OTHER_NAMES
)


def _decode(octets: str, charset: str) -> str:
    """The text; UTF-8 and unknown charsets are read as UTF-8, else as UTF-16BE.

    Undecodable octets become U+FFFD, so that the text gets the reply to an unknown one.
    """
    raw, codec = octets.encode("latin-1"), _CODEC_BY_NAME.get(_plain_name(charset), _UTF_8)
    if codec == _UTF_16 and raw.startswith(BOM_UTF16_LE):
        codec = "utf_16_le"
    for guess in (_UTF_8, _UTF_16) if codec == _UTF_8 else ():
        with suppress(UnicodeDecodeError):
            return raw.decode(guess)
    return raw.decode(codec, "replace")


def _plain(text: str) -> Response:
    """A reply; Kannel sends it in UCS-2 only with this header."""
    response = Response(text, content_type="text/plain; charset=utf-8")
    if not is_gsm7(text):
        response.headers["X-Kannel-Coding"] = "2"
    return response
