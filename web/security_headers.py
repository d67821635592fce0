"""Security headers of all pages."""

from http import HTTPStatus

from flask import Response, request

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


#: Areas whose pages may run scripts of our own; all of them work without.
_WITH_SCRIPTS = frozenset({"counter", "console"})


def add_security_headers(response: Response) -> Response:
    """The response with headers against framing, caching and content of other origins."""
    # A drawing brings a policy of its own, with the hash of its style.
    own = response.headers.get("Content-Security-Policy")
    for name, value in _SECURITY_HEADERS.items():
        response.headers[name] = value
    if own:
        response.headers["Content-Security-Policy"] = own
    elif request.blueprint in _WITH_SCRIPTS:
        policy = _SECURITY_HEADERS["Content-Security-Policy"]
        response.headers["Content-Security-Policy"] = f"{policy}; script-src 'self'"
    is_found = response.status_code < HTTPStatus.BAD_REQUEST and request.method in {"GET", "HEAD"}
    if (request.endpoint or "").endswith((".static", ".look")) and is_found:
        response.headers["Cache-Control"] = "public, max-age=3600"
    return response
