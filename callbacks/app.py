"""WSGI application for delivery reports: one route table, JSON errors.

It runs beside Flask, which costs more CPU a request than the work behind these routes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from receipts.ports.store import ReplayedEventError, StoreUnavailableError

_log = structlog.get_logger()

#: Requests of Twilio and Kannel and forms of the portal are far smaller.
MAX_BODY_BYTES = 16 * 1024

_RETRY_AFTER_SECONDS = 5

#: Key of the WSGI environ under which the metrics find a request's endpoint.
ENDPOINT = "sms_receipt.endpoint"

#: The end of a view that queued a change: it waits for the commit. A response of Werkzeug is a WSGI
#: application too.
Finish = Callable[[], WSGIApplication | None]


class CallbackRoute(NamedTuple):
    """One callback. The view verifies the request first; its None is an empty 204.

    A view may return its end, which runs once the body is read: a server that calls the views of
    several requests before it reads their bodies gives them one commit.
    """

    endpoint: str
    method: str
    path: str
    view: Callable[..., Response | Finish | None]


class CallbackRequest(Request):
    """A request with a limit on its body, the size of a webhook."""

    max_content_length = MAX_BODY_BYTES


class CallbackApp:
    """Dispatch requests to the routes by path and method."""

    def __init__(self, routes: Iterable[CallbackRoute]) -> None:
        listed = tuple(routes)
        self._views = {route.endpoint: route.view for route in listed}
        # A provider does not follow a redirect from /feed//reports: the report would be lost.
        rules = [Rule(each.path, endpoint=each.endpoint, methods=[each.method]) for each in listed]
        refuse_head(rules)
        self.url_map = Map(rules, merge_slashes=False)
        self._matcher = self.url_map.bind("localhost")
        #: Endpoints of paths without parameters, with none.
        self._fixed: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {
            (each.method, each.path): (each.endpoint, {}) for each in listed if "<" not in each.path
        }
        #: Paths that begin so belong to this application.
        self.prefixes = tuple(route.path.partition("<")[0] for route in listed)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to one request; every exception becomes an error response."""
        try:
            # Populated, the environ refers back to the request: a cycle for the collector.
            request = CallbackRequest(environ, populate_request=False)
            path, method = request.path, request.method
            fixed = self._fixed.get((method, path))
            endpoint, parameters = fixed or self._matcher.match(path, method)
            environ[ENDPOINT] = endpoint
            answer = self._views[endpoint](request, **parameters)
        except Exception as error:  # noqa: BLE001 - no input may end in a stack trace
            answer = error_response(error)
        if answer is None or isinstance(answer, Response):
            return _respond(answer, environ, start_response)
        return _finish(answer, environ, start_response)


def _respond(
    response: WSGIApplication | None, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    if response is None:
        start_response("204 NO CONTENT", [])
        return ()
    return response(environ, start_response)


def _finish(
    finish: Finish, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterator[bytes]:
    """End a view, and then respond: WSGI allows the start as late as the first byte."""
    try:
        response = finish()
    except Exception as error:  # noqa: BLE001 - as above
        response = error_response(error)
    yield from _respond(response, environ, start_response)


def refuse_head(rules: Iterable[Rule]) -> None:
    """Take HEAD, which Werkzeug adds beside GET, from routes whose GET changes records."""
    for rule in rules:
        if rule.methods:
            rule.methods.discard("HEAD")


def error_response(error: Exception) -> Response:
    """JSON for an exception; text/plain on a Twilio route would be sent to the customer."""
    if isinstance(error, HTTPException):
        kept = {"Allow", "Retry-After"}
        headers = {name: value for name, value in error.get_headers() if name in kept}
        return json_response({"error": error.description}, error.code or 400, headers)
    if isinstance(error, ReplayedEventError):
        _log.warning("an old event came again", why=str(error))
        return json_response({"error": "this request was handled before; nothing was changed"}, 409)
    retry = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    if isinstance(error, StoreUnavailableError):
        _log.warning("store out of reach", why=str(error))
        text = "the store is out of reach; nothing was changed"
    else:
        _log.error("a route failed", exc_info=error)
        text = "something went wrong here; nothing was changed"
    return json_response({"error": text}, 503, retry)


def json_response(
    body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON object as a response, in the same bytes as Flask's ``jsonify``."""
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    return Response(f"{text}\n", status, headers, content_type="application/json")
