"""Answers requests to this machine's own names only.

Another name in the Host header is a page of a stranger, whose name was made to lead here
(DNS rebinding): its scripts would read the phones.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES = ("127.0.0.1", "localhost", "[::1]")


class LoopbackHosts:
    """A WSGI application for requests whose Host header is a loopback name with the port."""

    def __init__(self, app: WSGIApplication, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in _NAMES}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, with 421 for another host."""
        if environ.get("HTTP_HOST", "").lower() in self._hosts:
            return self._app(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"Open http://127.0.0.1 with this port.\n"]
