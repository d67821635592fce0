"""Responses as bytes: those of the WSGI application, and refusals of the server itself."""

import json
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from io import BytesIO
from wsgiref.types import WSGIApplication

import structlog

from app.edge.http_request import HttpRequest

_log = structlog.get_logger()

_Headers = list[tuple[str, str]]

#: Statuses without a body, and so without its length.
_BODILESS = ("204", "304")

#: Of these headers the server is the author.
_OWN = {"connection", "date", "transfer-encoding", "keep-alive"}

_CONSTANT = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.errors": sys.stderr,
}

#: A refusal's sentence, by its status.
_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "the request is not well-formed HTTP/1.1",
    HTTPStatus.NOT_FOUND: "not found",
    HTTPStatus.REQUEST_TIMEOUT: "the request did not arrive in time",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is larger than this address takes",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the head of the request is too long",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many requests wait; nothing was changed",
}


def respond(app: WSGIApplication, request: HttpRequest, address: tuple[str, int]) -> bytes:
    """The application's response to a request that came to ``address``."""
    environ = {**_CONSTANT, **request.environ, "wsgi.input": BytesIO(request.body)}
    environ["SERVER_NAME"], environ["SERVER_PORT"] = address[0], str(address[1])
    started: list[tuple[str, _Headers]] = []

    def start(status: str, headers: _Headers, exc_info: object = None) -> Callable[[bytes], object]:
        del exc_info  # no part of a response is sent before its end
        started.append((status, headers))
        return _no_write

    try:
        chunks = app(environ, start)
        try:
            body = b"".join(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()
        status, headers = started[-1]
        return _bytes(request, status, headers, body)
    except Exception as error:  # noqa: BLE001 - the thread lives on, and the client gets an answer
        _log.error("a request failed", exc_info=error)
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, request)


def refusal(status: HTTPStatus, request: HttpRequest | None = None) -> bytes:
    """A refusal in JSON; without a request the connection is closed after it."""
    body = {"error": _SENTENCES[status]}
    return json_response(status, body, request)


def json_response(
    status: HTTPStatus, body: dict[str, str], request: HttpRequest | None = None
) -> bytes:
    """A JSON object as a response of the server itself."""
    text = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    headers = [("Content-Type", "application/json")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "5"))
    return _bytes(request, f"{status.value} {status.phrase.upper()}", headers, text)


def _bytes(request: HttpRequest | None, status: str, headers: _Headers, body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}"]
    has_length = status.startswith(_BODILESS)
    for name, value in headers:
        lower = name.lower()
        if lower not in _OWN:
            has_length = has_length or lower == "content-length"
            lines.append(f"{name}: {value}")
    if not has_length:
        lines.append(f"Content-Length: {len(body)}")
    lines.append(f"Date: {_date()}")
    if request is None or not request.keep_alive:
        lines.append("Connection: close")
    elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    is_bodiless = request is not None and request.environ["REQUEST_METHOD"] == "HEAD"
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head if is_bodiless else head + body


class _DateHeader:
    """The Date header, made once a second."""

    second = 0
    text = ""


def _date() -> str:
    now = int(time.time())
    if now != _DateHeader.second:
        _DateHeader.text, _DateHeader.second = formatdate(now, usegmt=True), now
    return _DateHeader.text


def _no_write(_: bytes) -> None:
    raise NotImplementedError("the write() of WSGI is not supported")
