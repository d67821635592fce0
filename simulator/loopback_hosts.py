"""Answers requests to this machine's own names only.

Another name in the Host header is a page of a stranger, whose name was made to lead here
(DNS rebinding): its scripts would read the phones.
"""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: With any port: a relay on this machine has another one, and a rebound name is not among these.
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class LoopbackHosts:
    """A WSGI application for requests whose Host header is a loopback name."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, with 421 for another host."""
        if _OWN_HOST.fullmatch(environ.get("HTTP_HOST", "")):
            return self._app(environ, start_response)
        start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [b"Open http://127.0.0.1 with this port.\n"]
