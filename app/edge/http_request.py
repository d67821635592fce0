"""Requests of one connection: bytes in, whole requests and refusals out, without any I/O."""

from collections import deque
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import httptools

from app.edge.limits import MAX_HEAD_BYTES, Door, door_of

Environ = dict[str, Any]

#: A chunk of one byte takes six bytes on the wire.
_CHUNK_OVERHEAD = 8

_TOO_LONG_HEAD = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
_MALFORMED = HTTPStatus.BAD_REQUEST

#: Headers that CGI names without HTTP_.
_PLAIN = {"CONTENT_TYPE", "CONTENT_LENGTH"}

#: Headers that mean two things when they are given twice.
_SINGLE = {"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"}

#: CGI names of the usual headers, so that few are made anew for each request.
_names: dict[bytes, str] = {}
_MAX_NAMES = 256


class HttpRequest(NamedTuple):
    """One whole request: its environ without ``wsgi.`` keys, and its body."""

    environ: Environ
    body: bytes
    door: Door
    keep_alive: bool


class Refusal(NamedTuple):
    """A request that is answered with an error, after which the connection is closed."""

    status: HTTPStatus


class RequestParser:
    """Collects requests in ``ready``; llhttp (of Node.js) reads the protocol strictly."""

    def __init__(self, peer: str, prefix: str = "") -> None:
        """``prefix`` is the path of PUBLIC_URL, which a proxy may leave in place."""
        self._peer, self._prefix = peer, prefix
        self._llhttp = httptools.HttpRequestParser(self)
        self.ready: deque[HttpRequest | Refusal] = deque()
        #: The door of the request whose body is being read.
        self.door: Door | None = None
        self.expects_continue = False
        self._received = 0
        self._refused = False
        self._reset()

    def _reset(self) -> None:
        self._environ: Environ = {"REMOTE_ADDR": self._peer}
        self._url = b""
        self._head_bytes = self._body_bytes = 0
        self._body: list[bytes] = []

    @property
    def in_head(self) -> bool:
        """Whether a part of a head has arrived."""
        return self.door is None and self._received > 0

    @property
    def buffered_bytes(self) -> int:
        """Bytes of half a request and of those in ``ready``."""
        whole = (item for item in self.ready if isinstance(item, HttpRequest))
        return self._received + sum(len(request.body) for request in whole)

    def feed(self, data: bytes) -> None:
        """Read bytes. After a refusal they are ignored."""
        if self._refused:
            return
        self._received += len(data)
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request was read; another protocol is not spoken, and the connection ends.
            self._refused = True
        except httptools.HttpParserError:
            self._refuse(_MALFORMED)
        if self.door is None and self._received > MAX_HEAD_BYTES:
            self._refuse(_TOO_LONG_HEAD)
        elif self.door and self._received > _CHUNK_OVERHEAD * self.door.max_bytes + MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def _refuse(self, status: HTTPStatus) -> None:
        if not self._refused:
            self._refused = True
            self.ready.append(Refusal(status))

    # -- called by llhttp ------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or drop a trailer of a chunked body."""
        if self.door is not None or b"_" in name:
            return  # CGI cannot tell X_Y from X-Y
        self._count_head(len(name) + len(value) + len(": \r\n"))
        key = _names.get(name) or _cgi_name(name)
        text = value.decode("latin-1")
        before = self._environ.get(key)
        if before is None:
            self._environ[key] = text
        elif key in _SINGLE:
            self._refuse(_MALFORMED)
        else:
            self._environ[key] = f"{before}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LONG_HEAD)

    def on_headers_complete(self) -> None:
        """Find the door, and compare the announced size of the body with its limit."""
        environ, version = self._environ, self._llhttp.get_http_version()
        url, _, query = self._url.partition(b"?")
        if url.lower().startswith((b"http://", b"https://")):
            url = b"/" + url.partition(b"://")[2].partition(b"/")[2]
        transfer = environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower()
        no_host = version == "1.1" and "HTTP_HOST" not in environ
        if not url.startswith(b"/") or transfer != "chunked" or no_host:
            self._refuse(_MALFORMED)
        path = unquote_to_bytes(url) if b"%" in url else url
        environ["PATH_INFO"] = path.decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["REQUEST_METHOD"] = self._llhttp.get_method().decode()
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        self.door = self._door(environ["PATH_INFO"])
        if int(environ.get("CONTENT_LENGTH") or 0) > self.door.max_bytes:
            self._refuse(_TOO_LARGE)
        self.expects_continue = environ.get("HTTP_EXPECT", "").lower() == "100-continue"

    def _door(self, path: str) -> Door:
        below = path.removeprefix(self._prefix) if self._prefix else path
        return door_of(below)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        if self.door and self._body_bytes > self.door.max_bytes:
            self._refuse(_TOO_LARGE)
        if not self._refused:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Add the request to those that are ready."""
        if not self._refused and self.door is not None:
            keep_alive = self._llhttp.should_keep_alive() and not self._llhttp.should_upgrade()
            body = b"".join(self._body)
            if self._environ.pop("HTTP_TRANSFER_ENCODING", None):
                self._environ["CONTENT_LENGTH"] = str(len(body))
            self.ready.append(HttpRequest(self._environ, body, self.door, keep_alive))
        self.door, self.expects_continue, self._received = None, False, 0
        self._reset()


def _cgi_name(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    key = key if key in _PLAIN else f"HTTP_{key}"
    if len(_names) < _MAX_NAMES:
        _names[name] = key
    return key
