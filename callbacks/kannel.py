"""Kannel's delivery reports of receipts that this service sent."""

from collections.abc import Callable, Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request

from callbacks.app import CallbackRoute, Finish
from receipts.delivery.status_updates import StatusUpdates
from receipts.ports.provider import ProviderStatus

#: Characters; receipt ids and report types are far shorter.
_MAX_PARAMETER_LENGTH = 256


def kannel_routes(
    updates: StatusUpdates,
    status_of: Callable[[str, str], tuple[ProviderStatus, str]],
    verified_query: Callable[[Request], Mapping[str, str]],
) -> tuple[CallbackRoute, ...]:
    """``GET /kannel/report``; ``status_of`` reads Kannel's type and the SMSC's answer.

    ``verified_query`` verifies a request and returns its query parameters.
    """

    def kannel_report(request: Request) -> Finish:
        query = verified_query(request)
        for name in ("type", "id"):
            if not query.get(name):
                raise BadRequest(f"missing parameter: {name}")
            if len(query[name]) > _MAX_PARAMETER_LENGTH:
                raise BadRequest(f"too long: {name}")
        bind_contextvars(receipt=query["id"])
        status, raw_status = status_of(query["type"], query.get("answer", ""))
        update = updates.queue(query["id"], status, raw_status, None)
        agent = request.headers.get("User-Agent", "")

        def finish() -> WSGIApplication | None:
            updates.finish(update)
            # Kannel 1.4.5 takes 204 for a failure and repeats the request if it is set to repeat.
            return _ok if agent.startswith("Kannel/") else None

        return finish

    return (CallbackRoute("kannel.kannel_report", "GET", "/kannel/report", kannel_report),)


def _ok(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """An empty 200: a response of Werkzeug takes as much CPU as all that verifies the request."""
    start("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "0")])
    return ()
