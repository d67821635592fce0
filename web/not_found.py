"""Addresses below an area that no page has."""

from flask import Response
from flask.globals import request_ctx
from werkzeug.exceptions import MethodNotAllowed, NotFound


def not_found(path: str) -> Response:
    """Raise NotFound, or MethodNotAllowed for the address of a form."""
    adapter = request_ctx.url_adapter
    if adapter and (forms := set(adapter.allowed_methods()) - {"GET", "HEAD"}):
        raise MethodNotAllowed(forms)
    raise NotFound(path)
