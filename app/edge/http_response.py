"""Responses as bytes: those of the WSGI application, and refusals of the server itself."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from contextvars import Context
from email.utils import formatdate
from http import HTTPStatus
from io import BytesIO
from wsgiref.types import WSGIApplication

import structlog

from app.edge import limits
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


class Answer:
    """The application's answer to one request, which it may complete as its body is read."""

    def __init__(
        self, app: WSGIApplication, request: HttpRequest, address: tuple[str, int]
    ) -> None:
        """Call the application with a request that came to ``address``."""
        self._request = request
        self._started: tuple[str, _Headers] | None = None
        # Log fields and trace of one request are not those of another in the same thread.
        self._context = Context()
        environ = {**_CONSTANT, **request.environ, "wsgi.input": BytesIO(request.body)}
        environ["SERVER_NAME"], environ["SERVER_PORT"] = address[0], str(address[1])
        self._chunks: Iterable[bytes] = ()
        self._error: Exception | None = None
        try:
            self._chunks = self._context.run(app, environ, self._start)
        except Exception as error:  # noqa: BLE001 - the thread lives on, and the client gets an answer
            self._error = error

    def _start(
        self, status: str, headers: _Headers, exc_info: object = None
    ) -> Callable[[bytes], object]:
        del exc_info  # no part of a response is sent before its end
        self._started = status, headers
        return _no_write

    def read(self) -> bytes:
        """The whole response."""
        return self._context.run(self._read)

    def _read(self) -> bytes:
        if self._error is None:
            try:
                return self._response()
            except Exception as error:  # noqa: BLE001 - as above
                self._error = error
        _log.error("a request failed", exc_info=self._error)
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, self._request)

    def _response(self) -> bytes:
        try:
            body = b"".join(self._chunks)
        finally:
            if close := getattr(self._chunks, "close", None):
                close()
        assert self._started is not None  # noqa: S101 - WSGI asks for it before the first byte
        return _bytes(self._request, *self._started, body)


def refusal(status: HTTPStatus, request: HttpRequest | None = None) -> bytes:
    """A refusal in JSON; without a request the connection is closed after it."""
    body = {"error": _SENTENCES[status]}
    return _json_response(status, body, request)


def health(seconds_without_progress: float, request: HttpRequest) -> bytes:
    """Say whether the threads make progress; they are not needed for the answer."""
    if seconds_without_progress < limits.UNHEALTHY_SECONDS:
        return _json_response(HTTPStatus.OK, {"status": "ok"}, request)
    return _json_response(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "no progress"}, request)


def _json_response(
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
