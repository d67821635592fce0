"""Kannel's delivery reports of receipts that this service sent."""

from collections.abc import Callable, Mapping

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from callbacks.app import CallbackRoute
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.status_updates import apply_status_update
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import Store

#: Characters; receipt ids and report types are far shorter.
_MAX_PARAMETER_LENGTH = 256

_USER_AGENT = "Kannel/"

#: Verify a request and return its query parameters.
VerifiedQuery = Callable[[Request], Mapping[str, str]]


def kannel_routes(
    store: Store,
    delivery: ReceiptLifecycle,
    status_of: Callable[[str, str], tuple[ProviderStatus, str]],
    verified_query: VerifiedQuery,
) -> tuple[CallbackRoute, ...]:
    """``GET /kannel/report``; ``status_of`` reads Kannel's type and the SMSC's answer."""

    def kannel_report(request: Request) -> Response | None:
        query = _required(verified_query(request), "type", "id")
        status, raw_status = status_of(query["type"], query.get("answer", ""))
        apply_status_update(store, delivery, query["id"], status, raw_status, None)
        return _acknowledgement(request.headers.get("User-Agent", ""))

    return (CallbackRoute("kannel.kannel_report", "GET", "/kannel/report", kannel_report),)


def _required(query: Mapping[str, str], *names: str) -> Mapping[str, str]:
    """The query, its named parameters checked. Raises BadRequest with the first bad name."""
    for name in names:
        if not query.get(name):
            raise BadRequest(f"missing parameter: {name}")
        if len(query[name]) > _MAX_PARAMETER_LENGTH:
            raise BadRequest(f"too long: {name}")
    return query


def _acknowledgement(user_agent: str) -> Response | None:
    """An empty 200 for Kannel, 204 for other callers.

    Kannel 1.4.5 takes 204 for a failure and repeats the request if it is set to repeat.
    """
    if user_agent.startswith(_USER_AGENT):
        return Response("", content_type="text/plain; charset=utf-8")
    return None
