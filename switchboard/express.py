"""The short way in: good requests at the busy doors are answered without the web framework.

Whatever is not plainly good (another method, a wrong signature, a missing field, anything that
fails) goes on to the framework, whose guards and refusals are the only ones. Decision 021.
"""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from switchboard.gate import FAILURE, Gate
from switchboard.pulse import Answered

#: A webhook is far smaller; larger ones are the framework's to refuse.
_LARGEST = 64 * 1024

_FORM = "application/x-www-form-urlencoded"

_XML = ("Content-Type", "text/xml; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Stop:
    """A busy door: the fields it needs, and what it answers; None is an answer without a page.

    It is given the fields, and the query or whatever the path holds.
    """

    endpoint: str
    needs: tuple[str, ...]
    answer: Callable[[Mapping[str, str], str], str | None]


class Express:
    """Stands before the framework's own WSGI app."""

    def __init__(self, app: WSGIApplication, gate: Gate, stops: Mapping[str, Stop]) -> None:
        """``stops`` by path; one that ends in ``/*/status`` stands for every id in its middle."""
        self._app, self._gate, self._stops = app, gate, dict(stops)
        self._counts = {stop.endpoint: Answered(stop.endpoint) for stop in stops.values()}
        self._by_id = {
            path.removesuffix("*/status"): self._stops.pop(path)
            for path in stops
            if path.endswith("/*/status")
        }

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer, or send on."""
        began = time.perf_counter()
        path = environ["PATH_INFO"]
        stop, inside = self._stops.get(path), environ.get("QUERY_STRING", "")
        if stop is None:
            stop, inside = self._with_id(path)
        body = _body(environ) if stop is not None else None
        if stop is None or body is None:
            return self._app(environ, start)
        fields = self._gate.fields_of(environ, body)
        if fields is None or any(name not in fields for name in stop.needs):
            return self._sent_on(environ, body, start)
        try:
            page = stop.answer(fields, inside)
        except Exception as failure:  # noqa: BLE001 - told by the framework's handlers
            environ[FAILURE] = failure
            return self._sent_on(environ, body, start)
        return self._answered(stop, page, began, start)

    def _with_id(self, path: str) -> tuple[Stop | None, str]:
        for head, stop in self._by_id.items():
            if path.startswith(head) and path.endswith("/status"):
                inside = path[len(head) : -len("/status")]
                return (stop, inside) if inside.replace("-", "").isalnum() else (None, "")
        return None, ""

    def _sent_on(
        self, environ: WSGIEnvironment, body: bytes, start: StartResponse
    ) -> Iterable[bytes]:
        environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)

    def _answered(
        self, stop: Stop, page: str | None, began: float, start: StartResponse
    ) -> Iterable[bytes]:
        if page is None:
            start("204 NO CONTENT", [])
            self._counts[stop.endpoint].count("204", began)
            return ()
        octets = page.encode()
        start("200 OK", [_XML, ("Content-Length", str(len(octets)))])
        self._counts[stop.endpoint].count("200", began)
        return (octets,)


def _body(environ: WSGIEnvironment) -> bytes | None:
    """The body of a form that was posted whole; None for anything else, which is left unread."""
    kind, length = environ.get("CONTENT_TYPE", ""), environ.get("CONTENT_LENGTH", "")
    plain = environ["REQUEST_METHOD"] == "POST" and kind.partition(";")[0] == _FORM
    if not plain or not (length.isascii() and length.isdigit()) or int(length) > _LARGEST:
        return None
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    return body
