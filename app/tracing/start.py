"""Starts traces where the settings name a collector; without one it imports no tracer."""

from typing import Protocol
from wsgiref.types import WSGIApplication

import structlog

from app.settings import Settings
from receipts.ports.provider import Provider
from receipts.ports.store import CommitObserver

_log = structlog.get_logger()


class Tracing(Protocol):
    """Wraps the parts of a process that make spans."""

    def observing(self, observe: CommitObserver) -> CommitObserver:
        """The observer of commits."""

    def wsgi(self, app: WSGIApplication) -> WSGIApplication:
        """The web application."""

    def provider(self, provider: Provider) -> Provider:
        """One provider."""


class NoTracing:
    """Leaves all parts as they are."""

    def observing(self, observe: CommitObserver) -> CommitObserver:
        """The observer itself."""
        return observe

    def wsgi(self, app: WSGIApplication) -> WSGIApplication:
        """The application itself."""
        return app

    def provider(self, provider: Provider) -> Provider:
        """The provider itself."""
        return provider


def start_tracing(settings: Settings, service: str) -> Tracing:
    """The tracing of a process; ``service`` is its name unless OTEL_SERVICE_NAME is set."""
    if not settings.otel_endpoint:
        return NoTracing()
    try:
        from app.tracing.spans import Spans, exporting_tracer  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as missing:
        fix = "pip install 'sms-receipt[otel]'"
        _log.warning("no traces: OpenTelemetry is not installed", missing=missing.name, fix=fix)
        return NoTracing()
    return Spans(exporting_tracer(service))
