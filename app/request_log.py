"""Ids of each request in the log: its lines bear them, and one line tells its end."""

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from app.log_setup import LineBound
from app.protection.client_address import ClientAddresses
from callbacks.app import ENDPOINT

_log = structlog.get_logger()

#: A request id that a proxy may set; another one is replaced by ours.
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

#: Ours have no digits, which could look like a telephone number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")

#: Endpoints of machines that look every second, and of files.
_QUIET = ("pulse.", "none")

#: Ids of a verified form of Twilio, by their name in the log.
_IDS = {"call": "CallSid", "message": "MessageSid"}


def bind_form_ids(form: Mapping[str, str]) -> None:
    """Bind the ids of the call and the text of a verified form to all lines of this request."""
    bind_contextvars(**{name: form[field] for name, field in _IDS.items() if form.get(field)})


class RequestLog:
    """WSGI middleware: ``X-Request-ID`` of a trusted proxy, or an id of our own."""

    def __init__(self, app: WSGIApplication, addresses: ClientAddresses) -> None:
        self._app, self._addresses = app, addresses
        self._bound = LineBound()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request, without the ids of the one before on its thread."""
        began = time.perf_counter()
        clear_contextvars()
        bind_contextvars(request=self._request_id(environ))

        def started(line: str, *rest: object) -> Callable[[bytes], object]:
            door = environ.get(ENDPOINT, "none")
            # Refused requests are counted: strangers must not use up the bound of these lines.
            if line[0] != "4" and not door.startswith(_QUIET) and not door.endswith(".static"):
                self._tell(door, line[:3], time.perf_counter() - began)
            return start(line, *rest)  # type: ignore[arg-type]

        return self._app(environ, started)

    def _tell(self, door: str, status: str, seconds: float) -> None:
        # The log has the same bound, but would make each of a door's many lines to leave it out.
        left_out = self._bound.admit(f"answered {door}")
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            _log.info("answered", door=door, status=int(status), seconds=round(seconds, 4), **more)

    def _request_id(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        if given and self._addresses.is_from_proxy(environ) and _REQUEST_ID.fullmatch(given):
            return str(given)
        # Not a secret, so it needs no system call for randomness.
        return f"{random.getrandbits(64):016x}".translate(_LETTERS)
