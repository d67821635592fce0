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


def add_security_headers(response: Response) -> Response:
    """The response with headers against framing, caching and content of other origins."""
    for name, value in _SECURITY_HEADERS.items():
        response.headers[name] = value
    is_found = response.status_code < HTTPStatus.BAD_REQUEST and request.method in {"GET", "HEAD"}
    if (request.endpoint or "").endswith((".static", ".look")) and is_found:
        response.headers["Cache-Control"] = "public, max-age=3600"
    return response
